"""`binaural`: the tone in each ear.

The input is silent here, so the floor is the level.  test_generator_levels tests how the level
follows an input.
"""

import numpy as np
import pytest
from measure import frequency_hz, levels_db, rms_db
from scipy.signal import butter, sosfilt

from entrain.runner import Runner

TONE = "binaural:carrier_hz=400,beat_hz=10,floor_db=-20"
RATES_HZ = [8_000, 44_100, 48_000, 88_200, 96_000, 192_000]


def tones(seconds: float, rate_hz: int = 48_000, **values: float) -> np.ndarray:
    """Return the output of the block alone from its first frame on, one row for each ear."""
    block = Runner("binaural", rate_hz, **{"carrier_hz": 400, "beat_hz": 10, **values})
    return block.process(np.zeros((2, round(seconds * rate_hz)), np.float32))


def settled(sound: np.ndarray, rate_hz: int = 48_000) -> np.ndarray:
    """Return the sound without the first 100 ms, since a layer fades in over 50 ms."""
    return sound[rate_hz // 10 :]


def decibels(ratio: float) -> float:
    return 20 * np.log10(ratio)


def without(sound: np.ndarray, hz: float, rate_hz: int) -> np.ndarray:
    """Return the sound without one sine."""
    phase = 2 * np.pi * hz * np.arange(len(sound)) / rate_hz
    sines = np.stack([np.cos(phase), np.sin(phase)], axis=1)
    return sound - sines @ np.linalg.lstsq(sines, np.asarray(sound, float), rcond=None)[0]


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_the_left_ear_is_higher_by_the_beat_within_a_millihertz(rate_hz):
    every = rate_hz // 5000  # omitting frames causes no aliases: the only tone is far below 2.5 kHz
    left_hz, right_hz = (
        frequency_hz(ear, near_hz, rate_hz / every)
        for ear, near_hz in zip(tones(60, rate_hz)[:, ::every], (405, 395), strict=True)
    )
    assert left_hz == pytest.approx(405, abs=1e-3)
    assert left_hz - right_hz == pytest.approx(10, abs=1e-3)


def test_the_beat_is_still_right_after_ten_minutes():
    """An error of 1 mHz would shift the phase between the ears by 0.6 cycles.

    Runs at the lowest rate, which has the fewest frames.
    """
    rate_hz, seconds = 8_000, 600
    left, right = tones(seconds, rate_hz).astype(float)

    def lead_cycles(second: int) -> float:
        """Return the lead of the left phase at the beginning of a second."""
        piece = slice(second * rate_hz, (second + 1) * rate_hz)
        turns = 2j * np.pi * np.arange(rate_hz) / rate_hz
        phasor = (left[piece] @ np.exp(-405 * turns)) * np.conj(right[piece] @ np.exp(-395 * turns))
        return float(np.angle(phasor) / (2 * np.pi))

    drift_cycles = (lead_cycles(seconds - 1) - lead_cycles(0) + 0.5) % 1 - 0.5
    assert abs(drift_cycles) < 1e-6 * seconds  # a thousandth of the allowed error
    assert frequency_hz(left[-60 * rate_hz :], 405, rate_hz) == pytest.approx(405, abs=1e-4)


def test_a_negative_beat_swaps_the_ears():
    positive = tones(1, beat_hz=7)
    np.testing.assert_array_equal(tones(1, beat_hz=-7), positive[::-1])
    assert not np.array_equal(positive[0], positive[1])


def test_without_a_beat_both_ears_hear_the_same():
    left, right = tones(1, beat_hz=0)
    np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("wanted_db", [-90, -60, -30, -6])
@pytest.mark.parametrize("rate_hz", [8_000, 48_000, 192_000])
def test_each_ear_has_the_rms_level_that_was_asked_for(rate_hz, wanted_db):
    for ear in tones(1, rate_hz, floor_db=wanted_db):  # whole periods of both tones
        assert rms_db(ear) == pytest.approx(wanted_db, abs=0.01)


@pytest.mark.parametrize("level_db", [-90, -20, -6])
@pytest.mark.parametrize("rate_hz", [8_000, 48_000, 192_000])
def test_nothing_but_the_tone_and_the_rounding_of_32_bit_samples(rate_hz, level_db):
    """A rounding error is at most half a step, and a step is at most 2^-23 of the sample.

    Uniformly distributed errors are noise at 2^-23 / sqrt(12) of the tone: -149.3 dB.
    """
    for ear, hz in zip(tones(1, rate_hz, floor_db=level_db), (405, 395), strict=True):
        assert rms_db(without(ear, hz, rate_hz)) - rms_db(ear) < decibels(2**-23 / np.sqrt(12))


def test_an_ear_hears_nothing_of_the_other_ones_tone():
    for ear, own_hz, other_hz in zip(tones(2), (405, 395), (395, 405), strict=True):
        own_db, other_db = levels_db(ear, [own_hz, other_hz])
        assert other_db - own_db < -100


# ---- moved by the engine ---------------------------------------------------------------------

# A gain that begins to move bends the wave, and so does a frequency that moves in steps.  Above
# `ABOVE_HZ`, a bend leaves the change of the wave's slope, in 1/s of its peak, divided by
# 2 pi ABOVE_HZ.  A jump would be left completely.
ABOVE_HZ = 4000
GRID_S = 16 / 48_000


def bend_of_level(by_db: float, over_s: float) -> float:
    return by_db / over_s * np.log(10) / 20


def bend_of_frequency(by_hz: float, over_s: float) -> float:
    return 2 * np.pi * by_hz * GRID_S / over_s


@pytest.mark.parametrize(
    ("targets", "over_s", "bend"),
    [
        ({"floor_db": -12}, 0, bend_of_level(8, 0.02)),
        ({"floor_db": -12}, 0.3, bend_of_level(8, 0.3)),
        ({"beat_hz": 4}, 0, bend_of_frequency(3, 0.02)),
        ({"carrier_hz": 300}, 0, bend_of_frequency(100, 0.02)),
        (
            {"floor_db": -12, "beat_hz": 4},
            0.3,
            bend_of_level(8, 0.3) + bend_of_frequency(3, 0.3),
        ),
    ],
)
def test_moving_a_parameter_does_not_click(render, targets, over_s, bend):
    highpass = butter(8, ABOVE_HZ, "highpass", fs=48_000, output="sos")
    clicks = []
    for step in range(8):  # at eight phases of the wave
        start_s = 0.3 + step / 8 / 400
        moves = [(start_s, f"binaural.{symbol}", to, over_s) for symbol, to in targets.items()]
        sound = settled(render(TONE, 0.8, moves=moves))
        high = sosfilt(highpass, sound.astype(float), axis=0)[
            2400:
        ]  # the filter rings at its start
        clicks.append(np.abs(high).max() / np.abs(sound).max())
    assert decibels(max(clicks)) < decibels(bend / (2 * np.pi * ABOVE_HZ))


@pytest.mark.parametrize("start", [48_000, 48_001, 48_015])
def test_a_glide_of_level_begins_and_ends_when_promised(render, start):
    """The sound equals one with a constant level after one more step of 16 frames."""
    moves = [(start / 48_000, "binaural.floor_db", -12, 0.5)]
    glided = render(TONE, 2, moves=moves)
    before = render(TONE, 2)
    after = render(TONE.replace("-20", "-12"), 2)
    first = np.flatnonzero((glided != before).any(axis=1))[0]
    last = np.flatnonzero((glided != after).any(axis=1))[-1]
    assert first == pytest.approx(start, abs=16)
    assert last == pytest.approx(start + 24_000, abs=16)


def test_a_glide_of_frequency_loses_no_phase(render):
    """The phase is the integral of the frequency; it may be off by 16 frames' worth of it."""
    rate_hz, start_s, over_s = 48_000, 1.0, 0.5
    sound = render(
        "binaural:carrier_hz=400,beat_hz=0,floor_db=-20",
        2,
        moves=[(start_s, "binaural.carrier_hz", 300, over_s)],
    )
    tail = sound[round((start_s + over_s) * rate_hz) + 16 :, 0].astype(float)
    seconds = np.arange(len(sound) - len(tail), len(sound)) / rate_hz
    turned = np.sum(tail * np.exp(-2j * np.pi * 300 * seconds))
    measured_cycles = (np.angle(turned) + np.pi / 2) / (2 * np.pi)
    expected_cycles = (400 - 300) * start_s + (350 - 300) * over_s
    off = (measured_cycles - expected_cycles + 0.5) % 1 - 0.5
    assert abs(off) < 100 * 16 / rate_hz


def test_block_size_cannot_be_heard(render):
    moves = [(0.1, "binaural.beat_hz", 4, 0.2), (0.25, "binaural.floor_db", -12, 0)]
    np.testing.assert_array_equal(
        render(TONE, 0.5, block=37, moves=moves), render(TONE, 0.5, block=4096, moves=moves)
    )
