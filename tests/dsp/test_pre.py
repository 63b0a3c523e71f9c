"""`pre` conditions the input: DC block, noise gate, loudness levelling.

Loudness is measured with a separate K-weighting, from the filters printed in ITU-R BS.1770.
"""

from functools import cache

import numpy as np
import pytest
from measure import RATE_HZ, level_db, loudness_lufs, pink_noise, rms_db
from scipy.signal import butter, sosfilt, sosfiltfilt

from entrain.runner import Runner

GRID = 16  # frames between changes of parameters by the engine


@cache
def noise() -> np.ndarray:
    """Return 25 s of pink noise at 0 LUFS."""
    sound = pink_noise(25)
    return sound * np.float32(10 ** (-loudness_lufs(sound) / 20))


def pink(seconds: float, loudness: float) -> np.ndarray:
    return noise()[:, : round(seconds * RATE_HZ)] * np.float32(10 ** (loudness / 20))


def sine(hz: float, amplitude: float, seconds: float) -> np.ndarray:
    ear = amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)
    return np.stack([ear, ear]).astype(np.float32)


def pieces(block: Runner, sound: np.ndarray, *moves: tuple[float, str, float]) -> np.ndarray:
    """Process a sound, and change parameters at the given seconds."""
    out, at = [], 0
    for second, symbol, value in [*moves, (np.inf, "", 0.0)]:
        end = sound.shape[1] if second == np.inf else round(second * RATE_HZ)
        if end > at:
            out.append(block.process(np.ascontiguousarray(sound[:, at:end])))
        at = end
        if symbol:
            block.set(symbol, value)
    return np.concatenate(out, 1)


