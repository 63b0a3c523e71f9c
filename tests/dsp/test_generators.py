"""Levels, spectra and timing of each generator.

Unless a test has an input, the input is silent, so the floor is the level.
"""

import numpy as np
import pytest
from measure import frequency_hz, level_db, levels_db, rms_db
from scipy.signal import csd, hilbert, welch

from entrain.runner import Runner

RATE_HZ = 48_000
LEVEL_DB = -20


def generate(kind: str, seconds: float, sample_rate_hz: int = RATE_HZ, **values: float):
    """Return a block's output for silence from the first frame on, one row for each ear."""
    block = Runner(kind, sample_rate_hz, **{"floor_db": LEVEL_DB, **values})
    silence = np.zeros((2, round(seconds * sample_rate_hz)), np.float32)
    return block.process(silence).astype(float)


def envelope(sound: np.ndarray) -> np.ndarray:
    """Return a tone's envelope, relative to its amplitude between the edges."""
    return np.abs(hilbert(sound)) / (np.sqrt(2) * 10 ** (LEVEL_DB / 20))


def residue_db(sound: np.ndarray, frequencies_hz: list[float]) -> float:
    """Return the level without these sines, relative to the whole sound."""
    turns = 2 * np.pi * np.outer(np.arange(len(sound)) / RATE_HZ, frequencies_hz)
    sines = np.concatenate([np.cos(turns), np.sin(turns)], axis=1)
    rest = sound - sines @ np.linalg.lstsq(sines, sound, rcond=None)[0]
    return rms_db(rest) - rms_db(sound)


# ---- tones -----------------------------------------------------------------------------------

TONES = {  # the sines of the left ear with a carrier of 400 Hz and a beat of 10 Hz
    "binaural": [405],
    "monaural": [405, 395],
    "harmonics": [405, 805, 1205],
}


@pytest.mark.parametrize(("kind", "sines_hz"), TONES.items())
def test_a_tone_is_nothing_but_its_sines(kind, sines_hz):
    left, right = generate(kind, 1, carrier_hz=400, beat_hz=10)
    assert residue_db(left, sines_hz) < -120
    right_hz = sines_hz if kind == "monaural" else [hz - 10 for hz in sines_hz]
    assert residue_db(right, right_hz) < -120


