"""The clock of the sleep timer."""

import sys
import time

import pytest

from entrain.platform import clock


def test_it_goes_on():
    before = clock.suspended_too_s()
    time.sleep(0.02)

    assert clock.suspended_too_s() - before >= 0.02


@pytest.mark.skipif(sys.platform != "linux", reason="other systems use another clock")
def test_it_is_the_one_that_counts_suspensions(monkeypatch):
    monkeypatch.setattr(time, "clock_gettime", {time.CLOCK_BOOTTIME: 42.0}.__getitem__)

    assert clock.suspended_too_s() == 42.0
