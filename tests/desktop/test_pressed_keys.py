"""From a pressed key to the sound: the running Entrain at a portal double."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from app import command
from listener import Listener, listening
from plain_user import running_bus, user
from portal_double import BACKGROUND, PortalDouble
from session_bus import PrivateBus, wait_until

pytestmark = [pytest.mark.device, pytest.mark.xdist_group("pressed_keys")]


@contextmanager
def listening_on_a_bus() -> Iterator[tuple[PrivateBus, Listener]]:
    with (
        user() as (server, folder, environment),
        running_bus(folder, starts_services=False) as bus,
        listening(server, environment | {"XDG_CURRENT_DESKTOP": "KDE"}) as listener,
    ):
        yield bus, listener


def report(listener: Listener) -> Any:
    return listener.entrain.status()["hotkeys"]


def test_pressed_keys_are_heard_also_after_a_restart_of_the_portal():
    with listening_on_a_bus() as (bus, listener):
        with PortalDouble(bus.address) as portal:
            assert portal.members() == []  # Entrain asks only on demand
            told = listener.entrain("hotkeys", "enable")
            assert "bypass    Press <Super>bypass" in told

            portal.press("bypass")
            listener.wait_for_tone("")
            portal.press("bypass")
            listener.wait_for_tone("Low tone")
            portal.press("next")
            listener.wait_for_tone("High tone")
            portal.press("undo")
            listener.wait_for_tone("Low tone")
            portal.press("faster")
            wait_until(lambda: "11 Hz" in portal.lines()[-1], "a line of status")
            portal.press("slower")
            wait_until(lambda: "10 Hz" in portal.lines()[-1], "the next line of status")
        wait_until(lambda: report(listener)["state"] in ("asking", "missing"), "the loss")
        listener.wait_for_tone("Low tone")
        with PortalDouble(bus.address) as again:
            wait_until(lambda: report(listener)["state"] == "bound", "bound again")
            again.press("bypass")
            listener.wait_for_tone("")

            listener.entrain("hotkeys", "disable")
            again.press("bypass")
            assert report(listener) == {"enabled": False, "state": "off", "reason": "", "keys": {}}
            assert listener.entrain.status()["bypass"]


def test_without_the_interface_enable_names_the_settings_of_this_desktop():
    with listening_on_a_bus() as (bus, listener), PortalDouble(bus.address, BACKGROUND):
        done = command(listener.entrain.environment, "hotkeys", "enable")
        assert done.returncode == 1
        assert "open System Settings, Shortcuts" in done.stderr
        assert not report(listener)["enabled"]
