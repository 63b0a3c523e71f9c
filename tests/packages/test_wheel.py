"""The wheel has everything inside, stays small, and runs on old processors, too."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from needs import skip_without_programs

MAX_INSTALLED_MB = 200
"""Largest size of everything that `pip install entrain` installs."""


def run(*command: str | Path, **variables: str) -> str:
    done = subprocess.run(
        command,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of a new environment with the wheel and what it requires."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin/python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", wheel)
    return python


def site_packages(python: Path) -> Path:
    return Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())


def test_the_back_ends_and_the_page_are_inside(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())

    for name in ("libentrain.so", "libentrain_pipewire.so", "libentrain_pulse.so"):
        assert f"entrain/lib/{name}" in names
    assert "entrain/lib/entrain-guardian" in names
    assert "entrain/tray/dashboard/page/index.html" in names
    assert any(name.startswith("entrain/tray/dashboard/page/vendor/") for name in names)
    assert any(name.startswith("entrain/presets/") and name.endswith(".json") for name in names)


def test_the_sound_servers_libraries_are_the_systems(wheel):
    bundled = {
        Path(name).name.partition("-")[0]
        for name in zipfile.ZipFile(wheel).namelist()
        if name.startswith("entrain.libs/") and not name.endswith("/")
    }

    assert bundled == {"libsamplerate"}


def test_an_installation_stays_small(installed):
    folder = site_packages(installed)
    size_mb = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6

    assert size_mb <= MAX_INSTALLED_MB
    assert not [name for name in ("scipy", "matplotlib", "pip") if (folder / name).exists()]


def test_it_runs_on_a_processor_without_avx_and_gives_the_same_sound(installed, tmp_path):
    skip_without_programs("qemu-x86_64")
    noise = np.random.default_rng(1).uniform(-0.25, 0.25, (48_000, 2))
    soundfile.write(tmp_path / "noise.wav", noise, 48_000, subtype="FLOAT")
    rendered = []
    for name, emulator in (("here", ()), ("without-avx", ("qemu-x86_64", "-cpu", "Nehalem"))):
        out = tmp_path / f"{name}.wav"
        program = (installed, "-P", "-m", "entrain.tray", "render")
        run(*emulator, *program, tmp_path / "noise.wav", out, OPENBLAS_NUM_THREADS="1")
        rendered.append(soundfile.read(out)[0])

    here, without = rendered
    difference = np.sqrt(np.mean((here - without) ** 2) / np.mean(here**2))
    assert 20 * np.log10(difference + 1e-12) < -100  # dB; fused multiply-adds round differently


def test_pipx_installs_it_from_the_folder_and_doctor_knows(wheel, tmp_path):
    skip_without_programs("pipx")
    home = tmp_path / "home"
    home.mkdir()
    variables = {
        "PIPX_HOME": str(tmp_path / "pipx"),
        "PIPX_BIN_DIR": str(tmp_path / "bin"),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_DATA_HOME": str(home / "data"),
    }
    run(
        *("pipx", "install", "--python", sys.executable),
        *(f"--pip-args=--find-links={wheel.parent}", "entrain"),
        **variables,
    )
    command = shutil.which("entrain", path=str(tmp_path / "bin"))
    assert command

    assert run(command, "--version", **variables).startswith("entrain ")
    report = subprocess.run(
        [command, "doctor"],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout
    assert "by pipx" in report
    assert "pipx upgrade entrain" in report
