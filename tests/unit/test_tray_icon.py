"""The icon as a client of the control API: its looks, its requests, and faults around it."""

import queue
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from entrain.errors import EntrainError
from entrain.tray.commands.cli import cli
from entrain.tray.icon import drawing, tray_icon
from entrain.tray.icon import help_page as help_page
from entrain.tray.icon.tray_icon import TrayIcon
from entrain.tray.notifications import notifier
from entrain.tray.notifications.notification_policy import Notice
from entrain.tray.statusnotifier import host
from entrain.vdevice.api import messages
from entrain.vdevice.api.messages import ActiveProtocol, ListedProtocol, Protocols, Status

TIMEOUT_S = 20.0

LIBRARY = Protocols(
    protocols=[
        ListedProtocol(
            id="focus-16",
            name="Focus 16",
            category="focus",
            own=False,
            following="moderate",
            outcome="moderate",
            requires_headphones=False,
        )
    ]
)


def wait_until(holds: Callable[[], Any], what: str) -> Any:
    end_s = time.monotonic() + TIMEOUT_S
    while not (found := holds()):
        assert time.monotonic() < end_s, f"never: {what}"
        time.sleep(0.01)
    return found


class Panel:
    """A stand-in for the desktop: it collects icons, notifications and printed lines."""

    def __init__(self) -> None:
        self.icons: list[FakeIcon] = []
        self.said: list[Notice] = []
        self.lines: list[str] = []
        self.fails = 0
        self.host = host.TrayHost("statusnotifier", "There is a tray.", True, False)

    @property
    def icon(self) -> "FakeIcon":
        return wait_until(lambda: [i for i in self.icons if i.visible], "an icon is shown")[-1]

    def label(self, key: str) -> str:
        return next((each.text for each in walk(self.icon.menu) if key_of(each) == key), "")

    def click(self, key: str) -> None:
        next(each for each in walk(self.icon.menu) if key_of(each) == key)(self.icon)


class FakeIcon:
    """An icon that behaves as pystray promises, without a desktop."""

    ACCEPTS_SIZES = True

    def __init__(self, panel: Panel, name: str, icon: Any, title: str, menu: Any) -> None:
        self.name, self.icon, self.title, self.menu = name, icon, title, menu
        self.visible = False
        self.panel = panel
        self.changes: list[str] = []
        self._end = threading.Event()
        panel.icons.append(self)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if "changes" in vars(self) and name in ("icon", "title", "menu"):
            self.changes.append(name)

    def run(self, setup: Callable[[Any], None]) -> None:
        if self.panel.fails:
            self.panel.fails -= 1
            raise RuntimeError("no panel likes this")
        setup(self)
        self._end.wait()
        self.visible = False

    def stop(self) -> None:
        self._end.set()


def walk(menu: Any) -> Iterator[Any]:
    for each in menu or ():
        yield each
        if each.submenu:
            yield from walk(each.submenu)


def key_of(each: Any) -> str:
    return getattr(each, "key", "")


class App:
    """An Entrain that seems to carry out the tray's requests."""

    def __init__(self, status: Status) -> None:
        self.status = status
        self.refusal = ""

    def respond(self, request: messages.Request) -> Any:
        if isinstance(request, messages.ListProtocols):
            return LIBRARY
        if self.refusal and not isinstance(request, messages.GetStatus):
            raise EntrainError(self.refusal)
        if isinstance(request, messages.Bypass):
            state = "bypassed" if request.on else "processing"
            self.change(bypass=request.on, state=state)
        return self.status

    def change(self, **changes: Any) -> None:
        self.status = self.status.model_copy(update=changes)


