"""`phasemod` and `bilateral`: time and level differences between the ears."""

import numpy as np
import pytest
from measure import phasors, rms_db
from scipy.signal import hilbert

from entrain.faust import Runner

RATE_HZ = 48_000
RATES_HZ = [8_000, 44_100, 48_000, 192_000]


def tone(hz: float, sample_rate_hz: int = RATE_HZ, seconds: float = 1.0) -> np.ndarray:
    phase = 2 * np.pi * hz * np.arange(round(seconds * sample_rate_hz)) / sample_rate_hz
    return np.stack([0.1 * np.sin(phase)] * 2).astype(np.float32)


def analytic(sound: np.ndarray, sample_rate_hz: int = RATE_HZ) -> np.ndarray:
    """Return analytic signals without 0.1 s at each end, where the transform is wrong."""
    tenth = sample_rate_hz // 10
    return hilbert(sound.astype(float))[:, tenth:-tenth]


def lead_deg(sound: np.ndarray, sample_rate_hz: int = RATE_HZ) -> np.ndarray:
    """Return the phase lead of the left ear."""
    left, right = analytic(sound, sample_rate_hz)
    return np.degrees(np.unwrap(np.angle(left * right.conj())))


def difference_db(sound: np.ndarray, sample_rate_hz: int = RATE_HZ) -> np.ndarray:
    """Return how much louder the left ear is."""
    left, right = np.abs(analytic(sound, sample_rate_hz))
    return 20 * np.log10(left / right)


def both_ears_power(sound: np.ndarray) -> np.ndarray:
    return np.square(np.abs(analytic(sound))).sum(axis=0)


# ---- phasemod -----------------------------------------------------------------------------


@pytest.mark.parametrize("sample_rate_hz", RATES_HZ)
@pytest.mark.parametrize("rate_hz", [2, 10, 40])
def test_at_450_hz_the_phase_between_the_ears_swings_by_90_degrees(sample_rate_hz, rate_hz):
    block = Runner("phasemod", sample_rate_hz, rate_hz=rate_hz)
    swing = lead_deg(block.process(tone(450, sample_rate_hz, 1.2)), sample_rate_hz)
    assert np.abs(phasors(swing, [rate_hz], sample_rate_hz)[0]) == pytest.approx(90, abs=2)
    time_s = 0.1 + np.arange(len(swing)) / sample_rate_hz
    assert np.abs(swing - 90 * np.sin(2 * np.pi * rate_hz * time_s)).max() < 2


@pytest.mark.parametrize(
    ("swing_deg", "reference_hz"), [(0, 450), (30, 450), (180, 200), (60, 1500)]
)
def test_the_swing_is_what_was_asked_for_at_its_reference(swing_deg, reference_hz):
    block = Runner("phasemod", rate_hz=5, swing_deg=swing_deg, reference_hz=reference_hz)
    swing = lead_deg(block.process(tone(reference_hz, seconds=1.2)))
    assert np.abs(phasors(swing, [5])[0]) == pytest.approx(swing_deg, abs=max(0.1, swing_deg / 100))


@pytest.mark.parametrize("hz", [100, 1000, 5000, 10_000, 14_000])
def test_the_level_of_neither_ear_moves(hz):
    levels_db = 20 * np.log10(np.abs(analytic(Runner("phasemod").process(tone(hz)))) / 0.1)
    assert np.abs(levels_db).max() < 0.1


def test_without_a_swing_both_ears_are_a_few_frames_late_and_the_same():
    sound = Runner("phasemod", swing_deg=0).process(tone(1000))
    np.testing.assert_array_equal(sound[0], sound[1])
    turned = phasors(sound[0, 480:], [1000])[0] / phasors(tone(1000)[0, 480:], [1000])[0]
    assert turned == pytest.approx(np.exp(-2j * np.pi * 1000 * 4.5 / RATE_HZ), abs=1e-4)


def test_a_constant_stays_constant():
    sound = Runner("phasemod", rate_hz=40, swing_deg=180).process(np.ones((2, RATE_HZ), np.float32))
    np.testing.assert_allclose(sound[:, 200:], 1, atol=1e-6)


# ---- bilateral: level ---------------------------------------------------------------------


