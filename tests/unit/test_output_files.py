"""Commands write a file completely or not at all, and never over their input or unknown files."""

import contextlib
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from entrain.platform import whole_file as module
from entrain.platform.files import UnfitFile
from entrain.platform.whole_file import output_file, whole_file
from entrain.vdevice.offline.render import render_file
from entrain.vdevice.offline.sound_writer import RenderError
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.protocol.spec import from_specs

ENTRAIN = (sys.executable, "-m", "entrain.tray")
SOAK = os.environ.get("ENTRAIN_SOAK") == "1"
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL)
NOTHING = from_specs([])


@pytest.fixture(params=["unnamed", "named"])
def unfinished(request, monkeypatch) -> str:
    """Run the test with unnamed temporary files, and as on file systems without them."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    return request.param


@pytest.fixture
def source(tmp_path) -> Path:
    path = tmp_path / "in.wav"
    noise = np.random.default_rng(1).standard_normal((3 * 48_000, 2)) * 0.1
    soundfile.write(path, noise, 48_000)
    return path


def write(path: Path, content: bytes = b"new", **options: object) -> None:
    with output_file(
        path, lambda other: other.read_bytes() == b"old", "a thing", **options
    ) as file:
        file.write(content)


# ---- existing files --------------------------------------------------------------------------


def test_a_file_of_the_same_kind_is_replaced_with_its_permissions(tmp_path, unfinished):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write(path)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["a"]


def test_a_new_file_has_the_permissions_of_the_umask(tmp_path, unfinished):
    before = os.umask(0o027)
    try:
        write(tmp_path / "a")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_file_of_another_kind_is_left_alone_without_force(tmp_path):
    path = tmp_path / "thesis.odt"
    path.write_bytes(b"years of work")
    with pytest.raises(UnfitFile) as caught:
        write(path)
    assert caught.value.strerror == "already exists and is not a thing; --force replaces it"
    assert path.read_bytes() == b"years of work"
    write(path, force=True)
    assert path.read_bytes() == b"new"


def test_an_empty_file_is_no_loss(tmp_path):
    (tmp_path / "a").touch()
    write(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("way", ["same", "hard", "soft", "folder"])
def test_what_is_read_is_never_replaced(tmp_path, way, force):
    read = tmp_path / "read"
    read.write_bytes(b"old")
    path = {"same": read, "folder": tmp_path / "link" / "read"}.get(way, tmp_path / "other")
    if way == "hard":
        path.hardlink_to(read)
    elif way == "soft":
        path.symlink_to(read)
    elif way == "folder":
        path.parent.symlink_to(tmp_path)
    with pytest.raises(UnfitFile, match="is the input file; choose another name"):
        write(path, inputs=[tmp_path / "missing", read], force=force)
    assert read.read_bytes() == b"old"


def test_a_link_is_followed(tmp_path, unfinished):
    (tmp_path / "far").mkdir()
    for name in ("there", "not-there"):
        if name == "there":
            (tmp_path / "far" / name).write_bytes(b"old")
        (tmp_path / name).symlink_to(Path("far", name))
        write(tmp_path / name)
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / "far" / name).read_bytes() == b"new"


@pytest.mark.parametrize("force", [False, True])
def test_folders_pipes_and_devices_are_not_replaced(tmp_path, force):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/null")
    for path, reason in (
        (tmp_path, "is a folder"),
        (tmp_path / "pipe", "is not a file"),
        (Path("/dev/null"), "is not a file"),
        (tmp_path / "link", "is not a file"),
    ):
        with pytest.raises(UnfitFile, match=reason):
            write(path, force=force)
    assert Path("/dev/null").is_char_device()


def test_two_that_write_the_same_file_do_not_disturb_each_other(tmp_path, unfinished):
    path = tmp_path / "a"
    with whole_file(path) as one:
        one.write(b"one")
        one.flush()
        with whole_file(path) as other:
            other.write(b"other")
        assert path.read_bytes() == b"other"
    assert path.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["a"]


# ---- completely, or not at all -----------------------------------------------------------------


def test_after_an_error_all_is_as_before(tmp_path, unfinished):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail() -> None:
        with whole_file(path) as file:
            file.write(b"half")
            file.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def _die(path: Path, how: int) -> None:
    with whole_file(path) as file:
        file.write(b"half")
        file.flush()
        os.kill(os.getpid(), how)
        time.sleep(60)


@pytest.mark.parametrize("how", SIGNALS)
def test_a_signal_leaves_nothing(tmp_path, unfinished, how):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    process = multiprocessing.get_context("fork").Process(target=_die, args=(path, how))
    process.start()
    process.join(20)
    expected = {signal.SIGKILL: -9, signal.SIGINT: 1}.get(how, 128 + how)
    assert process.exitcode == expected
    if how == signal.SIGKILL and unfinished == "named":
        assert len(os.listdir(tmp_path)) == 2
        write(tmp_path / "b")  # removes the unfinished file, too
        (tmp_path / "b").unlink()
    assert os.listdir(tmp_path) == ["a"]
    assert path.read_bytes() == b"old"


def _die_in_a_save(folder: Path, how: int) -> None:
    def die(_: int) -> None:
        os.kill(os.getpid(), how)
        time.sleep(60)

    os.fsync = die
    Library(folder).save(NOTHING)


@pytest.mark.parametrize("how", SIGNALS)
def test_a_signal_in_a_save_or_import_leaves_nothing_in_the_users_folder(tmp_path, unfinished, how):
    library = Library(tmp_path / "protocols")
    before = library.save(NOTHING.model_copy(update={"name": "Before"})).read_bytes()
    process = multiprocessing.get_context("fork").Process(
        target=_die_in_a_save, args=(tmp_path / "protocols", how)
    )
    process.start()
    process.join(20)
    assert not process.is_alive()
    if how == signal.SIGKILL and unfinished == "named":
        assert len(os.listdir(tmp_path / "protocols")) == 2
        library.save(from_specs(["am"]).model_copy(update={"id": "next"}))  # removes the rest, too
        (tmp_path / "protocols" / "next.json").unlink()
    assert os.listdir(tmp_path / "protocols") == ["custom.json"]
    assert (tmp_path / "protocols" / "custom.json").read_bytes() == before


def test_a_private_file_is_private_from_its_first_moment_on(tmp_path, unfinished, monkeypatch):
    path = tmp_path / "a"
    path.touch(0o600)
    monkeypatch.setattr(module, "_give_to_owner", lambda *_: None)
    with whole_file(path) as file:
        assert os.fstat(file.fileno()).st_mode & 0o777 == 0o600


def test_a_signal_is_still_ignored_or_handled_by_who_did_so(tmp_path):
    for handler in (signal.SIG_IGN, lambda *_: None):
        before = signal.signal(signal.SIGHUP, handler)
        try:
            with whole_file(tmp_path / "a") as file:
                signal.raise_signal(signal.SIGHUP)
                file.write(b"new")
            assert signal.getsignal(signal.SIGHUP) is handler
        finally:
            signal.signal(signal.SIGHUP, before)
    assert (tmp_path / "a").read_bytes() == b"new"


def test_only_what_is_left_over_is_removed(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    kept = [".entrain-notes.part", ".entrain-0123456789abcdef.part.bak", "x.part"]
    for name in kept:
        (tmp_path / name).touch()
    (tmp_path / ".entrain-0123456789abcdef.part").touch()
    (tmp_path / ".entrain-0123456789abcdee.part").symlink_to("x.part")
    module.remove_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted([*kept, ".entrain-0123456789abcdee.part"])


@contextlib.contextmanager
def small_files(size: int) -> Iterator[None]:
    """Limit files to `size`: writes fail as on a full disk, with another error."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "opus", "mp3", "aiff", "caf", "w64"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_full_disk_is_said_in_plain_words(tmp_path, source, ending, share):
    """The message is the same if only the last bytes do not fit."""
    out = tmp_path / f"out.{ending}"
    render_file(source, out, NOTHING)
    whole = out.read_bytes()
    before = sorted(os.listdir(tmp_path))

    with small_files(int(len(whole) * share)), pytest.raises(RenderError) as caught:
        render_file(source, out, NOTHING)

    assert str(caught.value) == f"{out}: File too large"
    assert sorted(os.listdir(tmp_path)) == before
    assert out.read_bytes() == whole


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system, which needs root")
def test_a_disk_that_is_really_full(tmp_path, source):
    script = f"""
        mount -t tmpfs -o size=300k none {tmp_path}/small &&
        {sys.executable} -m entrain.tray render {source} {tmp_path}/small/out.wav
        echo $? $(ls -A {tmp_path}/small)"""
    (tmp_path / "small").mkdir()
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False
    )
    if "mount" in done.stderr:
        pytest.skip(done.stderr)
    assert done.stdout == "1\n"
    assert done.stderr == f"entrain: {tmp_path}/small/out.wav: No space left on device\n"


