"""`entrain hotkeys` as a person meets it, on each desktop."""

from pathlib import Path
from typing import Any

import pytest
from command_line import entrain

from entrain.tray.commands import desktop
from entrain.tray.commands.cli import cli
from entrain.tray.text.hotkeys_text import COMMANDS, settings_page
from entrain.vdevice.api import messages
from entrain.vdevice.api.messages import Hotkeys, SetHotkeys, Status

KEYS = {"bypass": "Super+Alt+B", "next": ""}
BOUND = Hotkeys(enabled=True, state="bound", keys=KEYS)


class App:
    """An Entrain whose icon answers the wish for shortcuts at once, once or several times."""

    def __init__(self, status: Status, *outcomes: Hotkeys) -> None:
        self.status = status
        self.outcomes = list(outcomes)
        self.is_wished = False
        self.server: Any = None

    def respond(self, request: messages.Request) -> Status:
        found = self.status.hotkeys
        if isinstance(request, SetHotkeys):
            self.is_wished = bool(request.enabled)
            found = Hotkeys(enabled=self.is_wished)
        elif self.is_wished and self.outcomes:  # the next look at the status
            found = self.outcomes.pop(0)
            if self.outcomes:
                self.server.notify()
        self.status = self.status.model_copy(update={"hotkeys": found})
        return self.status


