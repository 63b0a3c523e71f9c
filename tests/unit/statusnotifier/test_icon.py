"""The icon on a private bus, seen from the tray's side."""

import threading
import time
from pathlib import Path

import pytest
import session_bus
from dbus_fast import DBusError, Variant
from icon_menu import GREEN, RED
from session_bus import BUS, BusClient, wait_until
from tray_client import StubNotifications, StubTray

from entrain.tray.statusnotifier.icon import Icon
from entrain.tray.statusnotifier.pystray_api import KeyedItem, Menu
from entrain.tray.statusnotifier.service import UPDATE_INTERVAL_S


def settle() -> None:
    """Wait until signals about earlier changes have passed."""
    time.sleep(2.5 * UPDATE_INTERVAL_S)


# ---- what a tray sees ----------------------------------------------------------------------


def test_a_tray_sees_icon_words_and_menu(item):
    wait_until(lambda: item["Status"] == "Active", "visible")
    assert item["Id"] == "entrain"
    assert item["Category"] == "ApplicationStatus"
    assert item["Title"] == item["IconAccessibleDesc"] == "Entrain: idle"
    assert item["ToolTip"] == ("", [], "Entrain: idle", "")
    assert item["IconPixmap"] == [(22, 22, b"\xff\xff\0\0" * 22 * 22)]
    assert item["ItemIsMenu"] is False
    assert item.labels() == ["Bypass", "Protocols", "alpha", "beta", "Thread", "Fail", "Quit"]
    assert [line.is_separator for line in item.menu().children].index(True) == 1


def test_every_property_can_be_read_at_once(item):
    properties = (item.name, "/StatusNotifierItem", "org.freedesktop.DBus.Properties")
    values = item.client.call(properties, "GetAll", "s", "org.kde.StatusNotifierItem")
    assert {"Id", "IconPixmap", "Menu", "ToolTip", "WindowId"} <= set(values)
    menu = (item.name, "/MenuBar", "org.freedesktop.DBus.Properties")
    assert item.client.call(menu, "GetAll", "s", "com.canonical.dbusmenu")["Version"].value == 3


def test_a_change_of_the_icon_is_told_and_seen(item, icon):
    settle()
    item.client.forget()
    icon.icon = [GREEN, GREEN.resize((48, 48))]

    wait_until(lambda: item.client.heard("NewIcon"), "NewIcon")
    assert [width for width, _, _ in item["IconPixmap"]] == [22, 48]
    assert {message.member for message in item.client.heard()} == {"NewIcon"}


def test_a_name_in_the_theme_goes_with_the_image(item, icon):
    icon.icon_theme_path = "/some/folder"
    icon.icon_name = "entrain-on"
    wait_until(lambda: item["IconName"] == "entrain-on", "name")
    assert item["IconThemePath"] == "/some/folder"


def test_more_lines_of_the_title_are_for_the_tooltip(item, icon):
    icon.title = "Entrain: on\nGamma <40 Hz>\n3 minutes left"
    wait_until(lambda: item["Title"] == "Entrain: on", "title")
    assert item["ToolTip"] == ("", [], "Entrain: on", "Gamma &lt;40 Hz&gt;\n3 minutes left")
    assert item["IconAccessibleDesc"] == "Entrain: on, Gamma <40 Hz>, 3 minutes left"
    assert item.client.heard("NewTitle")
    assert item.client.heard("NewToolTip")


def test_hidden_is_passive(item, icon):
    wait_until(lambda: item["Status"] == "Active", "visible")
    icon.visible = False
    wait_until(lambda: item["Status"] == "Passive", "hidden")
    assert item.client.heard("NewStatus")[-1].body == ["Passive"]


# ---- changes of the menu -------------------------------------------------------------------