def burst_db(sound: np.ndarray, at_s: float, above_hz: float = 6000) -> tuple[float, float]:
    """Return the highest level of 2 ms around a time, and elsewhere, after a high-pass."""
    high = sosfilt(butter(8, above_hz, "high", fs=RATE_HZ, output="sos"), sound[0].astype(float))
    frames = RATE_HZ // 500
    windows = np.square(high[: len(high) // frames * frames]).reshape(-1, frames).mean(axis=1)
    levels = 10 * np.log10(windows + 1e-20)[25:]
    around = slice(int(at_s * 500) - 26, int(at_s * 500) + 525)
    return float(levels[around].max()), float(np.delete(levels, around).max())


# ---- off ----------------------------------------------------------------------------------


def test_off_it_is_the_input_bit_for_bit():
    rng = np.random.default_rng(1)
    sound = rng.normal(0, 0.3, (2, RATE_HZ)).astype(np.float32)
    sound[:, 10_000:20_000] += 0.5
    sound[:, 20_000:30_000] *= 1e-5
    sound[:, 30_000:31_000] = rng.choice(np.float32([-16, 16, 0, 1e-37]), (2, 1000))
    np.testing.assert_array_equal(Runner("pre", RATE_HZ).process(sound), sound)


def test_switched_off_again_it_is_the_input_bit_for_bit():
    sound = pink(4, -30)
    sound[:, : 2 * RATE_HZ] += 0.1
    block = Runner("pre", RATE_HZ, dc_block=1, gate=1, gate_threshold_db=-20, leveller=1)
    out = pieces(block, sound, (2, "dc_block", 0), (2, "gate", 0), (2, "leveller", 0))
    assert not np.array_equal(out[:, : 2 * RATE_HZ], sound[:, : 2 * RATE_HZ])
    np.testing.assert_array_equal(
        out[:, round(3.01 * RATE_HZ) :], sound[:, round(3.01 * RATE_HZ) :]
    )


# ---- DC block -----------------------------------------------------------------------------


def test_dc_is_gone_after_half_a_second():
    """Five time constants of 80 ms leave less than 1 %; 6.25 time constants leave 0.2 %."""
    sound = sine(1000, 0.1, 1.5) + np.float32([[0.3], [-0.2]])
    out = Runner("pre", RATE_HZ, dc_block=1).process(sound)
    assert np.abs(out[:, RATE_HZ // 2 : RATE_HZ].mean(axis=1)).max() < 0.3 * 0.002
    assert np.abs(out[:, RATE_HZ : 3 * RATE_HZ // 2].mean(axis=1)).max() < 1e-5


@pytest.mark.parametrize(("hz", "expected_db"), [(2, -3.01), (20, -0.043), (1000, 0)])
def test_the_dc_block_is_a_high_pass_of_first_order_at_2_hz(hz, expected_db):
    sound = sine(hz, 0.5, 3)
    out = Runner("pre", RATE_HZ, dc_block=1).process(sound)
    gain_db = level_db(out[0, RATE_HZ:], hz) - level_db(sound[0, RATE_HZ:], hz)
    assert gain_db == pytest.approx(expected_db, abs=0.02)


# ---- gate ---------------------------------------------------------------------------------


def gate(**values: float) -> Runner:
    return Runner("pre", RATE_HZ, gate=1, gate_threshold_db=-40, gate_hold_ms=100, **values)


def steps(*levels_db: float, seconds: float = 0.5) -> np.ndarray:
    """Return a tone with a sequence of RMS levels."""
    rms = np.repeat([10 ** (level / 20) for level in levels_db], round(seconds * RATE_HZ))
    tone = np.sqrt(2) * np.sin(2 * np.pi * 1000 * np.arange(len(rms)) / RATE_HZ)
    return np.stack([rms * tone, rms * tone]).astype(np.float32)


def ends_db(out: np.ndarray, sound: np.ndarray, seconds: float = 0.5) -> list[float]:
    """Return the gain in the last 100 ms of each step; silence counts as -200."""
    frames = round(seconds * RATE_HZ)
    gains = []
    for end in range(frames, sound.shape[1] + 1, frames):
        part = slice(end - RATE_HZ // 10, end)
        gains.append(max(-200, rms_db(out[0, part]) - rms_db(sound[0, part])))
    return gains


def test_the_gate_opens_at_its_threshold_and_closes_below_the_hysteresis():
    sound = steps(-39.5, -45.5, -46.5, -40.5, -39.5)
    gains = ends_db(gate(gate_hysteresis_db=6).process(sound), sound)
    assert gains == [0, 0, -200, -200, 0]


def test_either_ear_opens_it_for_both():
    sound = steps(-60, -39)
    sound[0] /= 100
    gains = ends_db(gate().process(sound), sound)
    assert gains == [-200, 0]


def test_closed_it_takes_away_its_range():
    sound = steps(-60)
    assert ends_db(gate(gate_range_db=20).process(sound), sound) == [pytest.approx(-20, abs=1e-3)]


def test_dc_does_not_keep_it_open():
    sound = steps(-60, -60, -60) + np.float32(0.2)
    assert not gate().process(sound)[:, -RATE_HZ // 10 :].any()


@pytest.mark.parametrize("hold_ms", [0, 100, 400])
def test_it_holds(hold_ms):
    sound = steps(-30, -60, seconds=1)
    out = gate().set("gate_hold_ms", hold_ms).process(sound)
    tail = np.abs(out[0, RATE_HZ:] - sound[0, RATE_HZ:]) > 0
    # The mean over 10 ms needs 37 ms to fall from -30 to -46 dB.
    assert np.flatnonzero(tail)[0] / RATE_HZ * 1000 == pytest.approx(hold_ms + 37, abs=3)
    assert out[:, RATE_HZ : RATE_HZ + 10].any()


def test_a_gap_shorter_than_the_hold_is_left_alone():
    sound = steps(-30, -80, -30, seconds=0.1)
    np.testing.assert_array_equal(gate().process(sound), sound)


def test_a_sound_after_silence_is_there_after_seven_milliseconds():
    """1 ms to notice, 5 ms to open."""
    sound = steps(-120, -20)
    out = gate().process(sound)
    onset = RATE_HZ // 2
    later = onset + round(0.007 * RATE_HZ)
    np.testing.assert_array_equal(out[:, later:], sound[:, later:])


def test_the_beginning_is_not_faded():
    sound = steps(-30)
    np.testing.assert_array_equal(gate().process(sound), sound)


# ---- leveller -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loudness", "range_db", "expected"),
    [(-35, 6, -29), (-12, 6, -18), (-35, 12, -23), (-23, 6, -20), (-17, 6, -20), (-20, 6, -20)],
)
def test_the_leveller_goes_towards_the_target_within_its_range(loudness, range_db, expected):
    sound = pink(25, loudness)
    out = Runner("pre", RATE_HZ, leveller=1, leveller_range_db=range_db).process(sound)
    assert loudness_lufs(out[:, -5 * RATE_HZ :]) == pytest.approx(expected, abs=0.3)


def gain_of(block: Runner, sound: np.ndarray) -> np.ndarray:
    """Return the gain in dB, 200 times a second, where the input is not silent."""
    out = block.process(sound)
    frames = RATE_HZ // 200
    inner = np.abs(sound[0]).reshape(-1, frames).argmax(axis=1) + np.arange(
        0, sound.shape[1], frames
    )
    return 20 * np.log10(out[0, inner].astype(float) / sound[0, inner])


def ripple_db(gain_db: np.ndarray) -> float:
    """Return the peak-to-peak ripple of the gain above 1 Hz."""
    high = butter(4, 1, "high", fs=200, output="sos")
    return float(np.ptp(sosfiltfilt(high, gain_db - gain_db.mean())[400:-400]))


@pytest.mark.parametrize("loudness", [-35, -22, -12])
def test_steady_noise_is_not_modulated(loudness):
    gain_db = gain_of(Runner("pre", RATE_HZ, leveller=1), pink(25, loudness))
    assert ripple_db(gain_db[10 * 200 :]) < 0.1


@pytest.mark.parametrize("rate_hz", [1, 4, 10, 40])
def test_what_is_modulated_already_is_neither_flattened_nor_pumped(rate_hz):
    """For fully modulated noise in the middle of the range, the gain does not move."""
    sound = pink(25, -22)
    time_s = np.arange(sound.shape[1]) / RATE_HZ
    sound *= (1 + np.sin(2 * np.pi * rate_hz * time_s)).astype(np.float32) / np.sqrt(1.5)
    gain_db = gain_of(Runner("pre", RATE_HZ, leveller=1), sound)
    assert ripple_db(gain_db[10 * 200 :]) < 0.1


def test_the_leveller_takes_seconds():
    """The gain moves at most 3 dB in a second after a jump of 20 LU up or down."""
    sound = np.concatenate([pink(12, -45), pink(12, -25), pink(8, -45)], 1)
    gain_db = gain_of(Runner("pre", RATE_HZ, leveller=1, leveller_target_lufs=-35), sound)
    assert np.ptp(gain_db) > 9
    assert np.abs(gain_db[200:] - gain_db[:-200]).max() < 3


@pytest.mark.parametrize(("loudness", "at_most_db"), [(-120, 1), (-65, 1), (-50, 2.5)])
def test_a_pause_of_10_seconds_is_not_filled(loudness, at_most_db):
    sound = np.concatenate([pink(5, -20), pink(10, loudness)], 1)
    gain_db = gain_of(Runner("pre", RATE_HZ, leveller=1, leveller_range_db=12), sound)
    assert gain_db[-1] - gain_db[5 * 200 - 1] < at_most_db


def test_it_begins_with_no_gain():
    sound = pink(0.5, -35)
    out = Runner("pre", RATE_HZ, leveller=1).process(sound)
    assert rms_db(out[0, :4800]) - rms_db(sound[0, :4800]) == pytest.approx(0, abs=0.1)


def true_peak_db(sound: np.ndarray) -> float:
    frames = sound.shape[1]
    fine = np.fft.irfft(np.fft.rfft(sound.astype(float)), 8 * frames) * 8
    inner = fine[:, 8 * 50 : -8 * 50]  # cuts cause peaks
    return 20 * np.log10(np.abs(inner).max())


@pytest.mark.parametrize("hz", [50, 997, 6000, 12_000])
def test_no_peak_is_raised_above_minus_1_dbtp(hz):
    """A tone on one ear is raised by 3 dB or more, then rises to -4 dBTP.

    At 12 kHz no frame is a peak.
    """
    seconds = 8
    phase = 2 * np.pi * hz * np.arange(seconds * RATE_HZ) / RATE_HZ + np.pi / 4
    level_db = np.repeat([-21.0, -4.0], [7 * RATE_HZ, RATE_HZ])
    ear = 10 ** (level_db / 20) * np.sin(phase)
    sound = np.stack([ear, np.zeros_like(ear)]).astype(np.float32)
    settings = {"leveller_target_lufs": -10, "leveller_range_db": 12}
    out = Runner("pre", RATE_HZ, leveller=1, **settings).process(sound)
    before = slice(6 * RATE_HZ, 7 * RATE_HZ)
    assert rms_db(out[0, before]) - rms_db(sound[0, before]) > 3
    after = slice(7 * RATE_HZ + 3, None)  # the meter has a delay of 3 frames
    assert -2 < true_peak_db(out[:, after]) <= -1


def test_a_peak_that_is_too_high_already_is_not_raised():
    sound = pink(10, -35)
    sound[:, 9 * RATE_HZ] = 0.99
    sound[:, 9 * RATE_HZ + 10] = 1.5
    out = Runner("pre", RATE_HZ, leveller=1).process(sound)
    assert np.abs(out[:, 9 * RATE_HZ - 10 : 9 * RATE_HZ + 11]).max() == np.float32(1.5)
    assert out[0, 9 * RATE_HZ] == np.float32(0.99)


# ---- switching ----------------------------------------------------------------------------


@pytest.mark.parametrize("to", [0, 1])
@pytest.mark.parametrize(
    ("symbol", "others"),
    [
        ("dc_block", {}),
        ("gate", {"gate_threshold_db": -20.0}),
        ("leveller", {"leveller_range_db": 12.0}),
        ("gate_range_db", {"gate": 1.0, "gate_threshold_db": -20.0, "gate_hold_ms": 0.0}),
    ],
)
def test_switching_does_not_click(symbol, others, to):
    """From 6 to 24 kHz, at the peak of a tone, a switch adds at most 3 dB to noise of -94 dB."""
    moment_s = 1.5 + 0.25 / 200
    rng = np.random.default_rng(3)
    sound = sine(200, 0.03, 3) + rng.normal(0, 2e-5, (2, 3 * RATE_HZ)).astype(np.float32)
    if symbol == "dc_block":
        sound += np.float32(0.3)
    values = {"gate_range_db": (0, 90)}.get(symbol, (0, 1))
    block = Runner("pre", RATE_HZ, **others)
    block.set(symbol, values[1 - to])
    # In the engine a parameter moves within 20 ms.
    path = np.linspace(values[1 - to], values[to], 61)[1:]
    moves = [(moment_s + i * GRID / RATE_HZ, symbol, float(v)) for i, v in enumerate(path)]
    if symbol != "gate_range_db":
        moves = [(moment_s, symbol, values[to])]
    out = pieces(block, sound, *moves)
    highest, steady = burst_db(out, moment_s)
    assert highest < steady + 3


def test_the_gate_does_not_click():
    """Above 6 kHz, sound stays 50 dB below the tone that opens the gate."""
    sound = sine(200, 0.003, 3)
    sound[:, RATE_HZ // 2 : RATE_HZ] *= 0.001
    out = gate(gate_hysteresis_db=0).set("gate_threshold_db", -60).process(sound)
    assert not out[:, RATE_HZ - 100 : RATE_HZ].any()
    highest, _ = burst_db(out, 1.0)
    assert highest < rms_db(sound[0]) - 50


# ---- any input ----------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [8_000, 48_000, 192_000])
def test_it_stays_finite_whatever_comes(rate_hz):
    rng = np.random.default_rng(rate_hz)
    ranges = {
        "dc_block": (0, 1), "gate": (0, 1), "gate_threshold_db": (-90, -20),
        "gate_hysteresis_db": (0, 20), "gate_hold_ms": (0, 5000), "gate_range_db": (0, 90),
        "leveller": (0, 1), "leveller_target_lufs": (-40, -10), "leveller_range_db": (0, 12),
    }  # fmt: skip
    block = Runner("pre", rate_hz)
    for _ in range(300):
        for symbol, (low, high) in ranges.items():
            value = rng.choice([low, high]) if rng.random() < 0.5 else rng.uniform(low, high)
            block.set(symbol, float(value))
        frames = int(rng.integers(1, 3000))
        sound = [
            rng.choice(np.float32([-16, 16]), (2, frames)),
            np.full((2, frames), 16.0),
            np.zeros((2, frames)),
            rng.normal(0, 1e-39, (2, frames)),
            rng.normal(0, 1, (2, frames)),
        ][rng.integers(5)].astype(np.float32)
        out = block.process(sound)
        assert np.isfinite(out).all()
        # The DC block at most doubles, the leveller adds 12 dB.
        assert np.abs(out).max() <= 16 * 2 * 4


@pytest.mark.parametrize("rate_hz", [8_000, 192_000])
def test_the_leveller_knows_loudness_at_every_rate(rate_hz):
    """The loudness of a tone of 997 Hz in both ears, in LUFS, equals its peak level."""
    phase = 2 * np.pi * 997 * np.arange(25 * rate_hz) / rate_hz
    ear = (10 ** (-23 / 20) * np.sin(phase)).astype(np.float32)
    out = Runner("pre", rate_hz, leveller=1).process(np.stack([ear, ear]))
    assert rms_db(out[0, -rate_hz:]) + 3.01 == pytest.approx(-20, abs=0.1)


def test_block_size_cannot_be_heard():
    sound = pink(2, -35)
    settings = {"dc_block": 1.0, "gate": 1.0, "leveller": 1.0}
    whole = Runner("pre", RATE_HZ, **settings).process(sound)
    parts = [(at / RATE_HZ, "gate", 1.0) for at in range(77, sound.shape[1], 777)]
    np.testing.assert_array_equal(pieces(Runner("pre", RATE_HZ, **settings), sound, *parts), whole)
