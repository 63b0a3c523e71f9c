"""The wish for keyboard shortcuts, and the icon's reports, in the running app."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from unit.test_app_requests import asked, new_app

from entrain.tray.icon.hotkeys import OFFERED
from entrain.vdevice.api import messages
from entrain.vdevice.api.messages import Hotkeys, HotkeysReport, RequestError, SetHotkeys
from entrain.vdevice.app import App

BOUND = HotkeysReport(state="bound", keys={"bypass": "Super+Alt+B", "undo": ""})

Ask = Callable[..., Hotkeys]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Ask]]:
    """Start an app, each time with the state that the previous one has saved."""
    apps: list[App] = []

    def app() -> Ask:
        apps.append(new_app(tmp_path))

        def ask(**fields: Any) -> Hotkeys:
            found: messages.Status = asyncio.run(asked(apps[-1], SetHotkeys(**fields)))
            return found.hotkeys

        return ask

    yield app
    for each in apps:
        each.engine.close()


def test_nobody_is_asked_for_shortcuts_at_first(start):
    assert start()() == Hotkeys(enabled=False, state="off")


def test_the_wish_is_kept_and_the_report_is_not(start):
    ask = start()
    ask(enabled=True)
    assert ask(report=BOUND) == Hotkeys(enabled=True, state="bound", keys=BOUND.keys)

    assert start()() == Hotkeys(enabled=True, state="off")


def test_a_new_wish_begins_without_a_report_and_the_same_wish_keeps_it(start):
    ask = start()
    ask(enabled=True)
    ask(report=BOUND)

    assert ask(enabled=True).state == "bound"
    assert ask(enabled=False) == Hotkeys(enabled=False, state="off")


@pytest.mark.parametrize("state", ["failed", "missing"])
def test_a_wish_that_is_repeated_after_a_failure_is_new(start, state):
    ask = start()
    ask(enabled=True)
    ask(report=HotkeysReport(state=state, reason="no"))

    assert ask(enabled=True) == Hotkeys(enabled=True, state="off")


def test_a_user_who_has_refused_is_not_asked_after_the_next_start(start):
    ask = start()
    ask(enabled=True)

    denied = ask(report=HotkeysReport(state="denied", reason="the dialog was cancelled"))

    assert denied == Hotkeys(enabled=False, state="denied", reason="the dialog was cancelled")
    assert not start()().enabled


def test_a_report_that_comes_after_the_end_of_the_wish_is_late(start):
    assert start()(report=BOUND) == Hotkeys(enabled=False, state="off")


def test_a_report_is_no_change_of_the_sound_and_ends_no_audition(tmp_path, monkeypatch):
    app = new_app(tmp_path)
    monkeypatch.setattr(type(app.audition), "end", lambda self: pytest.fail("it has ended"))
    asyncio.run(asked(app, SetHotkeys(enabled=True)))
    assert not app.status().can_undo
    app.engine.close()


@pytest.mark.parametrize(
    "report",
    [
        {"state": "well"},
        {"state": "bound", "keys": {"a b": ""}},
        {"state": "bound", "keys": {"a": 1}},
        {"state": "bound", "keys": ["a"]},
        {"state": "bound", "keys": {"a": "x" * 101}},
        {"state": "bound", "keys": {"a": "\x1b[31m"}},
        {"state": "bound", "keys": {f"a{n}": "" for n in range(17)}},
        {"state": "failed", "reason": "x" * 301},
        {"state": "bound", "more": 1},
    ],
)
def test_a_report_is_bounded(report):
    with pytest.raises(RequestError) as refused:
        messages.parse_request(json.dumps({"command": "hotkeys", "report": report}).encode())
    assert "\n" not in str(refused.value)


def test_every_shortcut_that_is_offered_is_a_request_and_bypass_toggles():
    for told, _, act in OFFERED.values():
        assert told
        line = json.dumps({"command": act.command, **act.fields}).encode()
        assert isinstance(messages.parse_request(line), messages.Command)
    assert "on" not in OFFERED["bypass"][2].fields
