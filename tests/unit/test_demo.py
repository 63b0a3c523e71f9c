"""The demonstration's measurement of recorded sound."""

import io
import re
import sys
from typing import Any

import numpy as np
import pytest

if sys.platform != "linux":
    pytest.skip("the sandbox is Linux's", allow_module_level=True)

from entrain.tray.commands import demo

TONES_HZ = (205, 195)


class _Client:
    """A stand-in for a running Entrain."""

    def ask(self, _: str) -> dict[str, Any]:
        layer = {"kind": "binaural", "params": {"carrier_hz": 200.0, "beat_hz": 10.0}}
        return {"protocol": {"layers": [layer]}, "latency": {"added_ms": 1.46}}


@pytest.mark.parametrize("silent_s", [0.0, 0.7, 1.0, 1.99, 5.3])
def test_it_measures_nothing_but_the_tones(capsys, silent_s):
    """Silence before the tones, however long, does not disturb the measurement."""
    t = np.arange(demo.PIECE_SECONDS * demo.RATE_HZ)[:, None] / demo.RATE_HZ
    sound = 0.1 * np.sin(2 * np.pi * np.array(TONES_HZ) * t) * np.clip(t - silent_s, 0, 1)
    assert demo.measure(_Client(), io.BytesIO(sound.astype(np.float32).tobytes()))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= demo.PIECE_SECONDS - 4 - silent_s
    for line in lines:
        left, right, beat = map(float, re.findall(r"([\d.]+) Hz", line))
        assert (left, right, beat) == pytest.approx((*TONES_HZ, 10), abs=0.02), line
