"""In broken surroundings a command ends with a short message.

It neither hangs nor prints a traceback.  The command line itself lists the commands to try.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path

import broken_surroundings
import numpy as np
import pytest
import soundfile

from entrain.tray.commands.cli import cli


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "in.wav"
    soundfile.write(path, np.zeros((4800, 2), np.float32), 48_000)
    return path


def test_each_command_is_among_those_that_are_tried():
    assert {line[0] for line in broken_surroundings.command_lines(1)} == set(cli.commands)
    assert ("autostart", "disable") in broken_surroundings.command_lines(9)


@pytest.mark.slow
def test_no_command_hangs_or_shows_its_inside(sound):
    done = subprocess.run(
        [sys.executable, broken_surroundings.__file__],
        env={**os.environ, "ENTRAIN_TEST_SOUND": str(sound), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert done.stderr == ""
    count = int(done.stdout.split()[0])
    assert count >= len(cli.commands) * len(broken_surroundings.SURROUNDINGS)


@pytest.mark.parametrize("limit", [("AS", 60 << 20), ("AS", 100 << 20), ("NOFILE", 6)])
@pytest.mark.parametrize("command", ["status", "protocols", "render"])
def test_a_start_with_too_little_is_at_most_one_line(sound, limit, command):
    """The limits strike while Python still imports; below them Python itself would crash."""
    kind, most = limit
    files = [str(sound), str(sound.with_name("out.wav"))] if command == "render" else []
    done = subprocess.run(
        [sys.executable, "-m", "entrain.tray", command, *files],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "XDG_RUNTIME_DIR": str(sound.parent)},
        preexec_fn=lambda: resource.setrlimit(getattr(resource, f"RLIMIT_{kind}"), (most, most)),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 1
