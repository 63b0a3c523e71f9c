"""The virtual device carries out what its policies decide, in the right order, and cleans up."""

import asyncio
import os
from dataclasses import replace

import pytest
from simulated_sound import DAC, HEADSET, SPEAKERS, end, lines

from entrain.backend import Phase
from entrain.errors import EntrainError
from entrain.platform.adapter import OWN_DEVICE, Stream
from entrain.vdevice.device import reconnection, virtual_device
from entrain.vdevice.device.applications.rules import ApplicationRules
from entrain.vdevice.device.sound_connection import NAME_TAKEN, UnknownOutput

BOTH = pytest.mark.parametrize("backend", ["pipewire", "pulse"])


# ---- on and off ------------------------------------------------------------------------------


@BOTH
def test_on_is_saved_before_entrain_becomes_the_default_and_off_gives_it_back(new, backend):
    desk = new(backend=backend)
    desk.server.configured = "dac"

    async def script() -> None:
        await desk.device.switch(True)
        await desk.rest()
        assert desk.device.on
        assert desk.server.configured == OWN_DEVICE
        assert desk.events[desk.events.index("default entrain") - 1] == "saved"
        assert desk.backend.former == "dac"
        assert desk.device.reason == ""
        await desk.device.switch(False, "enough")
        await desk.rest()
        assert not desk.device.on
        assert desk.server.configured == "dac"
        assert desk.device.reason == "enough"

    desk.play(script)


@BOTH
def test_at_the_end_the_former_default_is_the_default_again(new, backend):
    desk = new(backend=backend, on=True, former="dac")

    async def script() -> None:
        assert desk.server.configured == OWN_DEVICE

    desk.play(script)

    assert desk.server.configured == "dac"
    assert lines(desk, "default", "close")[-2:] == ["default dac", "close"]
    assert not any(connection.is_open for connection in desk.connections)
    assert not desk.backend.is_open


def test_where_nobody_had_chosen_a_default_nothing_is_configured_at_the_end(new):
    desk = new(on=True)

    desk.play()

    assert desk.server.configured == ""


def test_what_is_chosen_in_the_desktop_switches_on_and_off_with_its_reason(new):
    desk = new()

    async def script() -> None:
        desk.server.set_default(OWN_DEVICE)
        await desk.rest()
        assert desk.device.on
        desk.server.set_default("dac")
        await desk.rest()
        assert not desk.device.on
        assert desk.device.reason == "another output was chosen: dac"
        assert desk.backend.former == "dac"
        desk.server.set_default(OWN_DEVICE)
        await desk.rest()
        assert desk.device.reason == ""

    desk.play(script)


def test_the_back_end_is_told_of_smart_mode_and_of_sound_without_players_while_it_is_on(new):
    desk = new(mode="smart", on=True)
    desk.device.set_alone(True)

    async def script() -> None:
        assert (desk.backend.facts["smart"], desk.backend.alone) == (True, True)
        assert desk.device.plays_alone
        await desk.device.switch(False)
        assert (desk.backend.facts["smart"], desk.backend.alone) == (False, False)
        assert not desk.device.plays_alone
        await desk.device.switch(True)
        assert (desk.backend.facts["smart"], desk.backend.alone) == (True, True)
        await desk.device.set_mode("manual")
        assert (desk.backend.facts["smart"], desk.backend.alone) == (False, True)
        desk.device.set_alone(False)
        assert desk.backend.alone is False
        assert not lines(desk, "default")

    desk.play(script)


def test_another_mode_takes_and_gives_back_the_default(new):
    desk = new(mode="manual", on=True)
    desk.server.configured = "dac"

    async def script() -> None:
        assert desk.server.configured == "dac"
        await desk.device.set_mode("default")
        await desk.rest()
        assert desk.device.mode == "default"
        assert desk.server.configured == OWN_DEVICE
        await desk.device.set_mode("manual")
        await desk.rest()
        assert desk.server.configured == "dac"
        assert desk.device.on

    desk.play(script)


