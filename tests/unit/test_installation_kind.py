"""Entrain knows how it was installed, and names the command that updates it."""

import sys
from pathlib import Path

import pytest

from entrain.platform.installation_kind import how_to_add, installation


def make(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_source_folder_is_known(tmp_path):
    make(tmp_path / "clone/pyproject.toml", '[project]\nname = "entrain"\n')

    found = installation(tmp_path / "clone/.venv", "pip")

    assert (found.way, found.update) == ("in its source folder", "git pull && make setup")


def test_the_debian_package_is_known(tmp_path):
    found = installation(tmp_path / "usr/lib/entrain", "debian")

    assert found.way == "from its Debian package"
    assert found.update.startswith("sudo apt install ")
    assert found.add == ""


def test_pipx_is_known(tmp_path):
    make(tmp_path / "pipx/venvs/entrain/pipx_metadata.json", "{}")

    found = installation(tmp_path / "pipx/venvs/entrain", "pip")

    assert (found.way, found.update) == ("by pipx", "pipx upgrade entrain")


def test_make_install_is_known(tmp_path):
    make(tmp_path / "share/entrain/uninstall")

    found = installation(tmp_path / "share/entrain/venv", "pip")

    assert found.way == "by make install"
    assert "make install" in found.update


@pytest.mark.parametrize(("installer", "shown"), [("pip", "pip"), ("uv", "uv"), ("", "pip")])
def test_otherwise_it_is_a_plain_environment(tmp_path, installer, shown):
    found = installation(tmp_path / "venv", installer)

    assert found.way == f"by {shown}"
    assert found.update == f"{sys.executable} -m pip install --upgrade entrain"


def test_this_one_can_have_more_packages():
    assert how_to_add(("scipy", "matplotlib")) == (
        f"install them with `{sys.executable} -m pip install scipy matplotlib`"
    )


def test_the_debian_package_says_that_it_cannot(monkeypatch):
    monkeypatch.setattr("entrain.platform.installation_kind._installer", lambda: "debian")
    monkeypatch.setattr("entrain.platform.installation_kind.clone_around", lambda _: None)

    assert "pipx" in how_to_add(("scipy",))
