"""Headphones and speakers as sockets of one device, and the volume of each."""

from dataclasses import replace

import pytest
from unplugged_desk import Card, headset_and_speakers, volume

from entrain.vdevice.device.softened import SOFTER
from entrain.vdevice.device.unplugged import SETTLE_S


@pytest.mark.parametrize("keeps", [True, False])
def test_a_socket_without_headphones_is_softer_and_with_them_as_before(keeps):
    card = Card(keeps=keeps)
    before = card.insert("headphones", told=True).channels[0]
    speakers = 0.8 if keeps else before
    for _ in range(3):
        assert card.insert("speakers", told=False) == volume(pytest.approx(speakers * SOFTER))
        card.look_twice()
        assert card.softened
        card.insert("headphones", told=True)
        card.look_twice()
        assert card.volume("card") == volume(before)
    card.insert("speakers", told=False)
    card.confirm()
    assert card.volume("card") == volume(speakers)


def test_a_volume_of_the_socket_that_comes_late_is_not_softened_twice():
    card = Card(keeps=False)
    card.insert("headphones", told=True)
    card.set("card", volume(1.0))
    card.insert("speakers", told=False)
    card.look_twice()
    soft = card.volume("card")
    card.insert("headphones", told=True)
    card.set("card", volume(0.9))
    card.look_twice()
    card.insert("speakers", told=False)
    card.set("card", soft)  # the volume that the server has kept for the speakers
    card.look(SETTLE_S / 2)
    card.look_twice()

    assert card.volume("card") == soft
    card.confirm()
    assert card.volume("card") == volume(1.0)


def test_a_socket_that_the_user_has_chosen_keeps_its_volume():
    card = Card()
    card.insert("headphones", told=True)

    assert card.insert("speakers", told=True) == volume(0.8)


def test_headphones_that_are_a_device_of_their_own_are_gone_when_the_socket_is_empty():
    desk = headset_and_speakers()
    desk.devices["headset"] = replace(desk.devices["headset"], headphones_in=False)

    assert desk.play_on("speakers") == volume(0.8 * SOFTER)
