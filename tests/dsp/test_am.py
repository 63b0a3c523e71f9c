"""`am`: depth, loudness, waveforms, and sound that it leaves unchanged.

With the corner off, the output for a constant of 1 is the gain.
"""

import numpy as np
import pytest
from measure import loudness_lufs, phasors, pink_noise
from scipy.signal import butter, hilbert, sosfiltfilt
from scipy.signal.windows import blackmanharris

from entrain.faust import Runner

RATE_HZ = 48_000
RATES_HZ = [8_000, 44_100, 48_000, 192_000]
NOISE = pink_noise(5)
NOISE_LUFS = loudness_lufs(NOISE)
WAVEFORMS = {"sine": 0, "triangle": 1, "square": 2}


def gain(seconds: float, sample_rate_hz: int = RATE_HZ, **values: float) -> np.ndarray:
    ones = np.ones((2, round(seconds * sample_rate_hz)), np.float32)
    return Runner("am", sample_rate_hz, corner_hz=0, **values).process(ones).astype(float)


def band(sound: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    """Return one ear's analytic signal in a band, filtered without delay."""
    sos = butter(4, (low_hz, high_hz), "band", fs=RATE_HZ, output="sos")
    return hilbert(sosfiltfilt(sos, sound[0].astype(float)))


def envelope_index(analytic: np.ndarray, rate_hz: float) -> float:
    envelope = np.abs(analytic)
    return float(np.abs(phasors(envelope, [rate_hz])[0]) / np.mean(envelope))


def index_between(low_hz: float, high_hz: float, rate_hz: float = 16) -> float:
    """Return the modulation index of a band of pink noise, compared with a depth of 0.

    A band narrower than the rate has no measurable envelope, so a comparison is needed.  The noise
    is filtered before processing, since afterwards a filter would remove sidebands.
    """
    noise = band(NOISE, low_hz, high_hz).real.astype(np.float32)
    plain, sound = (
        hilbert(Runner("am", rate_hz=rate_hz, depth=depth).process(np.stack([noise, noise]))[0])
        for depth in (0, 0.5)
    )
    turning = np.exp(2j * np.pi * rate_hz * np.arange(len(plain)) / RATE_HZ)
    columns = np.stack([plain, plain * turning.real, plain * turning.imag], axis=1)
    adjoint = columns.conj().T
    steady, cosine, sine = np.linalg.solve(adjoint @ columns, adjoint @ sound)
    return float(np.hypot(abs(cosine), abs(sine)) / abs(steady))


# ---- depth --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def focus() -> list[np.ndarray]:
    """Return 20 s of pink noise, plain and modulated at 16 Hz with a depth of 0.5."""
    noise = pink_noise(20)
    return [Runner("am", rate_hz=16, depth=depth).process(noise) for depth in (0, 0.5)]


@pytest.mark.parametrize("low_hz", [500, 1000, 2000, 4000, 8000])
def test_pink_noise_has_the_modulation_index_that_was_asked_for(focus, low_hz):
    """Because of the noise's own envelope, 20 s of an octave from 500 Hz are exact to 0.01."""
    plain, sound = (band(each, low_hz, 2 * low_hz) for each in focus)
    assert envelope_index(sound, 16) == pytest.approx(0.5, abs=0.02)
    assert envelope_index(plain, 16) < 0.02


@pytest.mark.parametrize("low_hz", [360, 500, 1000, 4000, 8000])
def test_so_has_every_third_of_an_octave(low_hz):
    assert index_between(low_hz, low_hz * 2 ** (1 / 3)) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("high_hz", [60, 48, 38, 30])
def test_from_an_octave_below_the_corner_the_bass_is_left_alone(high_hz):
    assert index_between(high_hz * 2 ** (-1 / 3), high_hz) <= 0.03


@pytest.mark.parametrize("hz", [60, 50, 40, 30])
def test_a_bass_tone_is_left_alone(hz):
    """The upper band contains (f/fc)^4 / (1 + (f/fc)^4) of the tone: 1/17 an octave below."""
    tone = 0.1 * np.sin(2 * np.pi * hz * np.arange(4 * RATE_HZ) / RATE_HZ)
    sound = Runner("am", rate_hz=5, depth=0.5).process(np.stack([tone, tone]))[0, RATE_HZ:]
    lower, carrier, upper = np.abs(phasors(sound, [hz - 5, hz, hz + 5]))
    assert (lower + upper) / carrier < 0.03


@pytest.mark.parametrize("sample_rate_hz", RATES_HZ)
@pytest.mark.parametrize("depth", [0.05, 0.5, 1])
def test_the_gain_swings_by_the_depth(sample_rate_hz, depth):
    swing = gain(1, sample_rate_hz, rate_hz=10, depth=depth)[0, 100:]
    middle = (swing.max() + swing.min()) / 2
    assert (swing.max() - swing.min()) / 2 / middle == pytest.approx(depth, rel=2e-3)


# ---- loudness -----------------------------------------------------------------------------


@pytest.mark.parametrize("waveform", WAVEFORMS.values(), ids=WAVEFORMS)
@pytest.mark.parametrize("depth", [0.25, 0.5, 1])
@pytest.mark.parametrize("rate_hz", [4, 16, 40])
def test_loudness_stays(waveform, depth, rate_hz):
    am = Runner("am", waveform=waveform, depth=depth, rate_hz=rate_hz)
    assert loudness_lufs(am.process(NOISE)) == pytest.approx(NOISE_LUFS, abs=0.3)


@pytest.mark.parametrize("waveform", [0, 0.5, 1, 1.5, 2])
@pytest.mark.parametrize("depth", [0.5, 1])
def test_the_mean_square_of_the_gain_is_one(waveform, depth):
    swing = gain(2.1, waveform=waveform, depth=depth)[:, RATE_HZ // 10 :]  # 32 periods
    np.testing.assert_allclose(np.mean(np.square(swing), axis=1), 1, rtol=1e-4)


# ---- waveforms ----------------------------------------------------------------------------


@pytest.mark.parametrize("waveform", WAVEFORMS.values(), ids=WAVEFORMS)
@pytest.mark.parametrize("rate_hz", [0.05, 1, 100])
def test_nothing_of_a_waveform_lies_above_its_seventh_harmonic(waveform, rate_hz):
    am = Runner("am", waveform=waveform, depth=1, corner_hz=0, rate_hz=rate_hz)
    ones = np.ones((2, RATE_HZ), np.float32)
    swing = am.process(ones)[0, 4800:].astype(float) * blackmanharris(RATE_HZ - 4800)
    spectrum = np.abs(np.fft.rfft(swing))
    above = np.fft.rfftfreq(len(swing), 1 / RATE_HZ) > 7 * rate_hz + 20
    assert 20 * np.log10(spectrum[above].max() / spectrum.max()) < -100


def test_a_square_stays_at_its_ends_and_a_triangle_goes_straight():
    ends = {}
    for name, waveform in WAVEFORMS.items():
        swing = gain(1, rate_hz=1, depth=1, waveform=waveform)[0, 16:]
        place = 2 * (swing - swing.min()) / np.ptp(swing) - 1
        ends[name] = float(np.mean(np.abs(place) > 0.9))
    # Sine: 2 acos(0.9) / pi.  Triangle: 0.1, and slightly more because of its rounded corners.
    assert ends["sine"] == pytest.approx(0.287, abs=0.005)
    assert 0.1 < ends["triangle"] < 0.17
    assert ends["square"] > 0.5


# ---- between the ears ---------------------------------------------------------------------


@pytest.mark.parametrize("phase_deg", [-180, -90, 0, 30, 90, 180])
def test_the_left_ear_is_ahead_by_the_phase_between_the_ears(phase_deg):
    swing = gain(2.1, rate_hz=10, phase_deg=phase_deg)[:, RATE_HZ // 10 :]
    left, right = (phasors(ear, [10])[0] for ear in swing)
    expected = np.exp(1j * np.radians(phase_deg))
    assert np.abs(left / right - expected) < 1e-3


def test_the_same_phase_gives_both_ears_the_same_gain():
    swing = gain(1)
    np.testing.assert_array_equal(swing[0], swing[1])


# ---- what is left alone -------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("corner_hz", [20, 120, 500])
def test_without_depth_the_split_adds_up_flat(rate_hz, corner_hz):
    impulse = np.zeros((2, 2 * rate_hz), np.float32)
    impulse[:, 0] = 1
    heard = Runner("am", rate_hz, depth=0, corner_hz=corner_hz).process(impulse)
    hz = np.fft.rfftfreq(2 * rate_hz, 1 / rate_hz)
    magnitude_db = 20 * np.log10(np.abs(np.fft.rfft(heard.astype(float))))
    assert np.abs(magnitude_db[:, hz >= 5]).max() < 0.05


def test_without_depth_and_corner_it_is_the_input_bit_for_bit():
    noise = pink_noise(1)
    np.testing.assert_array_equal(Runner("am", depth=0, corner_hz=0).process(noise), noise)
