"""The search for a tray, in each state of the desktop."""

import asyncio
import socket
import sys
import threading
import time

import pytest
from session_bus import PrivateBus, wait_until
from tray_client import StubTray

from entrain.tray.icon.icon_class import icon_class
from entrain.tray.statusnotifier.host import TrayHost, find_host
from entrain.tray.statusnotifier.icon import Icon

PATIENCE_S = 10.0


def test_a_tray_that_shows_icons_is_found(tray):
    found = find_host(PATIENCE_S)
    assert (found.kind, found.has_bus, found.has_display) == ("statusnotifier", True, False)


def test_a_watcher_without_anyone_who_shows_icons_is_no_tray(bus):
    with StubTray(bus.address, has_host=False):
        found = find_host(PATIENCE_S)
    assert (found.kind, found.has_bus) == ("none", True)
    assert "no panel shows them" in found.reason


def test_a_bus_without_a_tray_is_told_from_no_bus(bus):
    found = find_host(PATIENCE_S)
    assert (found.kind, found.has_bus) == ("none", True)
    assert "AppIndicator" in found.reason


def test_the_bus_in_the_runtime_folder_is_found_without_a_variable(tray, monkeypatch):
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    assert find_host(PATIENCE_S).kind == "statusnotifier"


@pytest.mark.parametrize(
    "address",
    ["unix:path=/nonexistent/bus", "nonsense", "unix:", "autolaunch:", "unix:path=/dev/null"],
)
def test_a_dead_or_senseless_address_is_said_in_one_sentence(address, monkeypatch):
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    found = find_host(PATIENCE_S)
    assert (found.kind, found.has_bus) == ("none", False)
    assert "cannot be reached" in found.reason


def test_no_bus_at_all_is_said():
    assert find_host() == TrayHost("none", "There is no session bus, so no tray.", False, False)


def test_a_bus_that_does_not_answer_is_waited_for_no_longer_than_asked(bus: PrivateBus):
    with bus.paused():
        begin_s = time.monotonic()
        found = find_host(0.1)
        took_s = time.monotonic() - begin_s
    assert (found.kind, found.has_bus) == ("none", False)
    assert "does not answer" in found.reason
    assert took_s < 5  # D-Bus itself would wait for 25 s


def test_a_bus_that_talks_nonsense_is_no_bus(home, monkeypatch):
    def talk() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"?\r\n")
            connection.recv(100)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home / "bus"))
        listener.listen()
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={home / 'bus'}")
        server = threading.Thread(target=talk)
        server.start()
        found = find_host(PATIENCE_S)
        server.join()
    assert (found.kind, found.has_bus) == ("none", False)


def test_it_can_be_asked_beside_a_running_loop(tray):
    async def ask() -> TrayHost:
        return find_host(PATIENCE_S)

    assert asyncio.run(ask()).kind == "statusnotifier"


def test_asking_leaves_nothing_on_the_bus(tray):
    before = tray.names()
    find_host(PATIENCE_S)
    wait_until(lambda: tray.names() == before, "no new names on the bus")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have their own trays")
@pytest.mark.parametrize("kind", ["statusnotifier", "none"])
def test_where_there_is_no_tray_the_icon_is_the_one_that_waits_for_one(kind):
    assert icon_class(TrayHost(kind, "", True, True)) is Icon


def test_without_what_pystray_needs_for_an_old_tray_the_icon_waits(monkeypatch):
    for name in ("pystray._gtk", "pystray._appindicator"):
        monkeypatch.setitem(sys.modules, name, None)
    assert icon_class(TrayHost("xembed", "", True, True)) is Icon
