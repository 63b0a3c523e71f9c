"""The icon's shortcuts: asked for only on demand, and carried out like clicks."""

import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from portal_double import PortalDouble
from session_bus import PATIENCE_S, wait_until

from entrain.tray.icon import tray_icon
from entrain.tray.icon.hotkeys import OFFERED, Hotkeys
from entrain.tray.icon.menu_items import Ask
from entrain.tray.portal import binding
from entrain.vdevice.api import messages


class Icon:
    """The icon's worker: a status in, requests out."""

    def __init__(self) -> None:
        self.sent: queue.SimpleQueue[Ask] = queue.SimpleQueue()
        self.hotkeys = Hotkeys(self.sent.put)

    def take(self, enabled: bool, state: str = "off", title: str = "Entrain: on") -> None:
        wish: Any = {"hotkeys": {"enabled": enabled, "state": state}}
        self.hotkeys.take(wish, title)

    def next_report(self) -> str:
        """Return the state in the next report."""
        return str(self.next().fields["report"]["state"])  # type: ignore[index]

    def next(self) -> Ask:
        return self.sent.get(timeout=PATIENCE_S)


@pytest.fixture
def icon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Icon]:
    monkeypatch.setattr(binding, "FIRST_PAUSE_S", 0.05)
    icon = Icon()
    yield icon
    icon.hotkeys.close()


def bind(icon: Icon) -> None:
    icon.take(enabled=True)
    assert [icon.next_report(), icon.next_report()] == ["asking", "bound"]


def test_it_costs_nothing_until_the_user_wishes_it():
    code = """
import sys
from entrain.tray.icon import tray_icon
from entrain.tray.icon.hotkeys import Hotkeys
Hotkeys(print).take({"hotkeys": {"enabled": False, "state": "off"}}, "")
sys.exit(any(name.startswith(("entrain.tray.portal", "dbus_fast")) for name in sys.modules))
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_pressed_key_is_sent_as_the_request_of_its_shortcut(portal, icon):
    bind(icon)

    for name, (_, _, request) in OFFERED.items():
        portal.press(name)
        assert icon.next() == request


def test_a_status_with_the_wish_starts_it_once(portal, icon):
    bind(icon)
    icon.take(enabled=True, state="bound")
    icon.take(enabled=True, state="bound", title="Entrain: off\nhere")

    wait_until(lambda: portal.lines()[-1:] == ["off · here"], "the title")
    assert len(portal.sessions) == 1


def test_an_app_that_has_lost_the_report_gets_it_again(portal, icon):
    bind(icon)

    icon.take(enabled=True, state="off")

    assert icon.next_report() == "bound"


def test_a_wish_that_is_repeated_after_a_failure_is_tried_again(portal, icon):
    portal.create = (2, {})
    icon.take(enabled=True)
    assert [icon.next_report(), icon.next_report()] == ["asking", "failed"]
    first = portal.calls[-1].sender
    portal.create = (0, {})

    icon.take(enabled=True, state="off")

    wait_until(lambda: icon.next_report() == "bound", "bound")
    assert portal.calls[-1].sender != first


def test_without_the_wish_the_connection_ends(bus, portal, icon):
    bind(icon)
    sender = portal.calls[0].sender

    icon.take(enabled=False)

    wait_until(lambda: sender not in portal.names(), "off the bus")
    bind(icon)


def test_the_close_of_the_icon_gives_them_back(portal, icon):
    bind(icon)
    sender = portal.calls[0].sender

    icon.hotkeys.close()

    wait_until(lambda: sender not in portal.names(), "off the bus")


def test_a_busy_icon_drops_keys_but_no_report(tmp_path, serve):
    path = tmp_path / "r" / "control.sock"
    server = serve(path, lambda request: messages.Values(values={}))
    news: Any = queue.SimpleQueue()
    ended = threading.Event()
    worker = tray_icon.Worker(path, news, tray_icon.View(object, print), print)
    worker._take = lambda status: None if status else ended.set()  # type: ignore[method-assign]
    for _ in range(2 * tray_icon.MAX_WAITING):
        worker._pressed(OFFERED["undo"][2])
    for state in ("asking", "bound"):
        worker._pressed(Ask("hotkeys", {"report": {"state": state, "reason": "", "keys": {}}}))
    news.put(None)

    worker._work(ended)

    commands = [each.command for each in server.requests]
    assert commands == ["undo"] * tray_icon.MAX_WAITING + ["hotkeys"]
    assert server.requests[-1].report.state == "bound"


def test_a_desktop_without_a_portal_is_reported(bus, icon):
    with PortalDouble(bus.address, "org.example.Nothing"):
        icon.take(enabled=True)
        assert icon.next_report() == "missing"
