"""One state, and why; what the sound server does to it is in tests/device."""

import pytest

from entrain.backend import BackendState, Phase
from entrain.vdevice.health import Health, judge


@pytest.mark.parametrize("on", [False, True])
def test_before_the_first_answer_of_the_server_nothing_has_failed_yet(on):
    assert judge(None, on=on, bypass=False) == Health(
        "waiting-for-device", "connecting to the sound server"
    )


def test_without_a_server_it_says_why():
    trouble = "no sound server answers"
    assert judge(None, on=True, bypass=False, trouble=trouble) == Health("failed", trouble)


def test_once_it_plays_the_trouble_is_over():
    ready = BackendState(
        phase=Phase.READY,
        playing=0,
        rate_hz=48_000,
        quantum_frames=1024,
        running=False,
        added_us=0,
        realtime=None,
        audio_thread=0,
        smart_supported=None,
        smart=False,
        target="speakers",
        configured_default="entrain",
        effective_default="entrain",
        session_manager="",
        session_managers=0,
        error="",
    )
    assert judge(ready, on=True, bypass=False, trouble="it was gone") == Health("idle")
    assert judge(ready, on=True, bypass=True, softened="softly") == Health("bypassed", "softly")
    assert judge(ready, on=True, bypass=False, softened="a", note="b") == Health("idle", "a")
    assert judge(ready, on=False, bypass=False, softened="softly") == Health("off")
