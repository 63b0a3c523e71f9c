"""Start at login: the choice of the program, and the desktop's own settings."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from entrain.platform import entry_file, installation
from entrain.platform.adapter import NotSupported, PlatformError
from entrain.platform.autostart import XdgAutostart
from entrain.platform.desktop_entry import command_line
from entrain.platform.entry_file import read_entry
from entrain.platform.installation import installed_program
from entrain.platform.null import NullAdapter
from entrain.tray.commands.cli import cli

if sys.platform != "linux":
    pytest.skip("XDG desktops only", allow_module_level=True)


def make_program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CONFIG_HOME", "DATA_HOME"):
        monkeypatch.setenv(f"XDG_{name}", str(tmp_path / name))
    monkeypatch.delenv("ENTRAIN_PLATFORM", raising=False)
    return tmp_path


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the installed program."""
    path = make_program(tmp_path / "data/entrain/venv/bin/entrain")
    monkeypatch.setattr(entry_file, "installed_program", lambda: path)
    return path


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    return tmp_path / "CONFIG_HOME/autostart/org.entrain.Entrain.desktop"


def entrain(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, arguments, prog_name="entrain")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


# ---- the program -------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["entrain/venv", "pipx/venvs/entrain", "usr"])
def test_an_installed_program_is_found(tmp_path, place):
    prefix = tmp_path / place
    program = make_program(prefix / "bin/entrain")

    assert installed_program(prefix, prefix / "bin") == program


def test_one_in_a_clone_is_refused(tmp_path):
    make_program(tmp_path / "clone/.venv/bin/entrain")
    (tmp_path / "clone/pyproject.toml").write_text('[project]\nname = "entrain"\n')

    with pytest.raises(PlatformError, match="run `make install` there first") as refusal:
        installed_program(tmp_path / "clone/.venv", tmp_path / "clone/.venv/bin")

    assert str(tmp_path / "clone") in str(refusal.value)


@pytest.mark.parametrize("text", ['[project]\nname = "other"\n', "[project]\n", "project = 1", "["])
def test_a_folder_of_another_project_is_no_clone(tmp_path, text):
    program = make_program(tmp_path / "other/.venv/bin/entrain")
    (tmp_path / "other/pyproject.toml").write_text(text)

    assert installed_program(tmp_path / "other/.venv", program.parent) == program


def test_without_a_command_there_is_nothing_to_start(tmp_path):
    with pytest.raises(PlatformError, match="there is no command entrain"):
        installed_program(tmp_path, tmp_path / "bin")


def test_links_to_the_program_are_kept(tmp_path):
    """The link will lead to the next version, too; its present target may disappear."""
    make_program(tmp_path / "versions/1/entrain")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/entrain").symlink_to(tmp_path / "versions/1/entrain")

    assert installed_program(tmp_path, tmp_path / "bin") == tmp_path / "bin/entrain"


def test_this_python_is_asked_by_default(tmp_path, monkeypatch):
    program = make_program(tmp_path / "venv/bin/entrain")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    monkeypatch.setattr(installation.sysconfig, "get_path", lambda *_: str(tmp_path / "none"))

    assert installed_program() == program


# ---- the entry ---------------------------------------------------------------------------------


def test_enable_and_disable(program, entry):
    assert entrain("autostart", "status").stdout == "disabled\n"

    assert entrain("autostart", "enable").stdout == f"enabled: each login starts {program}\n"
    assert entrain("autostart", "status").stdout == f"enabled: each login starts {program}\n"
    written = read_entry(entry)
    assert written
    assert written.get("Exec") == command_line(program)
    assert written.get("Version") == "1.0"

    assert entrain("autostart", "disable").stdout == "disabled\n"
    assert list(entry.parent.iterdir()) == []
    assert entrain("autostart", "disable").exit_code == 0


@pytest.mark.parametrize("line", ["Hidden=true", "X-GNOME-Autostart-enabled=false"])
def test_what_the_desktops_settings_say_counts(program, entry, line):
    XdgAutostart().enable()
    entry.write_text(entry.read_text() + line + "\n")
    off = entry.read_text()

    assert (
        "disabled: switched off in the desktop's settings" in entrain("autostart", "status").stdout
    )
    XdgAutostart().refresh()
    assert entry.read_text() == off

    assert entrain("autostart", "enable").stdout.startswith("enabled")
    assert line not in entry.read_text()


