"""The user's files are read and replaced through links, and special files never block."""

import os
from pathlib import Path

import pytest

from entrain.platform.files import UnfitFile, append_line, read_file, read_last_lines
from entrain.platform.whole_file import replace_file


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a folder in which the user keeps settings, like home-manager and stow."""
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


def replace(path: Path) -> None:
    replace_file(path, b"new\n")


def append(path: Path) -> None:
    append_line(path, b"new")


@pytest.mark.parametrize("write", [replace, append])
@pytest.mark.parametrize("leads_to", ["file", "nothing", "missing in a new folder"])
def test_a_link_stays_a_link(tmp_path, repository, write, leads_to):
    target = repository / ("deeper/state" if "folder" in leads_to else "state")
    if leads_to == "file":
        target.write_bytes(b"")
    (tmp_path / "first").symlink_to("repository/" + str(target.relative_to(repository)))
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "first")

    write(link)

    assert link.is_symlink()
    assert (tmp_path / "first").is_symlink()
    assert not target.is_symlink()
    assert target.read_bytes() == read_file(link, 9) == b"new\n"
    assert os.listdir(target.parent) == ["state"]


@pytest.mark.parametrize("write", [replace, append])
def test_a_folder_that_is_a_link_to_nothing_is_made(tmp_path, repository, write):
    (tmp_path / "entrain").symlink_to(repository / "entrain")

    write(tmp_path / "entrain" / "state")

    assert (repository / "entrain" / "state").read_bytes() == b"new\n"


def test_permissions_of_a_replaced_file_are_kept(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)

    replace(path)

    assert path.stat().st_mode & 0o777 == 0o640
    replace(tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_does_not_take_a_file_from_its_owner(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    os.chown(path, 12345, 12346)

    replace(path)

    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)


def test_a_folder_that_cannot_be_written_is_told_with_where_the_link_leads(tmp_path):
    """The store of settings may be read-only; even root cannot write to /proc."""
    link = tmp_path / "link"
    link.symlink_to("/proc/sys/entrain-state")

    with pytest.raises(OSError, match=r"\(it leads to /proc/sys/entrain-state\)"):
        replace(link)
    assert link.is_symlink()


@pytest.mark.parametrize("use", [replace, append, lambda path: read_file(path, 9)])
def test_links_in_a_circle_are_one_clear_error(tmp_path, use):
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")

    with pytest.raises(UnfitFile) as told:
        use(tmp_path / "one")

    assert told.value.strerror == "is a link that leads in a circle"


@pytest.mark.parametrize(
    "use", [replace, append, lambda path: read_file(path, 9), lambda path: read_last_lines(path, 9)]
)
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "link to a device"])
def test_what_is_no_file_is_neither_waited_for_nor_replaced(tmp_path, use, kind):
    path = tmp_path / "odd"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "device":
            path = Path("/dev/null")
        case "link to a device":
            path.symlink_to("/dev/null")
    before = path.stat()

    with pytest.raises(UnfitFile) as told:
        use(path)

    assert told.value.strerror == "is not a file"
    assert (path.stat().st_mode, path.stat().st_ino) == (before.st_mode, before.st_ino)


@pytest.mark.parametrize("write", [replace, append])
def test_a_file_in_the_place_of_the_folder_is_told(tmp_path, write):
    (tmp_path / "folder").touch()

    with pytest.raises(NotADirectoryError, match="Not a directory"):
        write(tmp_path / "folder" / "file")
