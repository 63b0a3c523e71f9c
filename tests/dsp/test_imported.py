"""An imported sequence as it is heard: pitches, amplitudes and cues of the file."""

from pathlib import Path

import numpy as np
import pytest
from scipy import signal

from entrain.engine import blocks
from entrain.vdevice.protocol.importers.gnaural.reader import read_gnaural
from entrain.vdevice.protocol.importers.sbagen.reader import read_sbg

RATE_HZ = 48_000
FIXTURES = Path(__file__).parents[1] / "unit" / "importers" / "fixtures"


def amplitude(sound: np.ndarray, hz: float) -> float:
    """Of one sine; over a whole number of its periods."""
    time_s = np.arange(len(sound)) / RATE_HZ
    return float(2 * np.abs(np.mean(sound * np.exp(-2j * np.pi * hz * time_s))))


def heard(render, text: str, seconds: float) -> np.ndarray:
    return render(read_sbg(text.encode(), "x.sbg", "X", blocks()).protocol, seconds)


def rms_db(sound: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(sound, dtype=float))))


def between(sound: np.ndarray, begin_s: float, end_s: float) -> np.ndarray:
    return sound[round(begin_s * RATE_HZ) : round(end_s * RATE_HZ)]


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


def test_a_bell_rings_on_the_frame_at_which_its_line_begins(render):
    sound = heard(render, (FIXTURES / "bell.sbg").read_text(), 11)
    loud = np.flatnonzero(np.abs(sound).max(axis=1) > 1e-4)
    # A sine that starts at 0 needs a frame or two to get there.
    assert 0 <= loud[0] - 10 * RATE_HZ <= 2


@pytest.mark.parametrize(("begin_s", "colour_db"), [(5, -24.3), (25, -12.7), (45, -30.6)])
def test_noises_are_as_loud_as_in_sbagen(render, begin_s, colour_db):
    """Pink as in SBaGen; white and brown as in SBaGen+, at the same number."""
    sound = heard(render, (FIXTURES / "noise.sbg").read_text(), begin_s + 10)
    for ear in (0, 1):
        assert rms_db(between(sound[:, ear], begin_s, begin_s + 10)) == pytest.approx(
            colour_db, abs=0.2
        )


def test_brown_noise_is_flat_in_the_bass_as_in_sbagen(render):
    """One pole at 740 to 805 Hz: an octave of bass is 4 dB above 1 kHz, where it was 27 dB."""
    sound = heard(render, "-i brown/40\n", 30)[RATE_HZ:, 0]
    hz, density = signal.welch(sound, RATE_HZ, nperseg=RATE_HZ // 2)
    bass = density[(hz >= 31) & (hz <= 62)].mean()
    middle = density[(hz >= 900) & (hz <= 1100)].mean()
    treble = density[(hz >= 7200) & (hz <= 8800)].mean()
    assert 10 * np.log10(bass / middle) == pytest.approx(4.0, abs=0.5)
    assert 10 * np.log10(treble / middle) == pytest.approx(-16, abs=1)


def test_isochronic_pulses_have_the_shape_of_sbagen_plus(render):
    """smoothstep((sine - 0.3) / 0.7): 40 % of the period, and 2.6 dB less than half of it."""
    sound = heard(render, "-i 200@8/40\n", 3)
    time_s = np.arange(len(sound)) / RATE_HZ
    t = np.clip((np.sin(2 * np.pi * 8 * time_s) - 0.3) / 0.7, 0, 1)
    expected = 0.4 * t**2 * (3 - 2 * t) * np.sin(2 * np.pi * 200 * time_s)
    steady = slice(RATE_HZ, None)
    for ear in (0, 1):
        assert rms_db(sound[steady, ear]) == pytest.approx(rms_db(expected[steady]), abs=0.05)
        np.testing.assert_allclose(sound[steady, ear], expected[steady], atol=0.01)


def test_spin_moves_the_noise_by_the_time_between_the_ears(render):
    """The left ear leads by 2 * 300 us * sin(2 pi 0.25 Hz t), as in SBaGen; their levels stay."""
    sound = heard(render, "-i spin:300+0.25/40\n", 8)
    assert rms_db(sound[:, 0]) == pytest.approx(20 * np.log10(0.4) - 16.3, abs=0.3)
    for at_s in np.arange(1, 8, 0.5):
        left, right = between(sound, at_s - 0.02, at_s + 0.02).T
        lags = np.arange(-60, 61)
        likeness = [np.dot(left[60:-60], np.roll(right, -lag)[60:-60]) for lag in lags]
        lead_us = 1e6 / RATE_HZ * lags[int(np.argmax(likeness))]
        assert lead_us == pytest.approx(600 * np.sin(2 * np.pi * 0.25 * at_s), abs=25), at_s
        assert rms_db(left) == pytest.approx(rms_db(right), abs=1)


def test_each_ear_of_a_gnaural_voice_has_its_own_volume(render):
    """Both go in straight lines, through each other and through silence; a tone's peak is half."""
    protocol = read_gnaural(
        (FIXTURES / "balance.gnaural").read_bytes(), "x", "X", blocks()
    ).protocol
    sound = render(protocol, 60)
    times_s = [0, 20, 40, 40.001, 60]
    left, right = [0.6, 0.1, 0, 0.4, 0.6], [0.2, 0.5, 0, 0, 0.2]
    for at_s in (0.5, 2, 5, 8, 10.5, 12, 15, 19, 22, 30, 38, 39.5, 42, 45, 50, 59):
        for ear, volumes in ((0, left), (1, right)):
            volume = np.interp(at_s, times_s, volumes)
            found = rms_db(between(sound[:, ear], at_s - 0.1, at_s + 0.1))
            assert found == pytest.approx(20 * np.log10(0.5 * volume) - 3.01, abs=0.1), (at_s, ear)


@pytest.mark.parametrize(
    ("tone", "hz"), [("19000/20", 19_000), ("2/20", 2), ("8000+200/20", 8100), ("100-160/20", 20)]
)
def test_high_and_low_tones_are_what_the_file_says(render, tone, hz):
    sound = heard(render, f"-i {tone}\n", 4)[2 * RATE_HZ :]
    assert amplitude(sound[:, 0], hz) == pytest.approx(0.2, rel=0.002)


@pytest.mark.parametrize("hz", [20, 60, 3500, 8000])
def test_low_and_high_bells_have_their_pitch(render, hz):
    sound = heard(render, f"-i bell+{hz}/40\n", 1)[: RATE_HZ // 2, 0]
    assert amplitude(sound, hz) > 5 * amplitude(sound, hz * 1.1)


def test_what_leaves_a_range_is_silent_from_there_on(render):
    """From 15 to 25 kHz in 10 s: 20 kHz after 5 s."""
    text = "-SE\nx: 15000/20\ny: 25000/20\n0:00:00 x ->\n0:00:10 == y\n0:00:20 y\n"
    sound = heard(render, text, 12)
    assert rms_db(between(sound, 4.5, 4.9)) == pytest.approx(20 * np.log10(0.2) - 3.01, abs=0.1)
    assert np.abs(between(sound, 5.1, 12)).max() < 1e-6
