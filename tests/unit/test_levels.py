"""The levels of the status: each ear has its own."""

import numpy as np
import pytest

from entrain.engine import Engine
from entrain.vdevice.api.levels import levels


def test_each_ear_has_its_rms_and_its_peak_before_and_after_processing():
    """A sine's RMS is 3.01 dB below its peak; the meters of RMS settle in 300 ms."""
    left = 0.1 * np.sin(2 * np.pi * 1000 / 48_000 * np.arange(4 * 48_000))
    with Engine() as engine:
        engine.process(np.array([left, 0.1 * left], np.float32))
        found = levels(engine)

    assert found.in_peak_db == pytest.approx((-20, -40), abs=0.01)
    assert found.in_rms_db == pytest.approx((-23.01, -43.01), abs=0.02)
    assert found.out_rms_db == pytest.approx(found.in_rms_db, abs=0.02)
    assert found.out_peak_db == pytest.approx(found.in_peak_db, abs=0.02)
    assert found.in_db == found.in_rms_db[0]
    assert found.out_db == found.out_rms_db[0]


def test_an_ear_without_sound_has_no_level():
    sound = np.zeros((2, 48_000), np.float32)
    sound[1] = 0.5
    with Engine() as engine:
        before = levels(engine)
        engine.process(sound)
        after = levels(engine)

    assert (before.in_rms_db, before.out_peak_db) == ((None, None), (None, None))
    for left, right in (after.in_rms_db, after.in_peak_db):
        assert left is None
        assert right == pytest.approx(-6.02, abs=0.3)
