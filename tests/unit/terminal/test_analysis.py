"""Meters and spectrum of known sounds."""

import itertools
import math

import numpy as np
import pytest

from entrain.tray.terminal.analysis import HIGHEST_HZ, LOWEST_HZ, SILENCE_DB, Analyser
from entrain.vdevice.api.client import Sound

RATE_HZ = 48_000
FRAMES = 3_200
BANDS = 70


def sounds(before: np.ndarray, after: np.ndarray) -> list[Sound]:
    """Cut (frames, 2) samples of the input and of the output as `tap` returns them."""
    found = []
    for first in range(0, len(after) - FRAMES + 1, FRAMES):
        piece = slice(first, first + FRAMES)
        content = before[piece].astype("<f4").tobytes() + after[piece].astype("<f4").tobytes()
        found.append(Sound(first, FRAMES, RATE_HZ, content))
    return found


def sine(hz: float, amplitude: float, seconds: float = 3.0) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)


def test_the_meters_show_peak_and_rms_of_each_ear():
    """A sine of amplitude a has its peak at 20 lg a and its RMS 3.01 dB below."""
    before = np.stack((sine(1000, 0.5), sine(1000, 0.25)), axis=1)
    after = np.stack((sine(1000, 0.1), 0 * sine(1000, 1)), axis=1)
    analyser = Analyser()
    for sound in sounds(before, after):
        heard = analyser.take(sound, BANDS)

    for meter, amplitude in (
        (heard.before[0], 0.5),
        (heard.before[1], 0.25),
        (heard.after[0], 0.1),
    ):
        assert meter.peak_db == pytest.approx(20 * math.log10(amplitude), abs=0.1)
        assert meter.rms_db == pytest.approx(20 * math.log10(amplitude) - 3.01, abs=0.1)
    assert heard.after[1].rms_db == heard.after[1].peak_db == SILENCE_DB


@pytest.mark.parametrize("hz", [100.0, 440.0, 1000.0, 8000.0])
@pytest.mark.parametrize("ear", [0, 1])
def test_a_tone_stands_in_its_band_at_its_level(hz, ear):
    """The Hann window loses at most 1.42 dB between two bins."""
    after = np.zeros((3 * RATE_HZ, 2))
    after[:, ear] = sine(hz, 0.1)
    analyser = Analyser()
    for sound in sounds(0 * after, after):
        heard = analyser.take(sound, BANDS)

    highest = max(range(BANDS), key=heard.bands_db.__getitem__)
    wanted = BANDS * math.log(hz / LOWEST_HZ) / math.log(HIGHEST_HZ / LOWEST_HZ)
    assert abs(highest + 0.5 - wanted) <= 1.5
    assert -21.5 <= heard.bands_db[highest] <= -19.9
    far = [db for band, db in enumerate(heard.bands_db) if abs(band - highest) > 20]
    assert max(far) < -80


def test_a_tone_that_ends_falls_calmly():
    tone, silence = np.stack((sine(1000, 0.5, 1),) * 2, axis=1), np.zeros((RATE_HZ, 2))
    sound = np.concatenate((tone, silence))
    analyser, levels = Analyser(), []
    for piece in sounds(sound, sound):
        levels.append(max(analyser.take(piece, BANDS).bands_db))
    falls = [before - after for before, after in itertools.pairwise(levels)]
    assert 3 < max(falls) <= 40 * 2 * FRAMES / RATE_HZ + 1e-6


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 192_000])
@pytest.mark.parametrize("bands", [0, 1, 5, 300])
@pytest.mark.parametrize("frames", [1, 16_384])
def test_any_rate_and_any_size_has_a_spectrum(rate_hz, bands, frames):
    content = np.full((2, frames, 2), 0.5, "<f4").tobytes()
    analyser = Analyser()
    for first in range(3):
        heard = analyser.take(Sound(first, frames, rate_hz, content), bands)
        assert len(heard.bands_db) == bands
        assert all(map(math.isfinite, heard.bands_db))
