"""Volumes before a simulated sound system: mirrored, turned down in time, and set back."""

import asyncio
from dataclasses import replace

import pytest
from simulated_sound import DAC, HEADSET, SPEAKERS, Desk, NewDesk, lines

from entrain.platform.adapter import OWN_DEVICE, Volume
from entrain.platform.null import null_device
from entrain.vdevice.device import volume_keeper
from entrain.vdevice.device.softened import SOFTER, Softened
from entrain.vdevice.device.unplugged import UnpluggedPolicy
from entrain.vdevice.device.volume_mirror import GRACE_S

SOFT = 0.8 * SOFTER


def headset_and_speakers(new: NewDesk, **options: object) -> Desk:
    """Return a desk on which Entrain plays on the headset."""
    return new(HEADSET, SPEAKERS, on=True, former="headset", **options)


# ---- the mirror ------------------------------------------------------------------------------


def test_entrain_shows_the_targets_volume_and_the_target_gets_entrains(new):
    desk = new()

    async def script() -> None:
        assert desk.level(OWN_DEVICE) == 0.8
        desk.server.turn("speakers", Volume((0.3, 0.4)))
        await desk.rest()
        assert desk.volume(OWN_DEVICE) == Volume((0.3, 0.4))
        await asyncio.sleep(GRACE_S)
        desk.server.turn(OWN_DEVICE, Volume((0.2, 0.1), muted=True))
        await desk.rest()
        assert desk.volume("speakers") == Volume((0.2, 0.1), muted=True)
        assert desk.volume("dac") == DAC.volume

    desk.play(script)


def test_another_target_keeps_its_volume_and_entrain_shows_that(new):
    desk = new()

    async def script() -> None:
        await asyncio.sleep(GRACE_S)
        await desk.device.choose("dac")
        await desk.rest()
        assert (desk.level("dac"), desk.level(OWN_DEVICE)) == (0.6, 0.6)
        assert desk.level("speakers") == 0.8

    desk.play(script)


def test_what_a_session_manager_restores_as_it_comes_back_is_not_taken_over(new, monkeypatch):
    desk = new()

    async def script() -> None:
        await asyncio.sleep(GRACE_S + 0.05)
        monkeypatch.setattr("entrain.vdevice.device.volume_mirror.GRACE_S", 20.0)
        desk.backend.tell(configured_default="", effective_default="")
        await desk.rest()
        desk.backend.tell(configured_default="speakers", effective_default="speakers")
        desk.server.turn(OWN_DEVICE, Volume((1.0, 1.0)))
        await desk.rest()
        assert (desk.level("speakers"), desk.level(OWN_DEVICE)) == (0.8, 0.8)

    desk.play(script)


# ---- headphones are unplugged ----------------------------------------------------------------


def test_speakers_are_softer_before_they_are_played_on(new):
    desk = headset_and_speakers(new)

    async def script() -> None:
        assert desk.device.softened is None
        desk.server.remove_device("headset")
        await desk.rest()
        assert desk.level("speakers") == pytest.approx(SOFT)
        assert desk.device.softened.device == "speakers"
        unplugged = desk.events[desk.events.index("target ") :]
        order = [
            unplugged.index(event) for event in ("saved", "volume speakers", "target speakers")
        ]
        assert order == sorted(order)
        assert ("speakers", "speakers") in desk.changes  # told while the old target was still set

    desk.play(script)


@pytest.mark.parametrize(
    ("on", "mode", "alone", "playing", "soft"),
    [
        (True, "default", False, 0, True),
        (True, "smart", False, 0, True),
        (True, "manual", False, 0, False),
        (True, "manual", False, 1, True),
        (True, "manual", True, 0, True),
        (False, "default", False, 1, False),
        (False, "manual", True, 1, False),
    ],
)
def test_speakers_are_softer_where_the_sound_goes_through_entrain(
    new, on, mode, alone, playing, soft
):
    desk = new(HEADSET, SPEAKERS, on=on, former="headset", mode=mode)
    desk.device.set_alone(alone)
    desk.facts = {"playing": playing}

    async def script() -> None:
        desk.server.remove_device("headset")
        await desk.rest()
        assert (desk.device.softened is not None) == soft
        assert desk.level("speakers") == pytest.approx(SOFT if soft else 0.8)

    desk.play(script)


def test_speakers_are_set_back_when_the_headphones_are_there_again(new, monkeypatch):
    monkeypatch.setattr("entrain.vdevice.device.unplugged.AWAY_S", 0.05)
    desk = headset_and_speakers(new)

    async def script() -> None:
        desk.server.remove_device("headset")
        await desk.rest()
        desk.server.add_device(HEADSET)
        await desk.rest()
        assert desk.device.target_name == "headset"
        assert desk.device.softened is None  # it is not heard
        assert desk.level("speakers") == pytest.approx(SOFT)
        async with asyncio.timeout(2):  # nothing happens, so it must wake up by itself
            while desk.level("speakers") < 0.79:
                await asyncio.sleep(0.01)

    desk.play(script)