def test_an_entry_for_a_program_that_is_gone_is_reported_and_mended(program, entry, tmp_path):
    old = make_program(tmp_path / "old/bin/entrain")
    XdgAutostart(old).enable()
    assert XdgAutostart().status().program == old
    old.unlink()

    said = entrain("autostart", "status").stdout
    assert said == f"disabled: {old} does not exist; `entrain autostart enable` repairs it\n"

    assert entrain("autostart", "enable").stdout == f"enabled: each login starts {program}\n"


def test_an_upgrade_keeps_it(program, entry, tmp_path):
    """The user's own additions to the entry are kept, too."""
    XdgAutostart(make_program(tmp_path / "old/bin/entrain")).enable()
    entry.write_text(entry.read_text() + "X-GNOME-Autostart-Delay=5\n")

    XdgAutostart().refresh()

    assert XdgAutostart().status().program == program
    assert "X-GNOME-Autostart-Delay=5\n" in entry.read_text()


def test_an_upgrade_does_not_switch_it_on(program, entry):
    XdgAutostart().refresh()

    assert not entry.exists()


@pytest.mark.parametrize("renew", ["enable", "refresh"])
def test_an_entry_of_the_former_name_is_taken_over(program, entry, renew):
    former = entry.with_name("entrain.desktop")
    XdgAutostart().enable()
    entry.rename(former)
    former.write_text(former.read_text() + "X-GNOME-Autostart-Delay=5\n")
    assert XdgAutostart().status().enabled

    getattr(XdgAutostart(), renew)()

    assert XdgAutostart().status().program == program
    assert "X-GNOME-Autostart-Delay=5\n" in entry.read_text()
    assert list(entry.parent.iterdir()) == [entry]


def test_an_entry_of_the_former_name_keeps_what_the_desktops_settings_say(program, entry):
    former = entry.with_name("entrain.desktop")
    XdgAutostart().enable()
    entry.rename(former)
    former.write_text(former.read_text() + "Hidden=true\n")

    XdgAutostart().refresh()

    assert not XdgAutostart().status().enabled
    XdgAutostart().disable()
    assert list(entry.parent.iterdir()) == []


def test_an_entry_of_another_program_is_left_alone(program, entry):
    entry.parent.mkdir(parents=True)
    entry.write_text("[Desktop Entry]\nType=Application\nName=Other\nExec=other\n")
    before = entry.read_text()

    for action in ("enable", "disable", "status"):
        result = entrain("autostart", action)
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
        assert "starts other, not Entrain; move it away first" in result.stderr

    assert entry.read_text() == before


def test_from_a_clone_it_is_refused_and_nothing_is_written(entry, monkeypatch, tmp_path):
    make_program(tmp_path / "clone/.venv/bin/entrain")
    (tmp_path / "clone/pyproject.toml").write_text('[project]\nname = "entrain"\n')
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "clone/.venv"))

    for arguments in (("autostart", "enable"), ("install-desktop",)):
        result = entrain(*arguments)
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
        assert "make install" in result.stderr

    assert not entry.exists()
    assert not (tmp_path / "DATA_HOME").exists()


def test_a_folder_that_cannot_be_written_is_one_line(program, entry, tmp_path):
    (tmp_path / "CONFIG_HOME").write_text("a file is in the way")

    result = entrain("autostart", "enable")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize("what", ["autostart", "launcher"])
def test_a_system_without_it_says_so(what):
    with pytest.raises(NotSupported):
        getattr(NullAdapter(), what)()


# ---- from the command line ---------------------------------------------------------------------


def test_install_desktop_and_its_undo(program, monkeypatch, tmp_path):
    """An existing entry is updated."""
    monkeypatch.setattr("entrain.platform.entry_file.installed_program", lambda: program)
    XdgAutostart(make_program(tmp_path / "old/bin/entrain")).enable()

    files = entrain("install-desktop").stdout.splitlines()

    assert f"{tmp_path}/DATA_HOME/applications/org.entrain.Entrain.desktop" in files
    assert [file for file in files if not Path(file).exists()] == []
    assert XdgAutostart().status().program == program
    assert sorted(entrain("install-desktop", "--undo").stdout.splitlines()) == sorted(files)
    assert [file for file in files if Path(file).exists()] == []
    assert XdgAutostart().status().enabled
