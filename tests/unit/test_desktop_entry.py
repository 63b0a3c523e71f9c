"""Desktops read desktop entries as Entrain meant them, and entries of others are kept."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from needs import skip_without_programs

from entrain.platform.adapter import PlatformError
from entrain.platform.app_id import APP_ID, FORMER_IDS
from entrain.platform.desktop_entry import DesktopEntry, command_line, escaped
from entrain.platform.entry_file import read_entry, write_entry
from entrain.platform.launcher import XdgLauncher
from entrain.tray.icon.drawing import svg_files

if sys.platform != "linux":
    pytest.skip("XDG desktops only", allow_module_level=True)

ODD_NAMES = [
    "plain",
    "with space",
    'with "quotes"',
    "it's",
    "$HOME",
    "back`tick`",
    "back\\slash",
    "two\\\\",
    "Zoë ♪",
    "semi;colon & more",
    "~tilde",
]

FOREIGN = "[Desktop Entry]\nType=Application\nName=Other\nExec=/usr/bin/other --entrain\n"


def needs(program: str) -> str:
    """Skip the test if a program is missing, except in CI; return the program."""
    skip_without_programs(program)
    return program


def validate(path: Path) -> None:
    done = subprocess.run(
        [needs("desktop-file-validate"), path], capture_output=True, text=True, timeout=20
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "a home" / "bin" / "entrain"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def launcher(tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch) -> XdgLauncher:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return XdgLauncher(program)


# ---- the command line --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/usr/bin/entrain", "/usr/bin/entrain"),
        ("/home/a b/entrain", '"/home/a b/entrain"'),
        ("/home/$a/entrain", '"/home/\\\\$a/entrain"'),
        ("/home/a\\b/entrain", '"/home/a\\\\\\\\b/entrain"'),  # the specification's own example
    ],
)
def test_it_is_quoted_by_the_rules_of_the_specification(path, line):
    assert command_line(Path(path)) == line
    assert command_line(Path(path), "toggle", "50%") == f"{line} toggle 50%%"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_odd_path_is_read_back_as_it_was(name):
    entry = DesktopEntry()
    entry.set("Exec", command_line(Path("/home") / name / "entrain", "toggle"))

    assert DesktopEntry(str(entry)).program() == f"/home/{name}/entrain"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_desktop_starts_a_program_with_an_odd_path(tmp_path, name):
    """The test starts the entry through GLib, as GNOME, Xfce, Cinnamon and MATE do."""
    gio = needs("gio")
    program, sign = tmp_path / name / "entrain", tmp_path / "started"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >"{sign}.new" && mv "{sign}.new" "{sign}"\n')
    program.chmod(0o755)
    entry = DesktopEntry()
    for key, value in (
        ("Type", "Application"),
        ("Name", "Entrain"),
        ("TryExec", escaped(str(program))),
        ("Exec", command_line(program, "an argument")),
    ):
        entry.set(key, value)
    file = tmp_path / "entrain.desktop"
    write_entry(file, entry)
    validate(file)

    done = subprocess.run(
        [gio, "launch", file],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert done.returncode == 0, done.stderr
    deadline_s = time.monotonic() + 20
    while not sign.exists():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    assert sign.read_text() == "an argument\n"


@pytest.mark.parametrize("char", ["=", "%"])
def test_what_not_every_desktop_can_start_is_said(char):
    with pytest.raises(PlatformError, match=f'"{char}"'):
        command_line(Path(f"/home/a{char}b/entrain"))


# ---- files -------------------------------------------------------------------------------------


def test_what_else_is_in_a_file_stays():
    text = (
        "# mine\n[Desktop Entry]\nName=Entrain\nName[de]=Schwung\n"
        "X-GNOME-Autostart-Delay=5\nHidden=true\n\n[Desktop Action a]\nName=A\nHidden=true\n"
    )
    entry = DesktopEntry(text)

    entry.remove("Hidden")
    entry.set("Name", "New")
    entry.set("Icon", "entrain")

    assert str(entry) == (
        "# mine\n[Desktop Entry]\nName=New\nName[de]=Schwung\n"
        "X-GNOME-Autostart-Delay=5\nIcon=entrain\n\n[Desktop Action a]\nName=A\nHidden=true\n"
    )


def test_a_file_of_another_program_is_named_and_left_alone(tmp_path):
    file = tmp_path / "entrain.desktop"
    file.write_text(FOREIGN)

    with pytest.raises(PlatformError, match=r"entrain.desktop starts /usr/bin/other"):
        read_entry(file)

    assert file.read_text() == FOREIGN


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"x" * (1 << 20), None])
def test_what_is_no_entry_is_refused(tmp_path, content):
    file = tmp_path / "entrain.desktop"
    if content is None:
        os.mkfifo(file)
    else:
        file.write_bytes(content)

    with pytest.raises(PlatformError, match="move it away first"):
        read_entry(file)


def test_a_file_that_is_kept_elsewhere_stays_a_link(tmp_path):
    """Some users keep their settings in a repository, with links to it."""
    kept, link = tmp_path / "kept", tmp_path / "entrain.desktop"
    write_entry(kept, DesktopEntry())
    link.symlink_to(kept)
    entry = DesktopEntry()
    entry.set("Exec", "entrain")

    write_entry(link, entry)

    assert link.is_symlink()
    assert kept.read_text() == "[Desktop Entry]\nExec=entrain\n"


# ---- the application menu ----------------------------------------------------------------------


def test_the_menu_entry_is_valid_and_has_its_icon(launcher, program, tmp_path):
    files = launcher.install(svg_files())

    validate(launcher.path)
    entry = read_entry(launcher.path)
    assert entry
    assert entry.program() == str(program)
    theme = tmp_path / "data/icons/hicolor/scalable"
    icon = theme / "apps" / f"{entry.get('Icon')}.svg"
    assert icon.read_bytes() == svg_files()["entrain.svg"]
    assert (theme / "status/entrain-bypassed.svg").exists()
    assert sorted(files) == sorted(path for path in (tmp_path / "data").rglob("*.*"))


def test_the_entry_has_the_name_that_the_portal_knows(launcher):
    launcher.install(svg_files())

    assert launcher.path.name == f"{APP_ID}.desktop"


def test_files_of_an_earlier_version_make_way_for_the_new_ones(launcher, program, tmp_path):
    icon = tmp_path / "data/icons/hicolor/scalable/apps/entrain.svg"
    icon.parent.mkdir(parents=True)
    icon.write_text("former")
    launcher.path.parent.mkdir(parents=True)
    former = [launcher.path.with_name(f"{name}.desktop") for name in FORMER_IDS]
    for path in former:
        path.write_text(f"[Desktop Entry]\nExec={command_line(program)}\n")

    files = launcher.install(svg_files())

    assert sorted(files) == sorted(path for path in (tmp_path / "data").rglob("*.*"))


def test_another_apps_entry_of_the_former_name_stays(launcher):
    launcher.path.parent.mkdir(parents=True)
    other = launcher.path.with_name("entrain.desktop")
    other.write_text(FOREIGN)

    launcher.install(svg_files())
    launcher.undo()

    assert other.read_text() == FOREIGN


def test_installing_again_changes_nothing(launcher):
    files = {path: path.read_bytes() for path in launcher.install(svg_files())}

    assert {path: path.read_bytes() for path in launcher.install(svg_files())} == files


def test_undo_removes_what_was_installed_and_nothing_else(launcher):
    files = launcher.install(svg_files())
    other = files[0].with_name("entrainment-trainer.svg")
    other.write_text("another program's")

    assert sorted(launcher.undo()) == sorted(files)

    assert [path for path in files if path.exists()] == []
    assert other.exists()
    assert launcher.undo() == []


def test_a_menu_entry_of_another_program_is_left_alone(launcher):
    launcher.path.parent.mkdir(parents=True)
    launcher.path.write_text(FOREIGN)

    for act in (lambda: launcher.install(svg_files()), launcher.undo):
        with pytest.raises(PlatformError, match="move it away first"):
            act()

    assert launcher.path.read_text() == FOREIGN
    assert list(launcher.path.parent.parent.iterdir()) == [launcher.path.parent]
