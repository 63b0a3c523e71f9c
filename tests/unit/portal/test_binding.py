"""Shortcuts at a portal on a private bus: bound, pressed, refused, lost and bound again."""

import asyncio
import re
import shutil
import threading

import pytest
from dbus_fast import Variant
from portal_double import (
    BACKGROUND,
    NAME,
    PATH,
    REGISTRY,
    SESSION,
    SHORTCUTS,
    PortalDouble,
    bound,
    error,
    signal,
)
from session_bus import BusClient, wait_until

from entrain.platform.app_id import APP_ID
from entrain.tray.portal import binding
from entrain.tray.portal import portal as portal_module
from entrain.tray.portal.portal import on_bus
from entrain.tray.portal.service import PortalService
from entrain.vdevice.limits import MAX_KEY_CHARS


def test_the_shortcuts_are_bound_and_their_keys_reported(portal, asking):
    asking.service.start()

    report = asking.wait_for("bound")

    assert report.keys == {"bypass": "Press <Super>bypass", "undo": "Press <Super>undo"}
    assert portal.shortcuts() == {
        "bypass": {"description": "Hear the difference", "preferred_trigger": "LOGO+ALT+b"},
        "undo": {"description": "Undo"},
    }


def test_the_app_says_who_it_is_before_anything_else(portal, asking):
    asking.service.start()
    asking.wait_for("bound")

    shortcuts = [call for call in portal.calls if call.interface != BACKGROUND]
    assert [call.member for call in shortcuts] == ["Register", "CreateSession", "BindShortcuts"]
    assert shortcuts[0].body == [APP_ID, {}]
    assert g_application_id(APP_ID)


def g_application_id(name: str) -> bool:
    """Check the form that GNOME requires of the name of an app."""
    return re.fullmatch(r"[A-Za-z_-][\w-]*(\.[A-Za-z_-][\w-]*)+", name, re.ASCII) is not None


def test_each_portal_is_told_once_and_before_the_line_of_status(bus, asking):
    asking.service.say("on")
    for times in (1, 2):
        with PortalDouble(bus.address) as portal:
            if times == 1:
                asking.service.start()
            asking.wait_for("bound", 2 * times - 1)
            portal.wait_for("SetStatus")
            portal.close_session()
            portal.wait_for("BindShortcuts", 2)
            assert portal.members()[0] == "Register"
            assert portal.members().count("Register") == 1
            asking.wait_for("bound", 2 * times)


def test_an_older_portal_that_cannot_be_told_works_as_well(portal, asking):
    portal.interfaces.discard(REGISTRY)
    asking.service.start()

    asking.wait_for("bound")


def test_pressed_keys_are_heard_in_order(portal, asking):
    asking.service.start()
    asking.wait_for("bound")

    for name in ("bypass", "undo", "bypass"):
        portal.press(name)

    assert [asking.next_pressed() for _ in range(3)] == ["bypass", "undo", "bypass"]


def test_other_keys_are_reported(portal, asking):
    asking.service.start()
    asking.wait_for("bound")

    portal.change(["undo", {"trigger_description": Variant("s", "Ctrl+F1")}])

    report = asking.wait_for("bound", 2)
    assert report.keys == {"bypass": "Press <Super>bypass", "undo": "Ctrl+F1"}


# ---- refusals ----------------------------------------------------------------------------------


def test_a_user_who_refuses_is_not_asked_again(portal, asking):
    portal.bind = (1, {})
    asking.service.start()

    asking.wait_for("denied")

    async def keep() -> None:
        kept = binding.Binding((), print, print)
        async with on_bus(portal.address, kept.hear) as (reached, _):
            await asyncio.wait_for(kept.keep(reached), 20)

    asyncio.run(keep())  # it returns


def test_shortcuts_that_are_listed_are_bound_whatever_the_code_says(portal, asking):
    """GNOME 48.0 answers so."""
    portal.bind = (2, {"shortcuts": bound("bypass", "undo")})
    asking.service.start()

    asking.wait_for("bound")


def test_a_dialog_that_nobody_answers_is_closed_and_counts_as_refused(portal, asking, monkeypatch):
    monkeypatch.setattr(binding, "DIALOG_TIMEOUT_S", 0.2)
    portal.bind = None
    asking.service.start()

    asking.wait_for("denied")
    portal.wait_for("Close")


def test_without_the_interface_it_waits_for_another_portal(bus, asking):
    with PortalDouble(bus.address, BACKGROUND):
        asking.service.start()
        asking.wait_for("missing")
    with PortalDouble(bus.address) as better:
        asking.wait_for("bound")
        better.press("undo")
        assert asking.next_pressed() == "undo"