@pytest.fixture
def panel(monkeypatch: pytest.MonkeyPatch) -> Panel:
    monkeypatch.setenv("ENTRAIN_PLATFORM", "null")
    found = Panel()
    monkeypatch.setattr(host, "find_host", lambda timeout_s=0.1: found.host)
    monkeypatch.setattr(notifier, "say", found.said.append)

    def icon_class(_: host.TrayHost) -> type[Any]:
        class Icon(FakeIcon):
            def __init__(self, *arguments: Any) -> None:
                super().__init__(found, *arguments)

        return Icon

    monkeypatch.setattr("entrain.tray.icon.icon_class.icon_class", icon_class)
    monkeypatch.setattr(tray_icon, "WATCH_INTERVAL_S", 0.05)
    monkeypatch.setattr(tray_icon, "FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(tray_icon, "GRACE_S", 0.05)
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "r" / "control.sock"


@pytest.fixture
def app(idle: Status) -> App:
    protocol = ActiveProtocol(id="focus-16", name="Focus 16", elapsed_s=1.0, layers=[])
    return App(idle.model_copy(update={"state": "processing", "on": True, "protocol": protocol}))


@pytest.fixture
def tray(panel: Panel, path: Path) -> Iterator[TrayIcon]:
    found = TrayIcon(path, panel.lines.append)
    yield found
    found.stop()


# ---- looks -----------------------------------------------------------------------------------


def test_it_shows_what_entrain_does(tray, panel, app, serve, path):
    serve(path, app.respond)
    tray.start()

    wait_until(lambda: "Focus 16" in panel.icon.title, "the protocol is in the tooltip")
    wait_until(lambda: panel.label("state") == "Focus 16", "the protocol is in the menu")
    assert panel.label("protocol focus-16") == "Focus 16 (moderate evidence)"
    assert [image.size for image in panel.icon.icon] == [(px, px) for px in drawing.SIZES_PX]
    assert panel.lines == []


def test_it_follows_a_change_that_others_have_made(tray, panel, app, serve, path):
    running = serve(path, app.respond)
    tray.start()
    wait_until(lambda: panel.label("state") == "Focus 16", "the protocol is in the menu")

    app.change(state="bypassed", bypass=True)
    running.notify()

    wait_until(lambda: panel.label("state").startswith("Bypassed"), "the change is shown")


def test_it_shows_what_others_have_done_without_waiting_for_its_interval(
    tray, panel, app, serve, path, monkeypatch
):
    monkeypatch.setattr(tray_icon, "WATCH_INTERVAL_S", 60)
    running = serve(path, app.respond)
    tray.start()
    wait_until(lambda: panel.label("state") == "Focus 16", "the protocol is in the menu")

    app.change(state="bypassed", bypass=True)
    running.notify()

    wait_until(lambda: panel.label("state").startswith("Bypassed"), "the change is shown")


def test_while_nothing_changes_nothing_is_asked_and_nothing_is_drawn(tray, panel, app, serve, path):
    """The computer can sleep then.  The test watches twenty intervals."""
    running = serve(path, app.respond)
    tray.start()
    wait_until(lambda: panel.label("state") == "Focus 16", "the protocol is in the menu")
    wait_until(lambda: len(running.requests) >= 3, "the tray has looked once more")
    time.sleep(4 * tray_icon.WATCH_INTERVAL_S)
    asked, changed = len(running.requests), len(panel.icon.changes)

    time.sleep(20 * tray_icon.WATCH_INTERVAL_S)

    assert (len(running.requests), len(panel.icon.changes)) == (asked, changed)


def test_only_what_differs_is_drawn_anew(tray, panel, app, serve, path):
    running = serve(path, app.respond)
    tray.start()
    wait_until(lambda: panel.label("state") == "Focus 16", "the protocol is in the menu")
    panel.icon.changes.clear()

    app.change(sleep_left_s=600.0)
    running.notify()

    wait_until(lambda: panel.label("sleep") == "Sleep timer: 10 min left", "the sleep timer")
    wait_until(lambda: panel.icon.changes, "a change of the icon")
    assert panel.icon.changes == ["menu"]


def test_a_backend_that_takes_one_image_gets_one(panel):
    view = tray_icon.View(type("Plain", (), {}), lambda act: None)

    assert view.images(tray_icon.describe(None)).size == (64, 64)


# ---- clicks ----------------------------------------------------------------------------------


def test_a_click_is_sent_and_its_answer_is_shown(tray, panel, app, serve, path):
    running = serve(path, app.respond)
    tray.start()
    wait_until(lambda: panel.label("bypass"), "the menu is there")

    next(each for each in panel.icon.menu if each.default)(panel.icon)

    wait_until(lambda: panel.label("state").startswith("Bypassed"), "the change is shown")
    assert messages.Bypass(on=True, matched=True) in running.requests


def test_a_refusal_is_said_and_the_icon_goes_on(tray, panel, app, serve, path):
    app.refusal = "the rate cannot go higher"
    serve(path, app.respond)
    tray.start()
    wait_until(lambda: panel.label("faster"), "the menu is there")

    panel.click("faster")

    wait_until(lambda: panel.said, "a notification")
    assert panel.said[0].text == "the rate cannot go higher"
    app.refusal = ""
    panel.click("bypass")
    wait_until(lambda: panel.label("state").startswith("Bypassed"), "the next click works")


def test_what_cannot_be_had_here_is_not_in_the_menu(tray, panel, app, serve, path):
    serve(path, app.respond)
    tray.start()
    wait_until(lambda: panel.label("quit"), "the menu is there")

    assert panel.label("autostart") == ""  # the null platform has no login


# ---- Entrain comes and goes --------------------------------------------------------------------


def test_without_entrain_it_says_so_and_shows_it_when_it_comes(tray, panel, app, serve, path):
    tray.start()
    wait_until(lambda: "not running" in panel.label("state"), "no Entrain in the menu")

    running = serve(path, app.respond)
    wait_until(lambda: panel.label("state") == "Focus 16", "the protocol is in the menu")
    running.close()
    wait_until(lambda: "not running" in panel.label("state"), "no Entrain in the menu again")
    serve(path, app.respond)
    wait_until(lambda: panel.label("state") == "Focus 16", "the protocol is in the menu again")

    assert len(panel.icons) == 1


def test_without_entrain_the_icon_can_be_removed(tray, panel):
    tray.start()
    wait_until(lambda: "not running" in panel.label("state"), "no Entrain in the menu")
    icon = panel.icon

    panel.click("quit")

    wait_until(lambda: not icon.visible, "the icon is gone")


def test_the_end_is_quick_and_leaves_no_thread(tray, panel, app, serve, path):
    serve(path, app.respond)
    tray.start()
    wait_until(lambda: panel.label("state") == "Focus 16", "the protocol is in the menu")
    icon = panel.icon

    tray.stop()

    assert not icon.visible
    wait_until(
        lambda: not [t for t in threading.enumerate() if t.name.startswith("tray")],
        "its threads have ended",
    )


def test_it_can_be_stopped_before_it_has_begun(tray, panel):
    tray.start(at_once=False)
    tray.stop()

    assert panel.icons == []


def test_it_waits_for_the_sound_but_not_for_ever(tray, panel, monkeypatch):
    monkeypatch.setattr(tray_icon, "LATEST_START_S", 0.2)
    tray.start(at_once=False)

    assert panel.icon


# ---- trouble -----------------------------------------------------------------------------------


def test_an_icon_that_fails_is_made_again(tray, panel, app, serve, path, caplog):
    panel.fails = 2
    serve(path, app.respond)

    tray.start()

    wait_until(lambda: panel.label("state") == "Focus 16", "the third one is shown")
    assert len(panel.icons) == 3
    warnings = [each.message for each in caplog.records if each.levelname == "WARNING"]
    assert len(warnings) == 2
    assert all("no panel likes this" in each and "\n" not in each for each in warnings)


def test_a_part_that_fails_begins_again_with_the_whole(
    tray, panel, app, serve, path, monkeypatch, caplog
):
    serve(path, app.respond)
    fails = queue.SimpleQueue()
    fails.put(True)

    def show(self, description):
        if not fails.empty() and fails.get():
            raise RuntimeError("cannot draw")
        original(self, description)

    original = tray_icon.View.show
    monkeypatch.setattr(tray_icon.View, "show", show)

    tray.start()

    wait_until(lambda: panel.label("state") == "Focus 16", "the second one works")
    assert "cannot draw" in caplog.text
    assert "Traceback" not in caplog.text


def test_without_a_tray_it_says_once_what_works_instead(tray, panel):
    panel.host = host.TrayHost("none", "There is no session bus, so no tray.", False, False)
    panel.fails = 1

    tray.start()

    assert panel.icon  # the icon waits for a tray that comes later
    assert len(panel.lines) == 1
    assert panel.lines[0].startswith("There is no session bus, so no tray. Use `entrain on`")


def test_a_bus_that_is_just_busy_is_not_said_to_be_missing(tray, panel, monkeypatch):
    busy = host.TrayHost("none", "The session bus does not answer, so no tray.", False, False)
    slow = panel.host
    monkeypatch.setattr(host, "find_host", lambda timeout_s=0.1: slow if timeout_s > 1 else busy)

    tray.start()

    assert panel.icon
    assert panel.lines == []


def test_no_sound_server_is_said_after_a_while_although_no_status_comes(
    tray, panel, app, serve, path, monkeypatch
):
    """The status with the failure stays the same, so Entrain does not send it again."""
    monkeypatch.setattr(tray_icon, "NOTICE_LOOK_S", 0.05)
    monkeypatch.setattr("entrain.tray.notifications.notification_policy.FAILED_AFTER_S", 0.3)
    app.change(state="failed", reason="the sound server does not answer")
    serve(path, app.respond)

    tray.start()

    wait_until(lambda: panel.said, "a notification")
    assert panel.said[0].kind == "trouble"


# ---- the dashboard ---------------------------------------------------------------------------


def test_while_the_dashboard_opens_other_clicks_work(tray, panel, app, serve, path, monkeypatch):
    begun, opened = threading.Event(), threading.Event()

    def open_slowly() -> None:
        begun.set()
        assert opened.wait(TIMEOUT_S)
        raise EntrainError("no browser can be opened")

    monkeypatch.setattr(tray_icon, "open_dashboard", open_slowly)
    serve(path, app.respond)
    tray.start()
    wait_until(lambda: panel.label("dashboard"), "the menu is there")

    panel.click("dashboard")
    assert begun.wait(TIMEOUT_S)
    panel.click("bypass")

    wait_until(lambda: panel.label("state").startswith("Bypassed"), "the change is shown")
    opened.set()
    wait_until(lambda: panel.said, "a notification")
    assert panel.said[0].text == "no browser can be opened"


# ---- help ------------------------------------------------------------------------------------


def test_the_help_names_commands_and_icons_that_there_are():
    text = help_page.page().read_text(encoding="utf-8")

    for command in re.findall(r"<code>entrain (\S+?)[ <]", text):
        assert command in cli.commands, command
    pictures = re.findall(r'src="icons/(.+?)"', text)
    assert set(pictures) == set(drawing.svg_files())


def test_the_help_that_cannot_be_opened_says_where_it_is(monkeypatch):
    monkeypatch.setattr(click, "launch", lambda url: 1)

    with pytest.raises(EntrainError, match=r"the help is in .*help\.html$"):
        help_page.open_help()