# ---- the device that is played on ------------------------------------------------------------


def test_the_chosen_device_comes_before_preferred_ones_and_those_before_the_desktops(new):
    desk = new(SPEAKERS, DAC, HEADSET, chosen="headset", preferred=["gone", "dac"])

    async def script() -> None:
        device = desk.device
        assert lines(desk, "open") == ["open on headset"]
        assert (device.chosen, device.preferred) == ("headset", ("gone", "dac"))
        await device.choose("")
        assert (device.target_name, device.target, device.chosen) == ("dac", DAC, "")
        await device.prefer(["headset", "dac", "headset"])
        assert (device.target_name, device.preferred) == ("headset", ("headset", "dac"))
        await device.prefer([])
        assert device.target_name == "speakers"
        desk.server.set_default("dac")
        await desk.rest()
        assert device.target_name == "dac"

    desk.play(script)


def test_who_chooses_a_device_that_is_not_there_is_told_which_ones_are(new):
    desk = new()

    async def script() -> None:
        with pytest.raises(UnknownOutput) as told:
            await desk.device.choose("headset")
        assert str(told.value) == "there is no output 'headset'; choose from speakers, dac"
        assert desk.device.chosen == ""
        assert [each.name for each in await desk.device.list_devices()] == ["speakers", "dac"]

    desk.play(script)


def test_a_device_that_was_chosen_and_is_away_may_be_chosen_again(new):
    desk = new(chosen="headset")

    async def script() -> None:
        await desk.device.choose("headset")
        assert desk.device.target_name == "speakers"
        desk.server.add_device(HEADSET)
        await desk.rest()
        assert desk.device.target_name == "headset"

    desk.play(script)


def test_it_plays_on_the_devices_that_are_there(new):
    desk = new(SPEAKERS, DAC)

    async def script() -> None:
        desk.server.remove_device("speakers")
        await desk.rest()
        assert desk.device.target_name == "dac"
        desk.server.remove_device("dac")
        await desk.rest()
        assert desk.device.target is None
        assert desk.device.form == "unknown"
        assert desk.device.state.phase == Phase.WAITING
        assert desk.backend.facts["target"] == "dac"  # it waits for that one
        desk.server.add_device(HEADSET)
        await desk.rest()
        assert (desk.device.target_name, desk.device.form) == ("headset", "headphones")
        assert desk.device.heard_on == [HEADSET]

    desk.play(script)
    assert ("headset", "headphones") in desk.changes


def test_the_desktop_would_not_take_headphones_that_are_not_plugged_in(new):
    socket = replace(HEADSET, headphones_in=False)
    desk = new(socket, DAC, on=True)

    async def script() -> None:
        assert desk.device.target_name == "dac"
        desk.server.add_device(replace(socket, headphones_in=True))
        await desk.rest()
        assert desk.device.target_name == "headset"

    desk.play(script)


def test_where_a_required_device_is_missing_it_ends_without_a_trace(new):
    desk = new(required="headset", chosen="headset", on=True)

    with pytest.raises(UnknownOutput, match="there is no output 'headset'"):
        desk.play()

    assert not desk.is_ready.is_set()
    assert not lines(desk, "default")
    assert not desk.connections[-1].is_open
    assert desk.told == []


def test_a_required_device_is_required_at_the_start_alone(new, monkeypatch):
    monkeypatch.setattr(reconnection, "FIRST_PAUSE_S", 0.01)
    desk = new(SPEAKERS, HEADSET, required="headset", chosen="headset")

    async def script() -> None:
        desk.server.remove_device("headset")
        await desk.rest()
        await desk.fail()
        while len(desk.backends) < 2:
            await asyncio.sleep(0.002)
        await desk.rest()
        assert desk.device.target_name == "speakers"

    desk.play(script)


# ---- connections -----------------------------------------------------------------------------