def test_without_any_portal_it_waits_for_one(bus, asking):
    asking.service.start()
    asking.wait_for("missing")

    with PortalDouble(bus.address):
        asking.wait_for("bound")


def test_a_portal_that_fails_once_is_not_missing(portal, asking):
    portal.faults = ["org.freedesktop.DBus.Error.NoReply"]
    asking.service.start()

    asking.wait_for("bound")
    assert [each.state for each in asking.reports] == ["failed", "asking", "bound"]


@pytest.mark.parametrize("name", ["UnknownInterface", "InvalidArgs", "ServiceUnknown"])
def test_a_portal_without_the_interface_is_missing(portal, asking, name):
    portal.faults = [f"org.freedesktop.DBus.Error.{name}"]
    asking.service.start()

    asking.wait_for("missing")


def test_a_portal_that_the_first_call_starts_is_asked_once(bus, asking, tmp_path):
    """The bus counts a service as started when any program, such as this test, takes its name."""
    called = tmp_path / "called"
    (bus.services / "portal.service").write_text(
        f"[D-BUS Service]\nName={NAME}\nExec={shutil.which('touch')} {called}\n", encoding="utf-8"
    )
    asking.service.start()
    wait_until(called.exists, "a call to the portal")

    with PortalDouble(bus.address) as portal:
        asking.wait_for("bound")
        portal.press("undo", portal.sessions[0])
        assert asking.next_pressed() == "undo"
        assert len(portal.sessions) == 1
        assert [each.state for each in asking.reports] == ["asking", "bound"]


def test_a_portal_that_does_not_know_the_app_leads_to_advice(portal, asking, monkeypatch):
    portal.interfaces.discard(REGISTRY)
    monkeypatch.setattr(portal, "_begin_request", lambda call: error(call, "An app id is required"))
    asking.service.start()

    assert "entrain install-desktop" in asking.wait_for("failed").reason


# ---- ends --------------------------------------------------------------------------------------


def test_a_closed_session_is_opened_again_and_the_old_one_no_longer_counts(portal, asking):
    asking.service.start()
    asking.wait_for("bound")

    portal.close_session()
    asking.wait_for("bound", 2)

    old, new = portal.sessions
    portal.press("bypass", old)
    portal.press("undo", new)
    assert asking.next_pressed() == "undo"


def test_after_a_restart_of_the_portal_the_shortcuts_work_again(bus, asking):
    with PortalDouble(bus.address):
        asking.service.start()
        asking.wait_for("bound")
    asking.wait_for("asking", 2)
    with PortalDouble(bus.address) as again:
        asking.wait_for("bound", 2)
        again.press("bypass")
        assert asking.next_pressed() == "bypass"


def test_a_portal_that_ends_during_a_request_is_asked_again(bus, asking):
    with PortalDouble(bus.address) as silent:
        silent.bind = None
        asking.service.start()
        silent.wait_for("BindShortcuts")
    with PortalDouble(bus.address):
        asking.wait_for("bound")


def test_after_a_restart_of_the_bus_the_shortcuts_work_again(bus, asking):
    with PortalDouble(bus.address):
        asking.service.start()
        asking.wait_for("bound")
        bus.stop()
    asking.wait_for("failed")
    bus.start()
    with PortalDouble(bus.address) as again:
        asking.wait_for("bound", 2)
        again.press("bypass")
        assert asking.next_pressed() == "bypass"


def test_the_attempts_are_bounded_until_another_portal_comes(bus, asking, monkeypatch):
    monkeypatch.setattr(binding, "MOST_FAILURES", 3)
    with PortalDouble(bus.address) as broken:
        broken.create = (2, {})
        asking.service.start()
        broken.wait_for("CreateSession", 3)
        for line in "abcdefgh":  # at least as much time as several more attempts would take
            asking.service.say(line)
            wait_until(lambda line=line: broken.lines()[-1:] == [line], line)
        assert broken.members().count("CreateSession") == 3
    with PortalDouble(bus.address):
        asking.wait_for("bound")


def test_stop_gives_everything_back_whatever_the_bus_does(bus, portal, asking):
    asking.service.start()
    asking.wait_for("bound")

    with bus.paused():
        asking.service.stop()
        assert "tray-portal" not in [thread.name for thread in threading.enumerate()]


def test_stop_before_the_start_of_the_loop_ends_the_thread(bus):
    service = PortalService((), print, print)
    service.stop()
    service.start()
    service._thread.join(10)
    assert not service._thread.is_alive()


