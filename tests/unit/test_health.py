"""The state and its reason; tests/device covers the sound server's part."""

from dataclasses import replace

import pytest

from entrain.backend import BackendState, Phase
from entrain.vdevice.api.health import Health, judge


@pytest.mark.parametrize("on", [False, True])
def test_before_the_first_answer_of_the_server_nothing_has_failed_yet(on):
    assert judge(None, on=on, bypass=False) == Health(
        "waiting-for-device", "connecting to the sound server"
    )


def test_without_a_server_it_says_why():
    trouble = "no sound server answers"
    assert judge(None, on=True, bypass=False, trouble=trouble) == Health("failed", trouble)


READY = BackendState(
    phase=Phase.READY,
    playing=0,
    rate_hz=48_000,
    quantum_frames=1024,
    running=False,
    added_us=0,
    realtime=None,
    audio_thread=None,
    smart_supported=None,
    smart=False,
    target="speakers",
    configured_default="entrain",
    effective_default="entrain",
    session_manager="",
    session_managers=0,
    error="",
)


def test_once_it_plays_the_trouble_is_over():
    assert judge(READY, on=True, bypass=False, trouble="it was gone") == Health("idle")


def test_off_is_only_said_while_nothing_plays_through_entrain():
    """An app can be sent to Entrain by hand."""
    plays = replace(READY, playing=1)
    assert judge(plays, on=False, bypass=False) == Health("processing")
    assert judge(plays, on=False, bypass=True) == Health("bypassed")
    assert judge(READY, on=False, bypass=False, reason="so") == Health("off", "so")


@pytest.mark.parametrize("bypass", [False, True])
def test_what_makes_the_sound_softer_comes_before_all_else(bypass):
    muffled = replace(READY, playing=1, muffled="a volume is low; raise it", error="something")
    told = judge(muffled, on=True, bypass=bypass, reason="so", note="needs headphones")
    assert told.reason == "a volume is low; raise it"


def test_what_is_done_about_a_filter_that_leads_back_is_told():
    detour = "eq plays back into Entrain; Entrain plays on Speakers directly"

    assert judge(READY, on=True, bypass=False, detour=detour) == Health("idle", detour)
    waiting = replace(READY, phase=Phase.WAITING)
    assert judge(waiting, on=True, bypass=False, target_there=False, detour=detour) == Health(
        "waiting-for-device", detour
    )


def test_why_a_loudspeaker_is_softer_is_told():
    softly = "softly"
    assert judge(READY, on=True, bypass=True, softened=softly) == Health("bypassed", softly)
    assert judge(READY, on=True, bypass=False, softened="a", note="b") == Health("idle", "a")
    assert judge(READY, on=False, bypass=False, softened=softly) == Health("off")


def test_what_is_heard_without_any_player_is_processing():
    assert judge(READY, on=True, bypass=False, alone=True) == Health("processing")
    assert judge(READY, on=True, bypass=False) == Health("idle")