def test_a_lost_server_is_told_and_connected_to_anew(new, monkeypatch):
    monkeypatch.setattr(reconnection, "FIRST_PAUSE_S", 0.02)
    desk = new(on=True, latency_ms=7.0)

    async def script() -> None:
        assert desk.backend.latency_ms == 7.0
        await desk.fail()
        assert desk.device.retry_at_s is not None
        while desk.device.trouble:
            await asyncio.sleep(0.002)
        await desk.rest()
        assert desk.device.retry_at_s is None
        assert desk.server.configured == OWN_DEVICE
        assert desk.device.target_name == "speakers"
        assert [connection.is_open for connection in desk.connections] == [False, True]
        assert [backend.is_open for backend in desk.backends] == [False, True]
        assert desk.backend.latency_ms == 7.0

    desk.play(script)
    assert desk.told == ["the sound server has died; trying again"]
    assert desk.times_ready == 1


def test_where_no_server_answers_it_goes_on_trying(new, monkeypatch):
    monkeypatch.setattr(reconnection, "FIRST_PAUSE_S", 0.01)
    desk = new()
    desk.refuses = True

    async def come() -> None:
        while desk.device.trouble != "no sound server answers":
            await asyncio.sleep(0.002)
        assert desk.device.state is None
        assert desk.device.devices == []
        desk.refuses = False

    async def play() -> None:
        coming = asyncio.create_task(come())
        life = asyncio.create_task(desk.device.live(desk.is_ready.set))
        async with asyncio.timeout(5):
            await desk.is_ready.wait()
        await end(life)
        await coming

    asyncio.run(play())


def test_pauses_grow_up_to_a_limit_and_begin_anew_after_a_success(monkeypatch):
    pauses: list[float] = []
    notes: list[str] = []

    async def sleep(pause_s: float) -> None:
        pauses.append(pause_s)

    monkeypatch.setattr(reconnection.asyncio, "sleep", sleep)
    tries = reconnection.Reconnection(notes.append)

    async def live_once() -> None:
        if len(pauses) == 7:
            tries.succeeded()
            assert (tries.trouble, tries.retry_at_s) == ("", None)
        if len(pauses) == 9:
            raise UnknownOutput
        raise EntrainError("gone")

    with pytest.raises(UnknownOutput):
        asyncio.run(tries.keep_up(live_once, UnknownOutput))

    assert pauses == [0.25, 0.5, 1, 2, 4, 4, 4, 0.25, 0.5]
    assert notes == ["gone; trying again", "gone; trying again"]  # the second after the success


def test_a_server_without_a_session_manager_makes_no_device_and_that_is_told(new, monkeypatch):
    monkeypatch.setattr(virtual_device, "CONNECT_TIMEOUT_S", 0.05)
    monkeypatch.setattr(reconnection, "FIRST_PAUSE_S", 0.01)
    desk = new()
    desk.makes_device = False

    async def play() -> None:
        life = asyncio.create_task(desk.device.live(desk.is_ready.set))
        async with asyncio.timeout(5):
            while not desk.device.trouble:
                await asyncio.sleep(0.002)
        await end(life)

    asyncio.run(play())

    told = "the sound server creates no output for Entrain; check its session manager"
    assert desk.told == [f"{told}; trying again"]
    assert not desk.is_ready.is_set()


def test_where_another_device_has_entrains_name_the_default_is_given_back(new, monkeypatch):
    monkeypatch.setattr(reconnection, "FIRST_PAUSE_S", 5.0)
    desk = new(on=True, former="dac")

    async def script() -> None:
        desk.server.add_device(replace(desk.own, own=False))
        while not desk.device.trouble:
            await asyncio.sleep(0.002)
        assert desk.device.trouble == NAME_TAKEN
        assert desk.server.configured == "dac"

    desk.play(script)