# ---- hostile answers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shortcuts",
    [
        Variant("s", "bypass"),
        Variant("as", ["bypass"]),
        Variant("a(sa{sv})", [["bypass", {"trigger_description": Variant("u", 7)}]]),
        Variant("a(ss)", [["bypass", "Super"]]),
        Variant("a(sa{sv})", [["rm", {"trigger_description": Variant("s", "Super")}]]),
        bound("bypass", keys="x" * 1_000_000),
        bound("bypass", keys="a\n\x1b[31m{}"),
        bound(*["bypass"] * 10_000),
    ],
    ids=["text", "names", "number", "pairs", "unknown", "huge", "control characters", "many"],
)
def test_odd_shortcuts_are_read_as_far_as_they_make_sense(portal, asking, shortcuts):
    portal.bind = (0, {"shortcuts": shortcuts})
    asking.service.start()

    keys = asking.wait_for("bound").keys

    assert set(keys) <= {"bypass"}
    assert all(len(text) <= MAX_KEY_CHARS and text.isprintable() for text in keys.values())
    portal.press("bypass")
    assert asking.next_pressed() == "bypass"


@pytest.mark.parametrize(
    "results",
    [
        {"session_handle": Variant("u", 7)},
        {"session_handle": Variant("s", "")},
        {"session_handle": Variant("s", "/somewhere/else")},
        {"session_handle": Variant("s", f"{PATH}/session/ä b")},
        {"session_handle": Variant("s", f"{PATH}/session/" + "x" * 1_000_000)},
        {"shortcuts": bound("bypass")},
    ],
    ids=["number", "empty", "elsewhere", "invalid", "huge", "missing"],
)
def test_a_session_that_cannot_be_is_a_failure_and_the_next_attempt_works(portal, asking, results):
    portal.create = (0, results)
    asking.service.start()

    report = asking.wait_for("failed")

    assert len(report.reason) < 300
    assert report.reason.isprintable()
    portal.create = (0, {})
    asking.wait_for("bound")


def test_a_response_of_another_form_does_not_count(portal, asking, monkeypatch):
    monkeypatch.setattr(binding, "RESPONSE_TIMEOUT_S", 0.2)
    portal.create = None
    asking.service.start()
    portal.wait_for("CreateSession")
    sender = portal.calls[-1].sender.removeprefix(":").replace(".", "_")
    token = portal.calls[-1].body[0]["handle_token"].value

    path = f"{PATH}/request/{sender}/{token}"
    portal.signal("org.freedesktop.portal.Request", "Response", "s", "yes", path=path)

    assert asking.wait_for("failed").reason == "the desktop's portal does not answer"


def test_signals_that_make_no_sense_press_nothing(portal, asking):
    asking.service.start()
    asking.wait_for("bound")
    session = portal.sessions[-1]

    portal.press("rm -rf")
    portal.press("x" * 1_000_000)
    portal.press("bypass", f"{PATH}/session/another")
    portal.signal(SHORTCUTS, "Activated", "os", session, "bypass")
    portal.signal(SHORTCUTS, "Activated", "ssta{sv}", session, "bypass", 1, {})
    portal.signal(SHORTCUTS, "Activated", "osta{sv}", session, "bypass", 1, {}, path="/elsewhere")
    portal.signal(SHORTCUTS, "ShortcutsChanged", "os", session, "bypass")
    portal.signal(SHORTCUTS, "Grown", "")
    portal.signal(SESSION, "Closed", "", path=f"{PATH}/session/another")
    portal.press("undo")

    assert asking.next_pressed() == "undo"
    assert len(portal.sessions) == 1


def test_only_the_portal_can_press_keys(bus, portal, asking):
    """Every app on the bus may send a signal to Entrain's own address."""
    asking.service.start()
    asking.wait_for("bound")
    body = (portal.sessions[-1], "bypass", 1, {})
    with BusClient(bus.address) as stranger:
        forged = signal(SHORTCUTS, "Activated", "osta{sv}", body, PATH)
        forged.destination = portal.calls[0].sender
        stranger.run(send(stranger, forged))

    portal.press("undo")

    assert asking.next_pressed() == "undo"


async def send(client, message):
    await client.bus.send(message)


def test_a_portal_that_does_not_answer_at_all_is_a_failure(bus, asking, monkeypatch):
    monkeypatch.setattr(portal_module, "CALL_TIMEOUT_S", 0.3)
    with PortalDouble(bus.address) as portal:
        monkeypatch.setattr(portal, "_begin_request", lambda message: True)
        asking.service.start()
        assert asking.wait_for("failed").reason == "the desktop's portal does not answer"
