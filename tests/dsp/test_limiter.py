"""The limiter passes sound below its ceiling unchanged, and keeps louder sound below it.

Levels in dBTP and dBFS are peaks: full scale is 0 dB.
"""

import numpy as np
import pytest
from measure import true_peak_db
from scipy.signal import butter, sosfilt

from entrain.engine import Engine

RATE_HZ = 48_000
CEILING_DB = -1.0
RELEASE_S = 0.12
RATES_HZ = [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000]


def both(ear: np.ndarray) -> np.ndarray:
    return np.stack([ear, ear], axis=1)


def sine(hz: float, amplitude: float, phase: float = 0.0, seconds: float = 0.2) -> np.ndarray:
    """Return a sine in both ears, faded in and out, since a cut would cause true peaks."""
    frames = round(seconds * RATE_HZ)
    ear = amplitude * np.sin(2 * np.pi * hz * np.arange(frames) / RATE_HZ + phase)
    fade = np.minimum(1, np.arange(frames) / 480)
    return both(ear * fade * fade[::-1])


def noise(frames: int, rms: float, below_hz: float | None = None) -> np.ndarray:
    sound = np.random.default_rng(1).normal(0, rms, (frames, 2))
    if below_hz:
        sound = sosfilt(butter(10, below_hz, fs=RATE_HZ, output="sos"), sound, axis=0)
    return sound


def chord() -> np.ndarray:
    """Return a second of a chord with overtones, struck every 200 ms, similar to music."""
    time_s = np.arange(RATE_HZ) / RATE_HZ
    envelope = np.exp(-(time_s % 0.2) / 0.05)
    left, right = (
        sum(np.sin(2 * np.pi * root * n * time_s + n) / n for root in roots for n in range(1, 21))
        for roots in ((220, 277, 330), (220, 262, 330))
    )
    return np.stack([left, right], axis=1) * envelope[:, np.newaxis]


