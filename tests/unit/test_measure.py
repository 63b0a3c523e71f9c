"""The measuring functions, applied to signals with known values."""

import numpy as np
import pytest
from measure import RATE_HZ, frequency_hz, level_db, levels_db, rms_db, steady_level_db


def sine(hz: float, seconds: float, amplitude: float = 1.0, phase: float = 0.3) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE_HZ)) / RATE_HZ + phase)


def test_a_full_scale_sine_has_minus_three_db():
    assert rms_db(sine(1000, 1)) == pytest.approx(-3.0103, abs=1e-3)
    assert level_db(sine(1000, 1), 1000) == pytest.approx(-3.0103, abs=1e-6)


def test_silence_has_no_level():
    assert rms_db(np.zeros(100)) == -np.inf


def test_a_weak_tone_is_found_beside_a_strong_one():
    signal = sine(405, 1.234) + sine(395, 1.234, 1e-4)

    assert levels_db(signal, [405, 395])[1] == pytest.approx(-83.0103, abs=1e-3)


def test_a_gap_in_a_recording_does_not_count():
    signal = sine(1000, 1)
    signal[5000:7000] = 0

    assert steady_level_db(signal, 1000) == pytest.approx(-3.0103, abs=1e-3)
    assert level_db(signal, 1000) < -3.3


def test_a_constant_is_no_tone():
    assert level_db(sine(50, 0.5, 0.1) + 0.5, 50) == pytest.approx(-23.0103, abs=1e-3)


@pytest.mark.parametrize("hz", [395.0, 404.9996, 10.0003, 5000.12345])
def test_frequency_over_a_minute_is_exact_to_a_tenth_of_a_millihertz(hz):
    assert frequency_hz(sine(hz, 60).astype(np.float32), round(hz)) == pytest.approx(hz, abs=1e-4)


def test_frequency_in_noise_is_exact_to_a_millihertz():
    noise = np.random.default_rng(1).normal(0, 0.007, 60 * RATE_HZ)

    assert frequency_hz(sine(404.9996, 60) + noise, 405) == pytest.approx(404.9996, abs=1e-3)


def test_the_wanted_tone_is_measured_and_not_the_loudest():
    signal = sine(395, 10, 0.1) + sine(600, 10)

    assert frequency_hz(signal, 395) == pytest.approx(395, abs=1e-3)
