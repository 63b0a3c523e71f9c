"""`swell`: its breath, read from its output for a constant of 1."""

import numpy as np
import pytest
from measure import pink_noise

from entrain.faust import Runner

RATE_HZ = 8_000


def gain_db(seconds: float, **values: float) -> np.ndarray:
    ones = np.ones((2, round(seconds * RATE_HZ)), np.float32)
    left, right = Runner("swell", RATE_HZ, **values).process(ones).astype(float)
    np.testing.assert_array_equal(left, right)
    return 20 * np.log10(left)


@pytest.mark.parametrize("breaths", [3, 6, 12])
@pytest.mark.parametrize("ratio", [0.5, 1, 1.5, 4])
def test_period_and_ratio_are_what_was_asked_for(breaths, ratio):
    period = 60 / breaths * RATE_HZ
    gain = gain_db(120 / breaths + 1, breaths_per_minute=breaths, exhale_ratio=ratio)
    full = int(np.argmax(gain[: round(period)]))
    empty = full + int(np.argmin(gain[full : full + round(period)]))
    again = empty + int(np.argmax(gain[empty : empty + round(period)]))
    # The extremes are flat: several float samples around them are equal.
    assert again - full == pytest.approx(period, abs=0.01 * period)
    assert (empty - full) / (again - empty) == pytest.approx(ratio, rel=0.03)
    assert full == pytest.approx(period / (1 + ratio), abs=0.01 * period)


@pytest.mark.parametrize("depth_db", [0.5, 6, 24])
def test_it_goes_down_by_its_depth_and_never_above_the_input(depth_db):
    gain = gain_db(11, depth_db=depth_db)
    assert gain[0] == pytest.approx(-depth_db, abs=1e-3)
    assert gain.min() == pytest.approx(-depth_db, abs=1e-3)
    assert gain.max() == pytest.approx(0, abs=1e-3)
    assert gain.max() <= 0


def test_it_is_smooth():
    """Raised cosines of 4 s and 6 s have a slope of at most pi / 2 * depth / 4 s."""
    slope = np.diff(gain_db(21, depth_db=12)[20:]) * RATE_HZ
    assert np.abs(slope).max() == pytest.approx(np.pi / 2 * 12 / 4, rel=0.03)
    bend = np.diff(slope.reshape(-1)[: 20 * RATE_HZ // 100 * 100].reshape(-1, 100).mean(axis=1))
    assert np.abs(bend).max() < (np.pi / 4) ** 2 * 6 * 0.0125 * 1.1 + 1e-3


def test_without_depth_it_is_the_input_bit_for_bit():
    noise = pink_noise(1)
    np.testing.assert_array_equal(Runner("swell", depth_db=0).process(noise), noise)