def test_the_user_gets_them_back_with_the_choice_of_another_setting(new):
    desk = headset_and_speakers(new)

    async def script() -> None:
        desk.server.remove_device("headset")
        await desk.rest()
        told = len(desk.changes)
        await desk.device.set_unplugged("silent")
        assert desk.level("speakers") == pytest.approx(SOFT)
        await desk.device.set_unplugged("same")
        assert desk.level("speakers") == pytest.approx(0.8)
        assert desk.device.unplugged.setting == "same"
        assert len(desk.changes) > told

    desk.play(script)


@pytest.mark.parametrize(
    ("plays", "level"),
    [({"playing": 1}, SOFT), ({"state": "running"}, SOFT), ({}, 0.8)],
    ids=["through Entrain", "another app", "nothing"],
)
def test_at_the_end_speakers_are_set_back_unless_something_plays_there(new, plays, level):
    desk = headset_and_speakers(new)

    async def script() -> None:
        desk.server.remove_device("headset")
        await desk.rest()
        if "state" in plays:
            soft = desk.volume("speakers")
            desk.server.add_device(replace(SPEAKERS, volume=soft, state="running"))
        else:
            desk.backend.tell(**plays)
        await desk.rest()

    desk.play(script)

    assert desk.level("speakers") == pytest.approx(level)


def test_at_the_end_devices_that_were_not_turned_down_do_not_keep_others_soft(new):
    desk = new(HEADSET, DAC, SPEAKERS, on=True, former="headset", preferred=["headset", "speakers"])

    async def script() -> None:
        desk.server.remove_device("headset")
        await desk.rest()
        assert desk.level("speakers") == pytest.approx(SOFT)

    desk.play(script)

    assert desk.level("speakers") == pytest.approx(0.8)
    assert desk.level("dac") == 0.6


def test_it_is_not_played_on_before_the_softer_volume_holds(new, monkeypatch):
    """A server may take a moment; here the user sets the volume in its place."""
    monkeypatch.setattr(volume_keeper, "VOLUME_LOOKS", 500)
    desk = headset_and_speakers(new)

    async def script() -> None:
        desk.server.deaf = {"speakers"}
        desk.server.remove_device("headset")
        while "volume speakers" not in desk.events:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.03)
        assert "target speakers" not in desk.events
        desk.server.turn("speakers", Volume((SOFT, SOFT)))
        await desk.rest()
        assert "target speakers" in desk.events

    desk.play(script)


def test_a_server_that_never_sets_the_volume_is_not_waited_for_for_ever(new, monkeypatch):
    monkeypatch.setattr(volume_keeper, "VOLUME_LOOK_S", 0.002)
    desk = headset_and_speakers(new)

    async def script() -> None:
        desk.server.deaf = {"speakers"}
        desk.server.remove_device("headset")
        await desk.rest()
        assert desk.device.target_name == "speakers"

    desk.play(script)


def test_a_start_on_speakers_is_not_softer(new):
    desk = new(SPEAKERS, on=True)

    desk.play()

    assert not lines(desk, "volume speakers")


def test_speakers_that_take_over_while_the_server_restarts_are_softer_before_it_plays(
    new, monkeypatch
):
    monkeypatch.setattr("entrain.vdevice.device.reconnection.FIRST_PAUSE_S", 0.01)
    desk = headset_and_speakers(new)

    async def script() -> None:
        await desk.fail()
        desk.server.remove_device("headset")
        while len(desk.backends) < 2:
            await asyncio.sleep(0.002)
        await desk.rest()
        assert desk.events.index("volume speakers") < desk.events.index("open on speakers")
        assert desk.level("speakers") == pytest.approx(SOFT)

    desk.play(script)


def test_when_something_must_be_done_is_the_earlier_of_both_times():
    mirror, unplugged = volume_keeper.VolumeMirror(), UnpluggedPolicy()
    keeper = volume_keeper.VolumeKeeper(None, unplugged, lambda: None)  # type: ignore[arg-type]
    assert keeper.wake_s() is None

    keeper._mirror = mirror
    mirror.observe(Volume((1, 1)), Volume((0.5, 0.5)), "speakers", 100.0)
    at_s = mirror.wake_s()
    assert at_s is not None
    assert keeper.wake_s() == at_s
    unplugged._away_since_s["speakers"] = 1.0
    assert keeper.wake_s() == unplugged.wake_s() == 2.0


def test_of_several_speakers_behind_a_filter_the_first_that_is_softer_is_told():
    names = ("left", "right")
    entries = [Softened(device=name, before=(0.5,), after=(0.1,)) for name in names]
    devices = [null_device(name, channels=1, level=0.1, form="speakers") for name in names]
    keeper = volume_keeper.VolumeKeeper(
        None,  # type: ignore[arg-type]
        UnpluggedPolicy(entries=entries[1:]),
        lambda: None,
    )

    assert keeper.softened(devices) == entries[1]
    assert keeper.softened(devices[:1]) is None
