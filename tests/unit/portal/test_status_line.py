"""The line of status at the Background portal."""

import logging

from portal_double import PortalDouble
from session_bus import wait_until

from entrain.tray.portal import portal as portal_module
from entrain.tray.portal import status_line


def test_the_line_is_sent_when_it_has_changed(portal, asking):
    asking.service.say("on\nFocus 16 · 16 Hz")
    asking.service.start()
    portal.wait_for("SetStatus")

    asking.service.say("on\nFocus 16 · 16 Hz")
    asking.service.say("off")

    portal.wait_for("SetStatus", 2)
    assert portal.lines() == ["on · Focus 16 · 16 Hz", "off"]


def test_a_long_line_is_cut_to_what_the_portal_takes(portal, asking):
    asking.service.say("x" * 1000)
    asking.service.start()
    portal.wait_for("SetStatus")

    assert portal.lines() == ["x" * 95 + "…"]


def test_of_many_lines_only_the_last_one_is_sent_after_the_pause(portal, asking, monkeypatch):
    monkeypatch.setattr(status_line, "INTERVAL_S", 0.5)
    asking.service.say("0")
    asking.service.start()
    portal.wait_for("SetStatus")

    for number in range(1, 100):
        asking.service.say(str(number))

    wait_until(lambda: portal.lines()[-1] == "99", "the last line")
    assert len(portal.lines()) <= 3


def test_a_refusal_is_logged_once_and_the_shortcuts_work(bus, asking, caplog):
    caplog.set_level(logging.INFO)
    for times in (1, 2):
        with PortalDouble(bus.address) as portal:
            portal.refusal = "Only sandboxed applications can set background status"
            if times == 1:
                asking.service.start()
            for line in ("a", "b", "c"):
                asking.service.say(f"{line}{times}")
            asking.wait_for("bound", times)
            portal.wait_for("SetStatus")

    said = [each.message for each in caplog.records if "status" in each.message]
    assert said == [
        "the desktop does not show Entrain's status: "
        "Only sandboxed applications can set background status"
    ]


def test_another_portal_is_told_the_line_anew(bus, asking):
    asking.service.say("on")
    with PortalDouble(bus.address) as portal:
        asking.service.start()
        portal.wait_for("SetStatus")
    with PortalDouble(bus.address) as other:
        other.wait_for("SetStatus")
        assert other.lines()[-1] == "on"


def test_the_first_portal_of_all_is_told_the_line(bus, asking):
    asking.service.say("on")
    asking.service.start()
    asking.wait_for("missing")
    with PortalDouble(bus.address) as portal:
        portal.wait_for("SetStatus")
        assert portal.lines()[-1] == "on"


def test_a_portal_that_ends_during_a_line_has_not_refused_it(bus, asking):
    """Its name is free before its answer comes."""
    asking.service.say("on")
    with PortalDouble(bus.address) as ending:
        ending.silent = {"SetStatus"}
        asking.service.start()
        ending.wait_for("SetStatus")
        asking.wait_for("bound")
        ending.give_up_name()
        asking.wait_for("asking", 2)
        ending.refuse(ending.calls[ending.members().index("SetStatus")], "too late")
    with PortalDouble(bus.address) as other:
        other.wait_for("SetStatus")
        for line in ("off", "on again"):
            asking.service.say(line)
            wait_until(lambda line=line: other.lines()[-1] == line, line)


def test_a_portal_that_is_late_has_not_refused_a_line(portal, asking, monkeypatch):
    monkeypatch.setattr(portal_module, "CALL_TIMEOUT_S", 0.5)
    portal.silent = {"SetStatus"}
    asking.service.say("on")
    asking.service.start()
    for times, line in enumerate(("off", "on again"), 2):
        portal.wait_for("SetStatus", times - 1)
        asking.service.say(line)
        wait_until(lambda line=line: portal.lines()[-1] == line, line)
