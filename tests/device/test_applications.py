"""Tests on real servers which players are heard through Entrain."""

import pytest
from running_device import running_device

from entrain.platform.adapter import OWN_DEVICE
from entrain.vdevice.device.applications.rules import ApplicationRules


@pytest.fixture
def entrain(desktop):
    """Entrain is on, in default mode, and excludes a game."""
    with running_device(rules=ApplicationRules(exclude=("Game",))) as running:
        desktop.wait_for_default(OWN_DEVICE)
        yield running


def test_calls_notifications_and_excluded_programs_go_past_entrain(desktop, entrain):
    with (
        desktop.program("player", role="music"),
        desktop.program("phone", role="phone"),
        desktop.program("bell", role="event"),
        desktop.program("GAME"),
        desktop.program("libcanberra"),
    ):
        desktop.wait_for(
            player=OWN_DEVICE,
            phone="speakers",
            bell="speakers",
            GAME="speakers",
            libcanberra="speakers",
        )


def test_rules_can_change_while_programs_play(desktop, entrain):
    with desktop.program("phone", role="phone"), desktop.program("player"):
        desktop.wait_for(phone="speakers", player=OWN_DEVICE)
        entrain.call(entrain.device.set_rules(ApplicationRules(calls_pass=False)))
        desktop.wait_for(phone=OWN_DEVICE, player=OWN_DEVICE)
        entrain.call(entrain.device.set_rules(ApplicationRules(exclude=("pacat",))))
        desktop.wait_for(phone="speakers", player="speakers")


def test_what_goes_past_follows_the_target_and_leaves_no_trace(desktop, entrain):
    """Servers remember moves, but after Entrain has quit, no player's device has changed."""
    with desktop.program("game"):
        desktop.wait_for(game="speakers")
        entrain.call(entrain.device.choose("headphones"))
        desktop.wait_for(game="headphones")
        entrain.call(entrain.device.switch(False))
        desktop.wait_for_default("speakers")
        desktop.wait_for(game="speakers")
    entrain.close()

    desktop.choose_default("headphones")
    with desktop.program("game"):
        desktop.wait_for(game="headphones")
        desktop.choose_default("speakers")
        desktop.wait_for(game="speakers")


def test_quitting_leaves_no_trace(desktop, entrain):
    with desktop.program("phone", role="phone"):
        desktop.wait_for(phone="speakers")
        entrain.close()
        desktop.wait_for(phone="speakers")

    desktop.choose_default("headphones")
    with desktop.program("phone", role="phone"):
        desktop.wait_for(phone="headphones")


def test_a_program_moved_by_hand_is_left_alone(desktop, entrain):
    with desktop.program("game"):
        desktop.wait_for(game="speakers")
        desktop.drag("game", OWN_DEVICE)
        # When another player appears, Entrain checks all players again.
        with desktop.program("phone", role="phone"):
            desktop.wait_for(phone="speakers")
        entrain.call(entrain.device.choose("headphones"))
        with desktop.program("bell", role="event"):
            desktop.wait_for(bell="headphones")
        assert desktop.places()["game"] == OWN_DEVICE


def test_an_unplugged_target_takes_nobody_to_entrain(server, desktop, entrain):
    entrain.call(entrain.device.choose("headphones"))
    with desktop.program("game"):
        desktop.wait_for(game="headphones")
        server.remove_device("headphones")
        desktop.wait_for(game="speakers")


def test_in_manual_mode_included_programs_come_and_go_with_entrain(desktop):
    rules = ApplicationRules(include=("player",))
    with (
        running_device("manual", on=False, rules=rules) as entrain,
        desktop.program("player"),
        desktop.program("other"),
    ):
        desktop.wait_for(player="speakers", other="speakers")
        entrain.call(entrain.device.switch(True))
        desktop.wait_for(player=OWN_DEVICE, other="speakers")
        entrain.call(entrain.device.switch(False))
        desktop.wait_for(player="speakers", other="speakers")
        entrain.call(entrain.device.switch(True))
        desktop.wait_for(player=OWN_DEVICE)
        entrain.close()
        desktop.wait_for(player="speakers", other="speakers")
        desktop.choose_default("headphones")
        desktop.wait_for(player="headphones", other="headphones")


def test_an_included_program_that_has_ended_is_not_missed(desktop):
    """The server may remember Entrain as its device, but it plays on the default."""
    rules = ApplicationRules(include=("player",))
    with running_device("manual", rules=rules) as entrain:
        with desktop.program("player"):
            desktop.wait_for(player=OWN_DEVICE)
        entrain.call(entrain.device.switch(False))
        with desktop.program("player"):
            desktop.wait_for(player="speakers")
        entrain.call(entrain.device.switch(True))
        with desktop.program("player"):
            desktop.wait_for(player=OWN_DEVICE)
    with desktop.program("player"):
        desktop.wait_for(player="speakers")