def test_a_folder_that_is_not_there_or_closed_is_named(tmp_path, source):
    with pytest.raises(RenderError, match=r"/no/such: No such file or directory$"):
        render_file(source, tmp_path / "no" / "such" / "out.wav", NOTHING)
    with pytest.raises(RenderError, match=r"in\.wav/out\.wav: Not a directory$"):
        render_file(source, source / "out.wav", NOTHING)
    with pytest.raises(RenderError, match=r"^/proc"):  # even root cannot write there
        render_file(source, Path("/proc/out.wav"), NOTHING)


# ---- the commands ----------------------------------------------------------------------------


@pytest.mark.parametrize("how", SIGNALS if SOAK else (signal.SIGTERM, signal.SIGINT))
def test_render_stopped_in_the_middle_leaves_nothing(tmp_path, how):
    minutes = tmp_path / "long.wav"
    with soundfile.SoundFile(minutes, "w", 48_000, 2) as file:
        silence = np.zeros((48_000, 2))
        for _ in range(300):
            file.write(silence)
    process = subprocess.Popen(
        [*ENTRAIN, "render", minutes, tmp_path / "out.wav"], stderr=subprocess.PIPE, text=True
    )
    _wait_until_it_writes(process.pid, tmp_path)
    process.send_signal(how)
    _, said = process.communicate(timeout=30)
    assert process.returncode == {signal.SIGKILL: -9, signal.SIGINT: 130}.get(how, 128 + how)
    assert said.strip() == ""
    assert os.listdir(tmp_path) == ["long.wav"]