def test_new_words_and_marks_are_told_in_place(item, icon, state):
    settle()
    before = item.menu()
    item.client.forget()
    state.text, state.checked = "Bypass (12 min)", True
    icon.update_menu()

    (told,) = wait_until(lambda: item.client.heard("ItemsPropertiesUpdated"), "an update")
    number = before.find("Bypass").id
    changed = {"label": Variant("s", "Bypass (12 min)"), "toggle-state": Variant("i", 1)}
    assert told.body == [[(number, changed)], []]
    settle()
    assert not item.client.heard("LayoutUpdated")
    assert item.menu().find("Bypass (12 min)").id == number
    assert [line.id for line in item.menu().walk()] == [line.id for line in before.walk()]


def test_a_new_structure_is_told_with_a_revision_and_what_stays_keeps_its_number(item, icon, state):
    before = item.menu()
    item.client.forget()
    state.protocols = ["gamma", "beta"]
    icon.update_menu()

    (told,) = wait_until(lambda: item.client.heard("LayoutUpdated"), "a new layout")
    after = item.menu()
    revision, parent = told.body
    assert parent == before.find("Protocols").id
    assert item.client.call(item.menu_service, "GetLayout", "iias", 0, 1, [])[0] == revision
    assert after.find("beta").id == before.find("beta").id
    assert after.find("gamma").id not in {line.id for line in before.walk()}


def test_what_did_not_change_is_not_told(item, icon):
    settle()
    item.client.forget()
    for _ in range(100):
        icon.update_menu()
        icon.icon = RED.copy()
        icon.title = "Entrain: idle"
    settle()
    assert item.client.heard() == []


def test_a_storm_of_changes_becomes_two_updates_a_second(item, icon, state):
    settle()
    item.client.forget()
    begin_s = time.monotonic()
    for n in range(1000):
        state.text, icon.title = f"change {n}", f"Entrain: {n}"
        icon.icon = RED if n % 2 else GREEN
        icon.update_menu()
        time.sleep(0.002)
    wait_until(lambda: "change 999" in item.labels(), "the last change")
    took_s = time.monotonic() - begin_s

    for member in ("ItemsPropertiesUpdated", "NewIcon", "NewTitle", "NewToolTip"):
        assert 1 <= len(item.client.heard(member)) <= 2 + took_s / UPDATE_INTERVAL_S
    assert not item.client.heard("LayoutUpdated")
    wait_until(lambda: item["Title"] == "Entrain: 999", "the last title")


def test_a_menu_that_cannot_be_made_leaves_the_last_one(item, icon, state, caplog):
    settle()
    state.protocols = None
    icon.update_menu()
    wait_until(lambda: "cannot be made" in caplog.text, "a line in the log")
    assert "alpha" in item.labels()
    assert "Traceback" not in caplog.text

    state.protocols = ["back"]
    icon.update_menu()
    wait_until(lambda: "back" in item.labels(), "the menu")


# ---- clicks --------------------------------------------------------------------------------


def test_a_click_on_a_line_does_it_on_the_thread_of_run(item, icon, state):
    item.click("Thread")
    item.click("beta")
    item.click("alpha")
    wait_until(lambda: len(state.done) == 3, "three actions")
    assert state.done == [icon.thread.ident, "beta", "alpha"]


def test_a_click_on_the_icon_does_the_default_and_its_mark_follows(item):
    item.activate()
    wait_until(lambda: item.menu().find("Bypass").is_checked, "the mark")
    item.activate()
    wait_until(lambda: item.menu().find("Bypass").is_checked is False, "no mark")


def test_without_a_default_a_click_on_the_icon_is_refused_so_that_the_tray_opens_the_menu(
    tray, run
):
    run(Icon("entrain", RED, "", Menu(KeyedItem("a", "a", None))))
    item = tray.item()
    wait_until(item.labels, "a menu")
    with pytest.raises(DBusError, match="has no effect"):
        item.activate()