def test_an_isochronic_tone_is_a_sine_between_its_edges():
    left, _ = generate("isochronic", 1, carrier_hz=400, rate_hz=0.5, duty=0.6)
    assert residue_db(left[RATE_HZ // 10 :], [400]) < -120


@pytest.mark.parametrize("kind", TONES)
def test_the_rms_of_all_sines_together_is_the_level(kind):
    for ear in generate(kind, 1, carrier_hz=400, beat_hz=10):
        assert rms_db(ear) == pytest.approx(LEVEL_DB, abs=0.01)


def test_the_ears_of_a_monaural_beat_hear_the_same():
    left, right = generate("monaural", 0.2)
    np.testing.assert_array_equal(left, right)


def test_overtones_lie_at_their_share_of_the_tone():
    first_db, *others_db = levels_db(
        generate("harmonics", 1, carrier_hz=400, beat_hz=10)[1], [395, 795, 1195]
    )
    shares_db = 20 * np.log10([0.35, 0.15])
    np.testing.assert_allclose(np.array(others_db) - first_db, shares_db, atol=0.01)


def test_an_ear_hears_nothing_of_the_other_ones_harmonics():
    left, _ = generate("harmonics", 1, carrier_hz=400, beat_hz=10)
    own_db, *others_db = levels_db(left, [405, 805, 1205, 395, 795, 1195])
    assert max(others_db[2:]) < own_db - 100


def test_the_overtones_beat_like_the_tone_within_a_millihertz():
    left, right = generate("harmonics", 30, 8_000, carrier_hz=400, beat_hz=10)
    for near_hz in (400, 800, 1200):
        beat_hz = frequency_hz(left, near_hz + 5, 8_000, 2) - frequency_hz(
            right, near_hz - 5, 8_000, 2
        )
        assert beat_hz == pytest.approx(10, abs=1e-3)


@pytest.mark.parametrize("rate_hz", [8_000, 48_000, 192_000])
@pytest.mark.parametrize("kind", TONES)
def test_the_first_50_ms_are_right_from_the_first_frame_on(kind, rate_hz):
    left, _ = generate(kind, 0.05, rate_hz, carrier_hz=400, beat_hz=10)
    amplitudes = np.array([1, 0.35, 0.15][: len(TONES[kind])])
    if kind == "monaural":
        amplitudes = np.array([1, 1])
    amplitudes = amplitudes * 10 ** (LEVEL_DB / 20) / np.sqrt(np.sum(amplitudes**2) / 2)
    turns = 2 * np.pi * np.outer(TONES[kind], np.arange(len(left)) / rate_hz)
    np.testing.assert_allclose(left, amplitudes @ np.sin(turns), atol=1e-7)


def test_an_overtone_above_half_the_sample_rate_vanishes():
    left, _ = generate("harmonics", 1, 8_000, carrier_hz=1_500, beat_hz=10)
    assert level_db(left, 3_005, 8_000) > LEVEL_DB - 12
    assert level_db(left, 8_000 - 4_505, 8_000) < -150  # where its alias would be


# ---- pulses ----------------------------------------------------------------------------------


def pulse_times_s(gate: np.ndarray, level: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Return when a gate rises and falls through a level, interpolated between frames."""
    above = gate >= level
    rises = np.flatnonzero(above[1:] & ~above[:-1])
    falls = np.flatnonzero(~above[1:] & above[:-1])
    return tuple(
        (at + (level - gate[at]) / (gate[at + 1] - gate[at])) / RATE_HZ for at in (rises, falls)
    )


GLIDE_S = 7.5 / RATE_HZ  # delay of a gain's straight lines


@pytest.mark.parametrize(("rate_hz", "duty"), [(4, 0.3), (10, 0.5), (16, 0.8)])
def test_isochronic_pulses_come_at_their_rate_and_last_their_duty(rate_hz, duty):
    values = {"attack_ms": 10, "release_ms": 20, "carrier_hz": 5_000}
    left, right = generate("isochronic", 2, rate_hz=rate_hz, duty=duty, **values)
    np.testing.assert_array_equal(left, right)
    rises_s, falls_s = pulse_times_s(envelope(left))
    # An edge is at half its height in its middle.
    np.testing.assert_allclose(
        rises_s, np.arange(2 * rate_hz) / rate_hz + 0.005 + GLIDE_S, atol=1e-4
    )
    np.testing.assert_allclose(falls_s - rises_s, duty / rate_hz - 0.015, atol=1e-4)


def test_edges_take_the_time_that_was_asked_for():
    values = {"attack_ms": 10, "release_ms": 40, "carrier_hz": 5_000}
    gate = envelope(generate("isochronic", 1, rate_hz=2, duty=0.5, **values)[0])
    (rise_low, fall_low), (rise_high, fall_high) = (pulse_times_s(gate, at) for at in (0.1, 0.9))
    t = np.linspace(0, 1, 10_001)
    step = t**3 * (t * (6 * t - 15) + 10)
    part = np.interp(0.9, step, t) - np.interp(0.1, step, t)
    np.testing.assert_allclose(rise_high - rise_low, 0.010 * part, atol=1e-4)
    np.testing.assert_allclose(fall_low - fall_high, 0.040 * part, atol=1e-4)


def test_edges_that_do_not_fit_are_shortened_not_cut():
    """A pulse of 5 ms with edges of 30 and 10 ms rises fully in 3.75 ms and falls in 1.25 ms."""
    values = {"attack_ms": 30, "release_ms": 10, "carrier_hz": 5_000}
    gate = envelope(generate("isochronic", 1, rate_hz=100, duty=0.5, **values)[0])
    rises_s, falls_s = pulse_times_s(gate[: RATE_HZ // 2])
    np.testing.assert_allclose(falls_s - rises_s, 0.0025, atol=2e-4)
    assert 0.9 < gate.max() < 1.01
    assert np.median(gate[300 * np.arange(1, 90)]) < 0.01


def test_soft_edges_keep_the_spectrum_narrow():
    """Only from its third derivative on has a smootherstep jumps: 60 / T^3 with a length of T s.

    The four jumps of a pulse cause lines w (rad/s) off the carrier of at most 240 / (T^3 w^4
    period).
    """
    values = {"attack_ms": 10, "release_ms": 10, "carrier_hz": 4_000}
    left, _ = generate("isochronic", 2, rate_hz=10, duty=0.5, **values)
    lines = np.abs(np.fft.rfft(left[:RATE_HZ])) / (RATE_HZ / 2)  # 1 Hz apart, with whole periods
    relative = lines / (np.sqrt(2) * 10 ** (LEVEL_DB / 20))
    off_hz = np.abs(np.arange(len(lines)) - 4_000)
    far = off_hz >= 200
    bound = 240 / (0.010**3 * (2 * np.pi * off_hz[far]) ** 4 * 0.1)
    assert np.all(relative[far] < bound + 1e-7)
    assert relative[off_hz == 10].min() > 0.2  # the pulses are present


@pytest.mark.parametrize("kind", ["isochronic", "pulse"])
def test_ears_take_turns(kind):
    values = {"rate_hz": 5, "alternate": 1}
    both = generate(kind, 2, rate_hz=5)
    left, right = generate(kind, 2, **values)
    assert rms_db(left) > -40
    assert rms_db(right) > -40
    assert not np.any((left != 0) & (right != 0))
    np.testing.assert_allclose(left + right, both[0], atol=1e-9)
    first = RATE_HZ // 10
    assert np.any(left[:first])
    assert not np.any(right[:first])


def test_noise_bursts_come_at_their_rate_and_last_as_long_as_they_should():
    sound = generate("pulse", 20, rate_hz=2.5, burst_ms=80, edge_ms=20)
    np.testing.assert_array_equal(sound[0], sound[1])
    period = round(RATE_HZ / 2.5)
    power = np.mean(sound[0].reshape(-1, period) ** 2, axis=0)  # mean of 50 bursts
    loud = 10 ** (LEVEL_DB / 10)
    burst = slice(round(0.02 * RATE_HZ), round(0.06 * RATE_HZ))
    assert 10 * np.log10(power[burst].mean()) == pytest.approx(LEVEL_DB, abs=0.5)
    # An edge of t seconds has the power of the square of a smootherstep: 181/462 t.
    assert power.sum() / loud / RATE_HZ == pytest.approx(0.04 + 2 * 0.02 * 181 / 462, rel=0.05)
    assert not np.any(power[round(0.081 * RATE_HZ) :])


@pytest.mark.parametrize("centre_hz", [200, 1_000, 5_000])
def test_noise_bursts_have_their_colour_and_the_same_level(centre_hz):
    values = {"rate_hz": 1, "burst_ms": 1000, "edge_ms": 1, "centre_hz": centre_hz}
    left, _ = generate("pulse", 20, **values)
    assert rms_db(left) == pytest.approx(LEVEL_DB, abs=0.2)
    bins_hz, power = welch(left, RATE_HZ, nperseg=8192)
    smooth = np.convolve(power, np.ones(9) / 9, "same")
    half = bins_hz[smooth > smooth.max() / 2]
    assert half.min() < centre_hz < half.max()
    assert half.max() / half.min() < 4


# ---- noise -----------------------------------------------------------------------------------


def octaves(lowest_hz: float, highest_hz: float, steps: int) -> np.ndarray:
    """Return integer frequencies in equal steps of an octave."""
    return np.unique(np.round(np.geomspace(lowest_hz, highest_hz, steps))).astype(int)


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 48_000, 192_000])
@pytest.mark.parametrize("tilt", [-1.5, -3.01, -6.02, 3.01])
def test_noise_has_a_straight_slope_within_half_a_decibel(rate_hz, tilt):
    """The transfer from white noise of the same seed is measured, which excludes chance.

    White noise has the filter against DC (7 Hz) as well, so it is added.
    """
    white, tilted = (
        generate("noise", 5, rate_hz, tilt_db_per_octave=slope)[0] for slope in (0, tilt)
    )
    bins_hz = octaves(30, min(16_000, 0.4 * rate_hz), 60)
    across = csd(white, tilted, rate_hz, nperseg=rate_hz)[1][bins_hz]  # bins of 1 Hz
    transfer_db = 20 * np.log10(np.abs(across) / welch(white, rate_hz, nperseg=rate_hz)[1][bins_hz])
    dc_block_db = -10 * np.log10(1 + (7 / bins_hz) ** 2)
    off_db = transfer_db + dc_block_db - tilt * np.log2(bins_hz)
    assert off_db.max() - off_db.min() < 2 * 0.5


def test_white_noise_is_flat():
    """In 1/6 octaves from 100 Hz, 30 s and at least 12 Hz have a standard deviation of 0.23 dB."""
    edges_hz = np.geomspace(100, 20_000, 46)
    for ear in generate("noise", 30, tilt_db_per_octave=0):
        bins_hz, power = welch(ear, RATE_HZ, nperseg=RATE_HZ)
        bands = np.digitize(bins_hz, edges_hz)
        levels = 10 * np.log10([power[bands == band].mean() for band in range(1, 46)])
        assert np.abs(levels - levels.mean()).max() < 1.0


@pytest.mark.parametrize("tilt", [3.01, 0, -3.01, -6.02])
@pytest.mark.parametrize("rate_hz", [8_000, 48_000, 192_000])
def test_noise_is_as_loud_whatever_its_tilt(rate_hz, tilt):
    """Brown noise has its power in a few Hz, so 10 s measure it within 0.8 dB."""
    ears = generate("noise", 10, rate_hz, tilt_db_per_octave=tilt)
    within_db = 0.05 if tilt >= 0 else 0.2 if tilt > -6 else 0.8
    assert rms_db(ears.ravel()) == pytest.approx(LEVEL_DB, abs=within_db)
    assert abs(ears.mean()) < 1e-3 * ears.std() + 1e-4


@pytest.mark.parametrize("width", [0, 0.5, 1])
def test_noise_is_as_wide_as_asked_and_as_loud(width):
    ears = generate("noise", 10, width=width, tilt_db_per_octave=0)
    assert np.corrcoef(ears)[0, 1] == pytest.approx(np.sqrt(1 - width**2), abs=0.01)
    for ear in ears:
        assert rms_db(ear) == pytest.approx(LEVEL_DB, abs=0.05)
    assert np.array_equal(*ears) == (width == 0)


def test_noise_never_repeats_and_is_the_same_every_time():
    left, _ = generate("noise", 20, tilt_db_per_octave=0)
    np.testing.assert_array_equal(left, generate("noise", 20, tilt_db_per_octave=0)[0])
    spectrum = np.fft.rfft(left, 2 * len(left))
    likeness = np.fft.irfft(np.abs(spectrum) ** 2)[1 : len(left)]
    # The correlation of n random frames has sigma = 1 / sqrt(n); 6 sigma occur once in 5e8.
    assert np.abs(likeness).max() / (left @ left) < 6 / np.sqrt(len(left))


@pytest.mark.parametrize("depth", [0.5, 1])
def test_modulated_noise_has_its_index_and_its_level(depth):
    values = {"tilt_db_per_octave": 0, "am_rate_hz": 10, "am_depth": depth}
    left, _ = generate("noise", 40, **values)
    assert rms_db(left) == pytest.approx(LEVEL_DB, abs=0.05)
    power = left.reshape(-1, RATE_HZ // 10) ** 2  # one row per period
    gain = np.sqrt(power.mean(axis=0).reshape(-1, 48).mean(axis=1))  # in steps of 1 ms
    bins = np.abs(np.fft.rfft(gain))
    assert 2 * bins[1] / bins[0] == pytest.approx(depth, abs=0.02)


# ---- bell ------------------------------------------------------------------------------------


def strikes_s(sound: np.ndarray) -> np.ndarray:
    """Return when the highest partial (2.67 times the pitch), which decays first, restarts."""
    block = RATE_HZ // 100
    high = np.diff(sound, 3)[: len(sound) // block * block - block].reshape(-1, block)
    power = np.mean(high**2, axis=1)
    return np.flatnonzero(power[1:] > 4 * power[:-1] + 1e-12) / 100 + 0.01


def test_a_bell_loses_60_db_in_its_decay():
    left, right = generate("bell", 3, pitch_hz=500, decay_s=2)
    np.testing.assert_array_equal(left, right)
    window = round(0.1 * RATE_HZ)
    levels = [
        levels_db(left[at : at + window], [500, 600, 750, 1000, 1335])
        for at in (0, RATE_HZ // 2, RATE_HZ)
    ]
    falls_db = np.diff(np.array(levels), axis=0)
    np.testing.assert_allclose(falls_db[:, 0], -15, atol=0.1)  # the prime: 60 dB in 2 s
    assert np.all(np.diff(falls_db[0]) < 0)  # higher partials fall faster


def test_a_bell_begins_at_its_level():
    left, _ = generate("bell", 1, pitch_hz=500, decay_s=30)
    assert rms_db(left[: RATE_HZ // 5]) == pytest.approx(LEVEL_DB, abs=0.8)
    assert left[0] == 0


def test_a_bell_is_struck_every_so_often():
    sound, _ = generate("bell", 10, decay_s=0.4, every_s=2.5)
    np.testing.assert_allclose(strikes_s(sound), [2.5, 5, 7.5], atol=0.02)
    once, _ = generate("bell", 10, decay_s=0.4)
    assert len(strikes_s(once)) == 0


def test_a_bell_is_struck_on_a_rising_edge_only():
    bell = Runner("bell", decay_s=0.4, floor_db=LEVEL_DB)
    second = np.zeros((2, RATE_HZ), np.float32)
    pieces = []
    for strike in (0, 1, 1, 0, 1):
        bell.set("strike", strike)
        pieces.append(bell.process(second)[0])
    np.testing.assert_allclose(strikes_s(np.concatenate(pieces)), [1, 4], atol=0.02)
    assert rms_db(pieces[2]) < LEVEL_DB - 60  # while the parameter is held, the bell rings out


def test_a_bell_struck_all_the_time_gets_no_louder_and_does_not_click():
    once, _ = generate("bell", 1, decay_s=30)
    often, _ = generate("bell", 20, decay_s=30, every_s=0.1)
    assert np.abs(often).max() < np.sqrt(2) * np.abs(once).max()
    assert np.abs(np.diff(often)).max() < 1.5 * np.abs(np.diff(once)).max()