def _wait_until_it_writes(pid: int, folder: Path) -> None:
    """Wait for an open file in `folder`, other than the source, that has grown."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                leads_to = os.readlink(fd)
                is_output = leads_to.startswith(f"{folder}/") and "long.wav" not in leads_to
                if is_output and fd.stat().st_size > 1_000_000:
                    return
        time.sleep(0.01)
    pytest.fail("the command has written no file")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("render", "in.wav", "in.wav"), "in.wav: is the input file; choose another name"),
        (("render", "in.wav", "text.wav"), "text.wav: already exists and is not a sound file; "),
        (("verify", "in.wav", "--plot", "in.wav"), "in.wav: is the input file; choose"),
        (
            ("verify", "in.wav", "--against", "other.wav", "--plot", "other.wav", "--force"),
            "other.wav: is the input file; choose another name",
        ),
        (("verify", "in.wav", "--plot", "text.wav"), "text.wav: already exists and is not a pic"),
        (
            ("verify", "in.wav", "--plot", "a.gif"),
            "a.gif: the name of a picture must end in .png, .jpg, .svg",
        ),
        (("verify", "in.wav", "--plot", "."), ".: is a folder; choose a file name"),
        (("verify", "in.wav", "--plot", "/dev/null"), "/dev/null: is not a file; choose another"),
        (("verify", "in.wav", "--plot", "/dev/full"), "/dev/full: is not a file; choose another"),
        (("verify", "in.wav", "--plot", "no/a.png"), "/no: No such file or directory"),
    ],
)
def test_what_a_command_will_not_write_over(tmp_path, source, monkeypatch, arguments, said):
    from click.testing import CliRunner

    from entrain.tray.commands.cli import cli

    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.wav").write_text("a letter")
    (tmp_path / "other.wav").write_bytes(source.read_bytes())
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    done = CliRunner().invoke(cli, arguments)

    assert done.exit_code == 1
    assert done.output.startswith("entrain: ")
    assert said in done.output
    assert done.output.count("\n") == 1
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_verify_replaces_its_own_picture_and_nothing_when_it_fails(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from entrain.tray.commands.cli import cli

    monkeypatch.chdir(tmp_path)
    soundfile.write("a.wav", np.zeros((48_000, 2)), 48_000)
    for _ in range(2):
        done = CliRunner().invoke(cli, ["verify", "a.wav", "--plot", "a.png"])
        assert done.exit_code == 0, done.output
    picture = Path("a.png").read_bytes()
    Path("a.wav").write_text("no sound any more")
    assert CliRunner().invoke(cli, ["verify", "a.wav", "--plot", "a.png"]).exit_code == 1
    assert Path("a.png").read_bytes() == picture
    assert sorted(os.listdir()) == ["a.png", "a.wav"]