def test_an_action_that_fails_is_one_line_in_the_log_and_the_icon_lives(item, state, caplog):
    item.click("Fail")
    item.click("beta")
    wait_until(lambda: state.done == ["beta"], "the next action")
    (record,) = (record for record in caplog.records if "failed" in record.message)
    assert "ZeroDivisionError" in record.message
    assert record.exc_info is None


def test_while_an_action_takes_long_the_menu_answers_and_too_many_clicks_are_lost(
    tray, run, caplog
):
    busy, done = threading.Event(), []

    def wait() -> None:
        done.append(None)
        busy.wait(20)

    icon = run(Icon("entrain", RED, "", Menu(KeyedItem("wait", "Wait", wait))))
    item = tray.item()
    for _ in range(100):
        item.click("Wait")
    icon.title = "still here"
    wait_until(lambda: item["Title"] == "still here", "the title")
    busy.set()
    wait_until(lambda: len(done) > 1, "the clicks that waited")
    settle()
    assert len(done) <= 17
    assert "ignores a click" in caplog.text


# ---- invalid requests ----------------------------------------------------------------------


def test_nonsense_is_refused_and_hurts_nothing(item, state, caplog):
    call, menu, empty = item.client.call, item.menu_service, Variant("s", "")
    last = 2**31 - 1
    for arguments in [
        ("GetLayout", "iias", 999, -1, []),
        ("GetLayout", "iias", -1, 0, []),
        ("GetProperty", "is", 999, "label"),
        ("GetProperty", "is", 1, "no-such-property"),
        ("Event", "isvu", last, "clicked", empty, 0),
        ("EventGroup", "a(isvu)", [(last, "clicked", empty, 0)] * 1000),
        ("AboutToShow", "i", 999),
        ("AboutToShowGroup", "ai", [998, 999]),
        ("Event", "s", "clicked"),
        ("GetLayout", ""),
        ("NoSuchMethod", ""),
    ]:
        with pytest.raises(DBusError):
            call(menu, *arguments)
    for arguments in [("Activate", "ss", "a", "b"), ("Activate", "i", 1), ("NoSuch", "")]:
        with pytest.raises(DBusError):
            call(item.service, *arguments)

    bypass, separator = item.menu().children[:2]
    for kind in ("hovered", "opened", "closed", "", "x" * 100_000):
        item.event(bypass.id, kind)
    item.event(separator.id)
    item.event(0)
    events = [(bypass.id, "opened", empty, 0), (77, "", empty, 0)]
    assert call(menu, "EventGroup", "a(isvu)", events) == [77]
    assert call(menu, "AboutToShowGroup", "ai", [bypass.id, 77]) == [[], [77]]
    assert call(menu, "AboutToShow", "i", 0) is False
    assert len(call(menu, "GetGroupProperties", "aias", [bypass.id, 77] * 10_000, ["label"])) == 1
    assert call(menu, "GetProperty", "is", bypass.id, "label").value == "Bypass"
    for member, signature, *body in [
        ("ContextMenu", "ii", 0, 0),
        ("SecondaryActivate", "ii", 0, 0),
        ("Scroll", "is", 120, "vertical"),
    ]:
        assert call(item.service, member, signature, *body) == []

    assert item.labels()[0] == "Bypass"
    assert not state.checked
    assert not caplog.records


def test_a_part_of_the_menu_can_be_asked_for(item):
    assert item.menu(depth=0).children == ()
    assert item.menu(depth=1).find("Protocols").children == ()
    protocols = item.menu().find("Protocols")
    assert item.menu(protocols.id) == protocols


# ---- trays that come and go ----------------------------------------------------------------


def test_a_tray_that_comes_later_gets_the_icon(bus, run, state):
    run(Icon("entrain", RED, "Entrain", state.menu()))
    with BusClient(bus.address) as client:
        wait_until(lambda: any("StatusNotifierItem" in name for name in client.names()), "item")
        with StubTray(bus.address) as tray:
            assert tray.item()["Title"] == "Entrain"


