"""An icon that ends leaves nothing behind, whatever it is doing."""

import threading

import pytest
from icon_menu import RED
from session_bus import BusClient, wait_until

from entrain.tray.statusnotifier.icon import Icon
from entrain.tray.statusnotifier.pystray_api import KeyedItem, Menu
from entrain.tray.statusnotifier.service import TrayService


def is_gone(client: BusClient) -> bool:
    return not any("StatusNotifierItem" in name for name in client.names())


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("tray")]


def test_stop_from_another_thread_leaves_nothing(tray, item, icon):
    icon.stop()
    icon.thread.join(5)
    assert not icon.thread.is_alive()
    assert threads() == []
    wait_until(lambda: is_gone(tray), "off the bus")


def test_stop_from_an_action_leaves_nothing(tray, item, icon):
    item.click("Quit")
    icon.thread.join(5)
    assert not icon.thread.is_alive()
    wait_until(lambda: is_gone(tray), "off the bus")


def test_stop_while_an_action_takes_long_takes_the_icon_away_at_once(tray, run):
    busy = threading.Event()
    icon = run(Icon("entrain", RED, "", Menu(KeyedItem("wait", "Wait", lambda: busy.wait(20)))))
    tray.item().click("Wait")
    icon.stop()
    wait_until(lambda: is_gone(tray), "off the bus")
    assert icon.thread.is_alive()
    busy.set()


def test_stop_before_run_ends_run_at_once(tray):
    icon = Icon("entrain", RED)
    icon.stop()
    icon.run()
    assert threads() == []


def test_stop_does_not_wait_for_a_bus_that_does_not_answer(bus, tray, item, icon):
    with bus.paused():
        icon.stop()
        icon.thread.join(5)
        assert not icon.thread.is_alive()


def test_detached_it_runs_on_a_thread_of_its_own(tray, state):
    icon = Icon("entrain", RED, "Entrain", state.menu())
    icon.run_detached()
    item = tray.item()
    item.click("Quit")
    wait_until(lambda: is_gone(tray), "off the bus")
    wait_until(lambda: threads() == [], "no thread")


def test_what_setup_does_counts(tray, run):
    ready = threading.Event()

    def setup(icon: Icon) -> None:
        icon.title = "from setup"
        ready.set()

    icon = run(Icon("entrain", RED), setup)
    item = tray.item()
    assert ready.wait(20)
    assert item["Status"] == "Passive"  # the setup did not show the icon
    icon.visible = True
    wait_until(lambda: item["Status"] == "Active", "visible")
    assert item["Title"] == "from setup"


def test_where_the_icon_cannot_go_on_run_raises_and_does_not_hang(monkeypatch):
    async def fail(_: TrayService) -> None:
        raise RuntimeError("no more")

    monkeypatch.setattr(TrayService, "_stay_connected", fail)
    with pytest.raises(RuntimeError, match="no more"):
        Icon("entrain", RED).run()
    assert threads() == []