def one_frame(amplitude: float) -> np.ndarray:
    sound = np.zeros((RATE_HZ // 4, 2))
    sound[4000] = amplitude
    return sound


def after_silence(sound: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros((RATE_HZ // 10, 2)), sound])


def gain_of(render, loud: np.ndarray, **options: object) -> np.ndarray:
    """Return the gain, read from a small constant on the right while the left is loud."""
    source = np.stack([loud, np.full(len(loud), 0.01)], axis=1)
    return render([], source, **options)[:, 1].astype(float) / np.float32(0.01)


# ---- latency ------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_the_latency_is_what_is_reported_and_at_most_one_and_a_half_milliseconds(rate_hz):
    with Engine(rate_hz) as engine:
        impulse = np.zeros((2, 1000), np.float32)
        impulse[:, 100] = 0.5
        out = engine.process(impulse)
        assert np.flatnonzero(out[0]).tolist() == [100 + engine.latency_frames]
        assert engine.latency_frames / rate_hz <= 1.5e-3


# ---- below the ceiling --------------------------------------------------------------------


@pytest.mark.parametrize(
    "sound",
    [sine(20, 1), sine(997, 1), sine(12_000, 1, np.pi / 4), sine(16_000, 1, 0.3)]
    + [sine(18_000, 1, 1.0), noise(RATE_HZ, 0.1), noise(RATE_HZ, 0.1, 1000), chord()],
    ids=["20 Hz", "997 Hz", "fs/4", "fs/3", "18 kHz", "white noise", "low noise", "chord"],
)
def test_what_stays_0_2_db_below_the_ceiling_passes_bit_for_bit(render, sound):
    """The detector reads sines at most 0.1 dB too high."""
    quiet = sound * 10 ** ((CEILING_DB - 0.2 - true_peak_db(sound)) / 20)
    np.testing.assert_array_equal(render([], quiet), quiet.astype(np.float32))


# ---- above the ceiling --------------------------------------------------------------------


@pytest.mark.parametrize(
    "hz", [20, 50, 100, 405, 1000, 3000, 6000, 9000, 11_999, 12_000, 15_000, 16_000, 17_000, 18_000]
)
def test_no_sine_exceeds_the_ceiling_in_true_peak(render, hz):
    """12 kHz at 45 degrees has 3 dB between its samples; 16 kHz is hardest for the detector."""
    peaks_db = [
        true_peak_db(render([], sine(hz, amplitude, phase)))
        for amplitude in (1.0, 2.0, 8.0)
        for phase in np.arange(12) * np.pi / 12
    ]
    assert max(peaks_db) <= CEILING_DB


@pytest.mark.parametrize(
    "sound",
    [
        both(2 * np.sign(sine(441.3, 1)[:, 0])),
        one_frame(4),
        one_frame(16),
        after_silence(sine(1000, 4, np.pi / 2)[480:]),
        after_silence(sine(12_000, 4, np.pi / 4)[480:]),
        after_silence(np.full((RATE_HZ // 5, 2), 1.5)),
        noise(RATE_HZ, 4, 18_000),
        4 * chord(),
    ],
    ids=["square", "click", "click at the door", "1 kHz from nothing", "12 kHz from nothing"]
    + ["step", "noise below 18 kHz", "chord"],
)
def test_neither_an_onset_nor_noise_exceeds_the_ceiling_in_true_peak(render, sound):
    assert true_peak_db(render([], sound)) <= CEILING_DB


def test_no_sample_of_white_noise_exceeds_the_ceiling_nor_its_true_peak_full_scale_by_a_db(render):
    """The detector hardly sees frequencies above 20 kHz; 12 dBFS is the worst level."""
    out = render([], noise(2 * RATE_HZ, 4))
    assert 20 * np.log10(np.abs(out).max()) <= CEILING_DB
    assert true_peak_db(out) < 1


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 192_000])
def test_it_limits_at_every_rate(render, rate_hz):
    out = render([], sine(RATE_HZ / 3, 2, 0.3), rate_hz)  # a third of any rate
    assert CEILING_DB - 0.5 < true_peak_db(out) <= CEILING_DB


def test_it_takes_no_more_than_it_must(render):
    """The limiter aims 0.3 dB below the ceiling."""
    steady = render([], sine(1000, 4, seconds=0.5))[RATE_HZ // 10 : -RATE_HZ // 10]
    assert true_peak_db(steady) == pytest.approx(CEILING_DB - 0.3, abs=0.05)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_single_frame_leaves_with_exactly_the_gain_that_it_asked_for(render, rate_hz):
    """The full reduction is reached when the frame leaves, and not released before."""
    out = render([], one_frame(16), rate_hz)
    assert 20 * np.log10(np.abs(out).max()) == pytest.approx(CEILING_DB - 0.3, abs=1e-3)


def test_the_image_does_not_move_when_one_ear_is_loud(render):
    loud = noise(RATE_HZ, 1)[:, 0]
    source = np.stack([loud, np.full(RATE_HZ, 0.01)], axis=1).astype(np.float32)
    out = render([], source).astype(float)
    gain = out[:, 1] / source[:, 1]
    assert gain.min() < 0.5
    np.testing.assert_allclose(out[:, 0], source[:, 0] * gain, rtol=2**-22)


# ---- how the gain moves -------------------------------------------------------------------


def test_the_gain_falls_in_time_and_without_a_corner(render):
    """Two means of `first` and `second` frames smooth the reduction of the gain.

    Its slope per frame is then at most ``r / second``, and changes by at most
    ``2 r / (first * second)``, where `r` is the largest reduction.
    """
    gain = gain_of(render, noise(RATE_HZ, 1)[:, 0] * (np.arange(RATE_HZ) % 9600 < 1200))
    with Engine() as engine:
        ahead = engine.latency_frames - 6  # the detector has a delay of 6
    first, second = ahead // 2, (ahead + 1) // 2
    given_up = 1 - gain.min()
    rounding = 4 * 2**-24
    assert given_up > 0.5
    assert np.abs(np.diff(gain)).max() <= given_up / second + rounding
    assert np.abs(np.diff(gain, 2)).max() <= 2 * given_up / (first * second) + rounding


def test_the_gain_comes_back_exponentially_in_120_ms(render):
    loud = np.zeros(2 * RATE_HZ)
    loud[: RATE_HZ // 10] = 2.0
    given_up = 1 - gain_of(render, loud)
    start = RATE_HZ // 10 + RATE_HZ // 100  # it is held for 2 ms first
    for time_constants in (1, 2, 5):
        at = start + round(time_constants * RELEASE_S * RATE_HZ)
        expected = given_up[start] * np.exp(-time_constants)
        assert given_up[at] == pytest.approx(expected, rel=0.01)


def test_a_minute_of_limiting_leaves_nothing_behind(render):
    """The reduction has a resolution of 2^-30, so it is 0 after ln(2^30) = 20.8 times 120 ms.

    From then on every sample equals the input.
    """
    loud = np.tile(noise(RATE_HZ, 1), (60, 1))
    quiet = np.tile(noise(RATE_HZ, 0.1), (4, 1))
    out = render([], np.concatenate([loud, quiet]), block=65_536)[len(loud) :]
    gone = round((RELEASE_S * np.log(2**30) + 0.005) * RATE_HZ)
    np.testing.assert_array_equal(out[gone:], quiet[gone:].astype(np.float32))
    after_a_second = out[RATE_HZ : 2 * RATE_HZ] - quiet[RATE_HZ : 2 * RATE_HZ]
    assert np.abs(after_a_second).max() < np.exp(-1 / RELEASE_S) * np.abs(quiet).max()