@BOTH
def test_on_pipewire_a_second_entrain_is_refused_and_on_pulseaudio_what_is_left_is_told(
    new, backend, monkeypatch
):
    monkeypatch.setattr(reconnection, "FIRST_PAUSE_S", 5.0)
    desk = new(backend=backend)
    desk.server.add_device(replace(desk.own, owner=1))

    async def play() -> None:
        life = asyncio.create_task(desk.device.live(desk.is_ready.set))
        async with asyncio.timeout(5):
            while not desk.told:
                await asyncio.sleep(0.002)
        await end(life)

    asyncio.run(play())

    told = {
        "pipewire": "another Entrain (process 1) uses this sound server; trying again",
        "pulse": "removed the output of an earlier Entrain that did not end properly",
    }
    assert desk.told == [told[backend]]
    assert len(desk.backends) == (1 if backend == "pulse" else 0)


@pytest.mark.parametrize("owner", [None, os.getpid()], ids=["not told", "this process"])
def test_a_device_of_this_process_is_no_second_entrain(new, owner):
    desk = new()
    desk.server.add_device(replace(desk.own, owner=owner))

    desk.play()

    assert desk.told == []


def test_the_audio_thread_gets_priority_and_the_guardian_a_group_of_its_own(new):
    desk = new()
    desk.facts = {"audio_thread": 7, "realtime": False, "guardian": 9}

    async def script() -> None:
        while len(desk.favours) < 2:
            await asyncio.sleep(0.002)
        desk.backend.tell(guardian=0)
        await desk.rest()
        desk.backend.tell(guardian=11)
        while len(desk.favours) < 3:
            await asyncio.sleep(0.002)
        desk.backend.tell()
        await desk.rest()

    desk.play(script)

    assert sorted(desk.favours) == ["group 11", "group 9", "realtime 7"]


@pytest.mark.parametrize("facts", [{"audio_thread": 7, "realtime": True}, {"realtime": False}])
def test_a_thread_that_has_priority_or_is_not_known_gets_none(new, facts):
    desk = new()
    desk.facts = facts

    desk.play()

    assert desk.favours == []


# ---- apps ------------------------------------------------------------------------------------


CALL = Stream(1, OWN_DEVICE, name="Zoom")
MUSIC = Stream(2, OWN_DEVICE, name="Player")


def test_a_call_passes_entrain_and_follows_the_default_again_at_the_end(new):
    desk = new(on=True, former="dac")

    async def script() -> None:
        assert desk.connections[-1].watches_streams
        desk.server.add_stream(CALL)
        desk.server.add_stream(MUSIC)
        await desk.rest()
        assert [stream.device for stream in desk.server.streams()] == ["dac", OWN_DEVICE]

    desk.play(script)

    assert lines(desk, "move") == ["move 1 to dac", "move 1 to dac"]
    given_back = desk.events.index("default dac")
    assert desk.events.index("move 1 to dac", given_back) > given_back


def test_streams_are_watched_only_where_one_may_have_to_be_moved(new):
    nothing_passes = ApplicationRules(calls_pass=False, notifications_pass=False)
    desk = new(on=True, rules=nothing_passes)

    async def script() -> None:
        assert not desk.connections[-1].watches_streams
        await desk.device.set_rules(ApplicationRules(exclude=("Player",)))
        await desk.rest()
        assert desk.connections[-1].watches_streams
        desk.server.add_stream(MUSIC)
        await desk.rest()
        assert lines(desk, "move") == ["move 2 to speakers"]
        assert desk.device.rules.exclude == ("Player",)

    desk.play(script)


def test_two_streams_of_one_app_come_back_together(new):
    desk = new(on=True)

    async def script() -> None:
        desk.server.add_stream(CALL)
        desk.server.add_stream(replace(CALL, index=3))
        await desk.rest()
        assert {stream.device for stream in desk.server.streams()} == {"speakers"}
        await desk.device.set_rules(ApplicationRules(calls_pass=False))
        await desk.rest()
        assert {stream.device for stream in desk.server.streams()} == {OWN_DEVICE}

    desk.play(script)


def test_on_pulseaudio_streams_are_always_watched(new):
    desk = new(backend="pulse", rules=ApplicationRules(calls_pass=False, notifications_pass=False))

    async def script() -> None:
        assert desk.connections[-1].watches_streams

    desk.play(script)
