"""An imported sequence as it is heard: pitches, amplitudes and cues of the file."""

import numpy as np
import pytest

from entrain.vdevice.protocol.importers.sbg import read_sbg

RATE_HZ = 48_000


def amplitude(sound: np.ndarray, hz: float) -> float:
    """Of one sine; over a whole number of its periods."""
    time_s = np.arange(len(sound)) / RATE_HZ
    return float(2 * np.abs(np.mean(sound * np.exp(-2j * np.pi * hz * time_s))))


def heard(render, text: str, seconds: float) -> np.ndarray:
    return render(read_sbg(text.encode(), "x.sbg", "X").protocol, seconds)


def test_each_ear_has_its_pitch_at_the_amplitude_of_the_file(render):
    sound = heard(render, "-i 300+10/20 500/10\n", 3)[2 * RATE_HZ :]
    for ear, hz in ((0, 305), (1, 295)):
        assert amplitude(sound[:, ear], hz) == pytest.approx(0.2, rel=0.001)
        assert amplitude(sound[:, ear], 500) == pytest.approx(0.1, rel=0.001)
        assert amplitude(sound[:, 1 - ear], hz) < 1e-4


def test_an_amplitude_slides_in_a_straight_line(render):
    """From 40 % to nothing in 8 s."""
    sound = heard(render, "-SE\nx: 400/40\noff: -\n0:00:00 x ->\n0:00:08 off\n", 8)
    for second in range(1, 7):
        part = sound[second * RATE_HZ :][: RATE_HZ // 10, 0]
        middle_s = second + 0.05
        assert amplitude(part, 400) == pytest.approx(0.4 * (1 - middle_s / 8), abs=0.002)


def test_a_high_sine_has_its_amplitude_too(render):
    sound = heard(render, "-i 4000/20\n", 3)[2 * RATE_HZ :]
    assert amplitude(sound[:, 0], 4000) == pytest.approx(0.2, rel=0.001)


def test_a_bell_rings_at_its_time_and_again(render):
    text = "-SEF 0\nx: bell+500/50\noff: -\n0:00:00 off\n0:00:02 x\n0:00:04 x\n0:00:06 off\n"
    sound = heard(render, text, 6)[:, 0]
    loud = np.abs(sound).reshape(-1, RATE_HZ // 100).max(axis=1)  # each 10 ms
    assert loud[:199].max() < 1e-6
    assert loud[201:206].max() > 0.3
    assert loud[395:399].max() < 0.05
    assert loud[401:406].max() > 0.3
