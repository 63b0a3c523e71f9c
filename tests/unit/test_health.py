"""One state, and why; what the sound server does to it is in tests/device."""

import pytest

from entrain.vdevice.health import Health, judge


@pytest.mark.parametrize("on", [False, True])
def test_before_the_first_answer_of_the_server_nothing_has_failed_yet(on):
    assert judge(None, on=on, bypass=False) == Health(
        "waiting-for-device", "connecting to the sound server"
    )


def test_without_a_server_it_says_why():
    reason = "no sound server answers"
    assert judge(None, on=True, bypass=False, device_reason=reason) == Health("failed", reason)
