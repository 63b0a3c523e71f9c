"""The files that a package puts into the system pass the checks of the programs that read them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from needs import skip_without_programs

from entrain.tray.commands.cli import cli

if sys.platform != "linux":
    pytest.skip("for Linux only", allow_module_level=True)

PACKAGES = Path(__file__).parents[2] / "packages"
SHARE = PACKAGES / "share"


def said(*command: str | Path) -> str:
    """Return everything that a program says; it must succeed."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("share")
    said(sys.executable, "-P", PACKAGES / "desktop_files.py", folder)
    return folder


def test_the_menu_entry_is_valid_and_names_its_icon(share):
    skip_without_programs("desktop-file-validate")
    entry = share / "applications/org.entrain.Entrain.desktop"

    assert said("desktop-file-validate", entry) == ""
    assert "\nExec=/usr/bin/entrain\n" in entry.read_text()
    assert "\nIcon=org.entrain.Entrain\n" in entry.read_text()
    assert (share / "icons/hicolor/scalable/apps/org.entrain.Entrain.svg").is_file()


def test_the_manual_page_has_every_command_and_no_mistake(share):
    skip_without_programs("man")
    page = share / "man/man1/entrain.1"

    warnings = subprocess.run(
        ["man", "--warnings", "--encoding=UTF-8", "--local-file", page],
        env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )

    assert (warnings.returncode, warnings.stderr) == (0, "")
    headings = [line for line in page.read_text().splitlines() if line.startswith(".SS ")]
    for name in cli.commands:
        name = name.replace("-", r"\-")
        assert any(f"{line} ".startswith(f".SS entrain {name} ") for line in headings), name


@pytest.mark.parametrize(
    "file",
    [
        "bash-completion/completions/entrain",
        "zsh/vendor-completions/_entrain",
        "fish/vendor_completions.d/entrain.fish",
    ],
)
def test_each_shell_gets_its_completion(share, file):
    assert "_ENTRAIN_COMPLETE" in (share / file).read_text()


def test_the_description_for_software_centres_is_valid():
    skip_without_programs("appstreamcli")

    text = said("appstreamcli", "validate", "--no-net", SHARE / "org.entrain.Entrain.metainfo.xml")

    assert "Validation was successful" in text


def test_systemd_understands_the_unit(tmp_path):
    skip_without_programs("systemd-analyze")
    unit = (SHARE / "entrain.service").read_text()
    # systemd looks for the program.
    changed = tmp_path / "entrain.service"
    changed.write_text(unit.replace("/usr/bin/entrain", "/bin/true"))

    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", "--man=no", changed],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_each_exception_from_lintian_has_a_reason():
    former = ""
    for line in (PACKAGES / "debian/entrain.lintian-overrides").read_text().splitlines():
        if line and not line.startswith("#"):
            assert former.strip(), f"no reason for: {line}"
        former = line