@pytest.fixture
def serving(home: Path, serve: Any, idle: Status, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run an Entrain in which the wish comes to this outcome; return its server."""
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "sway")

    def start(*outcomes: Hotkeys, **changes: object) -> Any:
        app = App(idle.model_copy(update=changes), *outcomes)
        app.server = serve(home / "entrain" / "control.sock", app.respond)
        return app.server

    return start


def wishes(server: Any) -> list[bool | None]:
    return [each.enabled for each in server.requests if isinstance(each, SetHotkeys)]


def test_alone_it_shows_the_keys(serving):
    server = serving(hotkeys=BOUND)

    result = entrain("hotkeys")

    assert result.exit_code == 0
    assert result.stdout == entrain("hotkeys", "status").stdout
    assert "Super+Alt+B" in result.stdout
    assert wishes(server) == []


def test_enable_lists_the_keys(serving):
    server = serving(BOUND)

    assert entrain("hotkeys", "enable").stdout.splitlines() == [
        "enabled; the desktop's own settings change the keys",
        "  bypass  Super+Alt+B              Hear the sound with and without Entrain",
        "  next    keys as in the settings  Next protocol of the same category",
    ]
    assert wishes(server) == [True]


def test_enable_twice_asks_once(serving):
    server = serving(BOUND, hotkeys=BOUND)

    assert entrain("hotkeys", "enable").stdout.startswith("enabled")
    assert wishes(server) == []


def test_without_a_portal_it_names_the_settings_and_wishes_no_longer(serving):
    why = "this desktop has no portal for keyboard shortcuts"
    server = serving(Hotkeys(enabled=True, state="missing", reason=why))

    result = entrain("hotkeys", "enable")

    assert result.exit_code == 1
    assert result.stderr == (
        f"entrain: {why}; add lines such as `bindsym $mod+b exec entrain toggle` to "
        "~/.config/sway/config, and bind `entrain toggle`, `entrain next`, `entrain faster`, "
        "`entrain slower`, `entrain stronger`, `entrain weaker` or `entrain undo`\n"
    )
    assert wishes(server) == [True, False]


def test_a_refusal_is_said_in_one_line(serving):
    serving(Hotkeys(state="denied", reason="the desktop's dialog was cancelled"))

    result = entrain("hotkeys", "enable")

    assert result.exit_code == 1
    assert result.stderr == "entrain: no shortcuts: the desktop's dialog was cancelled\n"


FAILED = Hotkeys(enabled=True, state="failed", reason="the desktop's portal refuses: it ends")
ASKING = Hotkeys(enabled=True, state="asking", reason="the desktop asks which keys to use")


def test_a_failure_that_the_next_attempt_mends_is_waited_out(serving):
    server = serving(FAILED, ASKING, BOUND)

    result = entrain("hotkeys", "enable")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[:3] == [
        "the desktop's portal refuses: it ends …",
        "the desktop asks which keys to use …",
        "enabled; the desktop's own settings change the keys",
    ]
    assert wishes(server) == [True]


@pytest.mark.parametrize("outcomes", [[FAILED], [FAILED, ASKING] * 3])
def test_a_failure_that_lasts_is_reported_and_the_wish_remains(serving, outcomes, monkeypatch):
    monkeypatch.setattr(desktop, "RETRY_WAIT_S", 0.3 if len(outcomes) == 1 else 60.0)
    server = serving(*outcomes)

    result = entrain("hotkeys", "enable")

    assert result.exit_code == 1
    assert result.stderr == f"entrain: no shortcuts: {FAILED.reason}\n"
    assert wishes(server) == [True]


def test_a_user_who_takes_long_is_not_waited_for_for_ever(serving, monkeypatch):
    monkeypatch.setattr(desktop, "DIALOG_WAIT_S", 0.3)
    asking = "the desktop asks which keys to use"
    server = serving(Hotkeys(enabled=True, state="asking", reason=asking))

    assert entrain("hotkeys", "enable").stdout.splitlines()[-1] == (
        f"enabled, not bound yet: {asking}"
    )
    assert wishes(server) == [True]


def test_without_the_icon_nobody_is_asked(serving):
    server = serving(BOUND, icon=False)

    result = entrain("hotkeys", "enable")

    assert result.exit_code == 1
    assert "runs without its icon" in result.stderr
    assert wishes(server) == []


def test_disable_gives_them_back(serving):
    server = serving(BOUND, hotkeys=BOUND)

    assert entrain("hotkeys", "disable").stdout == "disabled\n"
    assert wishes(server) == [False]


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (Hotkeys(), "disabled"),
        (
            Hotkeys(enabled=True, state="bound"),
            "enabled, but the desktop has assigned no keys; look in its settings of shortcuts",
        ),
        (
            Hotkeys(enabled=True, state="asking", reason="it asks"),
            "enabled, not bound yet: it asks",
        ),
        (Hotkeys(state="denied", reason="cancelled"), "disabled: cancelled"),
    ],
)
def test_status_says_it_and_changes_nothing(serving, found, line):
    server = serving(BOUND, hotkeys=found)
    server.requests.clear()

    assert entrain("hotkeys", "status").stdout == f"{line}\n"
    assert wishes(server) == []


def test_without_a_running_entrain_it_says_so(home):
    for action in ("enable", "disable", "status"):
        assert "not running" in entrain("hotkeys", action).stderr


# ---- each desktop's settings ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("desktop_name", "page"),
    [
        ("GNOME", "open Settings, Keyboard"),
        ("ubuntu:GNOME", "open Settings, Keyboard"),
        ("Budgie:GNOME", "open Settings, Keyboard"),
        ("KDE", "open System Settings, Shortcuts"),
        ("XFCE", "open Settings, Keyboard, Application Shortcuts"),
        ("X-Cinnamon", "open System Settings, Keyboard"),
        ("MATE", "open Control Center"),
        ("LXQt", "open LXQt settings"),
        ("sway", "add lines such as `bindsym"),
        ("i3", "add lines such as `bindsym"),
        ("Hyprland", "add lines such as `bind = SUPER"),
        ("", "open your desktop's keyboard settings"),
        ("x" * 10_000 + "\n", "open your desktop's keyboard settings"),
    ],
)
def test_each_desktop_has_its_page_in_one_line(desktop_name, page):
    line = settings_page({"XDG_CURRENT_DESKTOP": desktop_name})

    assert line.startswith(page)
    assert "\n" not in line
    assert all(f"`entrain {name}`" in line for name in COMMANDS)


def test_the_commands_for_shortcuts_are_commands():
    assert set(COMMANDS) <= set(cli.commands)
