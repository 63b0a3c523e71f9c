"""The notebook of docs/examples that needs live sound."""

import os
import re
import subprocess
import sys
from pathlib import Path

import app
import pytest
import soundlab

NOTEBOOK = Path(__file__).parents[2] / "docs/examples/sweep_a_beat.py"


def test_a_beat_is_swept_and_recorded(any_server, tmp_path):
    """The beat in the recording follows the wish within 0.15 Hz, and ends within 0.05 Hz."""
    environment = any_server.environment
    with (
        app.running(environment, "--protocol", "none", *app.PATIENT[any_server.kind]),
        soundlab.play(environment, soundlab.sine(1000, 120, 0.1)),
    ):
        done = subprocess.run(
            [sys.executable, NOTEBOOK],
            cwd=tmp_path,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            text=True,
            timeout=100,
            check=False,
        )

    assert done.returncode == 0, done.stdout
    found = re.findall(r"([\d.]+) Hz wanted, +([\d.]+) Hz heard", done.stdout)
    assert len(found) >= 8
    for wanted_hz, heard_hz in found:
        assert float(heard_hz) == pytest.approx(float(wanted_hz), abs=0.15)
    (last_hz,) = re.findall(r"at the end ([\d.]+) Hz", done.stdout)
    assert float(last_hz) == pytest.approx(12, abs=0.05)
    assert (tmp_path / "sweep.png").stat().st_size > 1000
