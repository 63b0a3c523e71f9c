"""The device that is played on, before a simulated sound system: no filter makes a circle."""

from dataclasses import replace

import pytest
from simulated_sound import DAC, HEADSET, SPEAKERS, lines

from entrain.platform.adapter import OWN_DEVICE
from entrain.platform.null import null_device
from entrain.ways import Way

EQUALIZER = null_device("equalizer", description="Equalizer")


def test_a_filter_that_leads_back_is_left_out_and_that_is_told(new):
    desk = new(EQUALIZER, SPEAKERS, on=True, chosen="equalizer")
    desk.native_ways = [Way("equalizer", OWN_DEVICE, 1, follows=True)]

    async def script() -> None:
        assert desk.device.target_name == "speakers"
        told = "Equalizer plays back into Entrain; Entrain plays on Speakers directly"
        assert desk.device.detour == told
        assert desk.device.heard_on == [SPEAKERS]
        assert desk.device.form == "speakers"

    desk.play(script)


def test_where_only_a_circle_is_left_it_plays_on_nothing(new):
    desk = new(EQUALIZER, on=True)
    desk.native_ways = [Way("equalizer", OWN_DEVICE, 1, follows=True)]

    async def script() -> None:
        assert desk.device.target_name == ""
        assert desk.device.detour == "Equalizer plays back into Entrain; connect another output"
        assert desk.device.heard_on == []

    desk.play(script)


def test_a_filter_that_can_be_pinned_stays_in_the_way(new):
    desk = new(EQUALIZER, SPEAKERS, on=True, chosen="equalizer")
    desk.native_ways = [Way("equalizer", OWN_DEVICE, 1, follows=True, movable=True)]

    async def script() -> None:
        assert desk.device.target_name == "equalizer"
        assert desk.backend.pins == [(1, "speakers")]
        assert desk.device.detour == "Equalizer plays on Speakers, not back into Entrain"
        assert (desk.device.heard_on, desk.device.form) == ([SPEAKERS], "speakers")

    desk.play(script)
    assert not lines(desk, "reroute")


def test_where_the_back_end_does_not_tell_of_filters_the_server_moves_them(new):
    desk = new(EQUALIZER, SPEAKERS, backend="pulse", on=True, chosen="equalizer")
    desk.server.made_ways = [Way("equalizer", OWN_DEVICE, 1, follows=True, movable=True)]

    async def script() -> None:
        assert desk.device.target_name == "equalizer"
        assert lines(desk, "reroute") == ["reroute 1 to speakers"]
        assert desk.backend.pins == []

    desk.play(script)


def test_a_bluetooth_device_is_not_named_after_its_owner(new):
    bluetooth = null_device("bluez_output.1", description="Anna's Ears")
    desk = new(EQUALIZER, bluetooth, on=True, chosen="equalizer")
    desk.native_ways = [Way("equalizer", OWN_DEVICE, 1, follows=True, movable=True)]

    async def script() -> None:
        told = "Equalizer plays on a Bluetooth device, not back into Entrain"
        assert desk.device.detour == told

    desk.play(script)


def test_headphones_behind_a_filter_are_heard_and_their_loss_makes_speakers_softer(new):
    desk = new(EQUALIZER, HEADSET, SPEAKERS, on=True, chosen="equalizer")
    desk.native_ways = [Way("equalizer", "headset", 1)]

    async def script() -> None:
        assert (desk.device.heard_on, desk.device.form) == ([HEADSET], "headphones")
        desk.native_ways = [Way("equalizer", "speakers", 1)]
        desk.server.remove_device("headset")
        await desk.rest()
        assert desk.device.softened is not None
        silent, again = (desk.events.index(f"target {name}") for name in ("", "equalizer"))
        assert silent < desk.events.index("volume speakers") < again

    desk.play(script)


def test_of_several_devices_one_that_mixes_both_ears_counts(new):
    desk = new(EQUALIZER, HEADSET, SPEAKERS, on=True, chosen="equalizer")
    desk.native_ways = [Way("equalizer", "headset", 1), Way("equalizer", "speakers", 2)]

    async def script() -> None:
        assert desk.device.heard_on == [HEADSET, SPEAKERS]
        assert desk.device.form == "speakers"

    desk.play(script)


@pytest.mark.parametrize(
    ("on", "mode", "in_use"),
    [
        (True, "default", {"dac"}),
        (True, "smart", {"dac"}),
        (True, "manual", {"dac", "speakers"}),
        (False, "default", {"dac", "speakers"}),
    ],
)
def test_sound_is_heard_on_the_default_output_too_unless_all_of_it_passes_entrain(
    new, on, mode, in_use
):
    desk = new(SPEAKERS, DAC, on=on, mode=mode, former="speakers", chosen="dac")

    async def script() -> None:
        desk.backend.tell(effective_default="speakers")
        assert desk.device._target.in_use == in_use

    desk.play(script)
    assert desk.device._target.in_use == set()


def test_it_follows_the_desktop_to_the_socket_that_is_in_use(new):
    unplugged = replace(HEADSET, headphones_in=False)
    desk = new(unplugged, SPEAKERS, DAC)

    async def script() -> None:
        best = desk.device._target.best
        assert best("") == "speakers"  # since no headphones are plugged in
        assert best("headset") == "headset"  # the default output all the same
        assert best("gone", ["headset"]) == "headset"  # the only device
        assert best("speakers", ["headset", "dac"]) == "dac"

    desk.play(script)