@pytest.mark.parametrize("movement", [0, 1])
@pytest.mark.parametrize("ild_db", [0, 3, 6, 12])
@pytest.mark.parametrize("width", [0.5, 1])
def test_the_level_difference_is_bounded(movement, ild_db, width):
    block = Runner("bilateral", rate_hz=4, movement=movement, width=width, ild_db=ild_db)
    found_db = difference_db(block.set("itd_us", 0).process(tone(3000)))
    assert np.abs(found_db).max() <= ild_db + 0.01  # because of the transform's ends
    if width == 1:
        assert found_db.max() == pytest.approx(ild_db, abs=0.02)
        assert found_db.min() == pytest.approx(-ild_db, abs=0.02)


@pytest.mark.parametrize("movement", [0, 1])
def test_both_ears_together_are_as_loud_everywhere(movement):
    block = Runner("bilateral", rate_hz=3, movement=movement, width=1, ild_db=12)
    power = both_ears_power(block.process(tone(1000)))
    np.testing.assert_allclose(10 * np.log10(power / (2 * 0.1**2)), 0, atol=0.05)


# ---- bilateral: time ----------------------------------------------------------------------


@pytest.mark.parametrize("sample_rate_hz", RATES_HZ)
@pytest.mark.parametrize("itd_us", [0, 400, 700])
def test_the_time_difference_is_bounded_and_the_louder_ear_leads(sample_rate_hz, itd_us):
    block = Runner("bilateral", sample_rate_hz, rate_hz=4, width=1, itd_us=itd_us)
    sound = block.process(tone(400, sample_rate_hz))
    found_us = lead_deg(sound, sample_rate_hz) / 360 / 400 * 1e6
    assert found_us.max() == pytest.approx(itd_us, abs=5)
    assert found_us.min() == pytest.approx(-itd_us, abs=5)
    if itd_us:
        assert np.corrcoef(found_us, difference_db(sound, sample_rate_hz))[0, 1] > 0.999


def test_without_width_it_stands_still():
    sound = Runner("bilateral", width=0).process(tone(1000))
    np.testing.assert_array_equal(sound[0], sound[1])
    assert rms_db(sound[0, 480:]) == pytest.approx(rms_db(tone(1000)[0, 480:]), abs=0.001)


# ---- bilateral: movement ------------------------------------------------------------------


def place(seconds: float, **values: float) -> np.ndarray:
    """Return the position over time, from the levels of a constant: 1 is left, -1 is right."""
    block = Runner("bilateral", 8_000, width=1, itd_us=0, **values)
    left, right = block.process(np.ones((2, round(seconds * 8_000)), np.float32)).astype(float)
    angle = np.arctan2(left, right)[16:] - np.pi / 4
    return angle / (np.arctan(10 ** (6 / 20)) - np.pi / 4)


@pytest.mark.parametrize("rate_hz", [0.05, 1, 7.5, 40])
@pytest.mark.parametrize("movement", [0, 1])
def test_it_goes_from_side_to_side_at_its_rate_and_begins_to_the_left(rate_hz, movement):
    where = place(2 / rate_hz, rate_hz=rate_hz, movement=movement)
    assert np.mean(where[: round(0.4 * 8_000 / rate_hz)]) > 0.5
    crossings = np.flatnonzero(np.diff(np.sign(where[20:])))  # the movement begins in the middle
    assert len(crossings) == 3
    assert np.diff(crossings) == pytest.approx(8_000 / rate_hz / 2, abs=2)


def test_alternating_it_stays_at_a_side_and_changes_within_fifty_milliseconds():
    where = place(4, rate_hz=0.5, movement=1)
    assert np.mean(np.abs(where) > 0.999) > 0.94
    change = np.abs(where[8_000 - 400 : 8_000 + 400]) < 0.999
    assert 0.03 < change.sum() / 8_000 < 0.05 + 16 / 8_000
    assert np.abs(np.diff(where)).max() < 2 * 15 / 8 / (0.05 * 8_000) * 1.01  # smootherstep


def test_smooth_it_is_a_sine():
    where = place(4, rate_hz=0.5)
    expected = np.sin(2 * np.pi * 0.5 * (np.arange(len(where)) + 16 - 7.5) / 8_000)
    np.testing.assert_allclose(where[16:], expected[16:], atol=1e-4)