def test_a_tray_that_comes_back_gets_the_icon_once_each_time(bus, run, state):
    icon = run(Icon("entrain", RED, "Entrain", state.menu()))
    for n in range(3):
        with StubTray(bus.address) as tray:
            item = tray.item()
            icon.title = f"Entrain {n}"
            wait_until(lambda n=n, item=item: item["Title"] == f"Entrain {n}", "the title")
            assert len(tray.registered) == 1


def test_two_icons_of_one_process_are_two(tray, run):
    for name in ("one", "two"):
        run(Icon(name, RED, name))
    wait_until(lambda: len(set(tray.registered)) == 2, "both")


# ---- no bus, a bus that dies ---------------------------------------------------------------


@pytest.mark.parametrize("address", [None, "unix:path=/nonexistent/bus", "nonsense"])
def test_without_a_bus_it_says_so_once_and_waits_in_silence(address, run, monkeypatch, caplog):
    caplog.set_level("INFO")
    if address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    icon = run(Icon("entrain", RED))
    wait_until(lambda: "no session bus" in caplog.text, "a line")
    time.sleep(1.5)  # time for the first new attempt
    icon.title = "other"
    icon.stop()
    icon.thread.join(5)
    assert not icon.thread.is_alive()
    assert len(caplog.records) == 1
    assert "Traceback" not in caplog.text


def test_a_bus_that_dies_and_comes_back_has_the_icon_again(bus, run, state, caplog):
    caplog.set_level("INFO")
    icon = run(Icon("entrain", RED, "Entrain", state.menu()))
    with StubTray(bus.address) as tray:
        tray.item()
    bus.stop()
    icon.title = "changed meanwhile"
    wait_until(lambda: "no session bus" in caplog.text, "a line")
    Path(bus.address.removeprefix("unix:path=")).unlink(missing_ok=True)
    bus.start()
    with StubTray(bus.address) as tray:
        item = tray.item()
        assert item["Title"] == "changed meanwhile"
        item.click("beta")
        wait_until(lambda: state.done == ["beta"], "the action")
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.exc_info]
    assert sum("no session bus" in line for line in caplog.messages) == 1


# ---- at rest -------------------------------------------------------------------------------


def switches(thread: threading.Thread) -> int:
    status = Path(f"/proc/self/task/{thread.native_id}/status").read_text(encoding="ascii")
    return sum(int(line.split()[1]) for line in status.splitlines() if "ctxt_switches" in line)


def test_at_rest_nothing_wakes_up(item, icon):
    settle()
    mine = [icon.thread, *(t for t in threading.enumerate() if t.name == "tray-dbus")]
    before = [switches(thread) for thread in mine]
    time.sleep(2)
    assert [switches(thread) for thread in mine] == before
    assert len(mine) == 2


# ---- notifications -------------------------------------------------------------------------


def test_a_notification_is_shown_and_removed(bus, item, icon):
    daemon = StubNotifications(bus.address)
    icon.notify("The headphones are gone. <b>\0", "Entrain")
    wait_until(lambda: len(daemon.calls) == 1, "Notify")
    icon.remove_notification()
    wait_until(lambda: len(daemon.calls) == 2, "CloseNotification")
    daemon.close()
    (notify, body), (close, number) = daemon.calls
    assert (notify, close, number) == ("Notify", "CloseNotification", [1])
    assert (body[0], body[3], body[4]) == (
        "Entrain",
        "Entrain",
        "The headphones are gone. &lt;b&gt;",
    )


def test_without_anyone_who_shows_notifications_nothing_happens(item, icon, caplog):
    icon.notify("text")
    icon.remove_notification()
    item.client.call(BUS, "GetId")
    assert item["Id"] == "entrain"
    assert not caplog.records


def test_the_waits_of_these_tests_can_fail(monkeypatch):
    monkeypatch.setattr(session_bus, "PATIENCE_S", 0)
    with pytest.raises(AssertionError, match="in vain: never"):
        wait_until(lambda: False, "never")
