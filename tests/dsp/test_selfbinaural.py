"""`selfbinaural`: the input beats with itself.

The mid signal is shifted up in the left ear and down in the right ear; the side signal is not
shifted.
"""

import numpy as np
import pytest
from measure import frequency_hz, levels_db, phasors, pink_noise, rms_db
from scipy.signal import butter, hilbert, sosfiltfilt

from entrain.faust import Runner

RATE_HZ = 48_000
RATES_HZ = [8_000, 22_050, 44_100, 48_000, 96_000, 192_000]
WIDE = {"low_hz": 80, "high_hz": 12_000}


def tone(hz: float, rate_hz: int = RATE_HZ, seconds: float = 1) -> np.ndarray:
    return 0.1 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)


def both(ear: np.ndarray) -> np.ndarray:
    return np.stack([ear, ear]).astype(np.float32)


def shifted(sound: np.ndarray, rate_hz: int = RATE_HZ, **values: float) -> np.ndarray:
    """Return the output without the first 0.1 s, in which the filters settle."""
    return Runner("selfbinaural", rate_hz, **values).process(sound)[:, rate_hz // 10 :]


def magnitudes_db(sound: np.ndarray, rate_hz: int, **values: float) -> np.ndarray:
    """Return the magnitudes of an impulse response at every hertz from 10 Hz on."""
    heard = Runner("selfbinaural", rate_hz, **values).process(sound.astype(np.float32))
    return 20 * np.log10(np.abs(np.fft.rfft(heard.astype(float)))[:, 10:])


def impulse(rate_hz: int, left: float, right: float) -> np.ndarray:
    sound = np.zeros((2, rate_hz))
    sound[:, 0] = left, right
    return sound


# ---- the shift ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate_hz", "hz"),
    [
        (rate_hz, hz)
        for rate_hz in RATES_HZ
        for hz in (150, 200, 400, 700, 1000, 2000, 4000, 8000)
        if hz < 0.37 * rate_hz
    ],
)
def test_the_image_is_forty_decibels_down(rate_hz, hz):
    left, right = shifted(both(tone(hz, rate_hz, 0.5)), rate_hz, beat_hz=10, **WIDE)
    for ear, wanted_hz, image_hz in ((left, hz + 5, hz - 5), (right, hz - 5, hz + 5)):
        wanted_db, image_db, _ = levels_db(ear, [wanted_hz, image_hz, hz], rate_hz)
        assert image_db - wanted_db <= -40


@pytest.mark.parametrize("hz", [300, 500, 900])
def test_a_partial_in_the_band_is_moved_whole(hz):
    """With the initial edges, 150 and 1500 Hz, neighbouring bands are 24 dB down an octave away."""
    left, right = shifted(both(tone(hz)), beat_hz=10)
    for ear, own_hz in ((left, hz + 5), (right, hz - 5)):
        own_db, rest_db = levels_db(ear, [own_hz, hz])
        assert own_db == pytest.approx(-23.01, abs=1.2)
        assert rest_db < own_db - 15


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("beat_hz", [10, -4])
def test_the_phase_between_the_ears_runs_at_the_beat(rate_hz, beat_hz):
    """Measured with pink noise, equal in both ears, between 300 and 800 Hz."""
    ear = pink_noise(6, rate_hz=rate_hz)[0]
    sound = shifted(both(ear), rate_hz, beat_hz=beat_hz, **WIDE)
    sos = butter(4, (300, 800), "band", fs=rate_hz, output="sos")
    left, right = hilbert(sosfiltfilt(sos, sound.astype(float)))[:, rate_hz // 2 : -rate_hz // 2]
    # The mean over 10 ms is weighted by loudness, so quiet moments count little.
    turned = (left * right.conj())[: rate_hz * 4].reshape(-1, rate_hz // 100).mean(axis=1)
    slope_hz = np.polyfit(np.arange(400) / 100, np.unwrap(np.angle(turned)), 1)[0] / (2 * np.pi)
    assert slope_hz == pytest.approx(beat_hz, abs=0.01)


def test_the_left_ear_is_higher_by_the_beat():
    left, right = shifted(both(tone(440, seconds=4)), beat_hz=10)
    assert frequency_hz(left, 445) - frequency_hz(right, 435) == pytest.approx(10, abs=1e-3)


# ---- what is left alone -------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("edges_hz", [(150, 1500), (80, 12_000), (1000, 500)])
def test_without_a_beat_all_adds_up_flat(rate_hz, edges_hz):
    """True for left alone and right alone, too, since mid and side have the same delay."""
    edges = {"low_hz": edges_hz[0], "high_hz": edges_hz[1]}
    same = magnitudes_db(impulse(rate_hz, 1, 1), rate_hz, beat_hz=0, **edges)
    np.testing.assert_allclose(same, 0, atol=0.05)
    left = magnitudes_db(impulse(rate_hz, 1, 1e-9), rate_hz, beat_hz=0, **edges)
    np.testing.assert_allclose(left[0], 0, atol=0.05)
    assert left[1].max() < -100


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_the_side_signal_is_not_shifted(rate_hz):
    """The side signal is flat, opposite in both ears, and does not depend on the beat."""
    side = impulse(rate_hz, 1, -1)
    np.testing.assert_allclose(magnitudes_db(side, rate_hz, beat_hz=20), 0, atol=0.05)
    noise = pink_noise(1, rate_hz=rate_hz)[0]
    opposite = np.stack([noise, -noise])
    beating, still = (shifted(opposite, rate_hz, beat_hz=beat_hz) for beat_hz in (20, 0))
    np.testing.assert_array_equal(beating, still)
    np.testing.assert_array_equal(beating[0], -beating[1])


@pytest.mark.parametrize("hz", [40, 60, 5000, 12_000])
def test_outside_the_band_a_tone_stays_where_it_is(hz):
    """The edges are at 150 and 1500 Hz; 2/3 octave outside, 1/17 of a tone is in the band."""
    for ear, own_hz in zip(shifted(both(tone(hz))), (hz + 5, hz - 5), strict=True):
        stays_db, moved_db = levels_db(ear, [hz, own_hz])
        assert stays_db == pytest.approx(-23.01, abs=0.25)
        assert moved_db < stays_db - 30


def test_the_level_stays():
    noise = pink_noise(4)
    assert rms_db(shifted(noise)) == pytest.approx(rms_db(noise[:, 4800:]), abs=0.3)


# ---- mono ---------------------------------------------------------------------------------


def test_summed_to_mono_it_is_a_monaural_beat():
    """Two partials of equal level, 10 Hz apart, are alone, so the depth is 1."""
    mono = shifted(both(tone(500)), beat_hz=10, **WIDE).sum(axis=0) / 2
    lower_db, upper_db = levels_db(mono, [495, 505])
    assert lower_db == pytest.approx(upper_db, abs=0.1)
    assert lower_db == pytest.approx(-23.01 - 6.02, abs=0.2)
    envelope = np.abs(hilbert(mono))[2400:-2400]  # eight beats
    assert envelope.min() < 0.02 * envelope.max()
    beat = np.abs(phasors(np.square(envelope), [10])[0]) / np.mean(np.square(envelope))
    assert beat == pytest.approx(1, abs=0.02)
