"""The icon in the tray: a client of the control API that never disturbs the app it runs in.

It has four daemon threads, which sleep while the status stays the same and the user does not
click: one runs the icon, one follows the status, one does the work that these two request, and one
serves the icon's bus.
"""

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from entrain.errors import EntrainError
from entrain.platform import factory
from entrain.platform.folders import user_paths
from entrain.tray.icon.dashboard_command import open_dashboard
from entrain.tray.icon.help_page import open_help
from entrain.tray.icon.hotkeys import Hotkeys
from entrain.tray.icon.menu import describe
from entrain.tray.icon.menu_items import Ask, Do, Item, MenuDescription
from entrain.tray.notifications.notification_policy import Notice, Notices
from entrain.vdevice.api import answers
from entrain.vdevice.api.client import SOCKET_NAME, Client, NotRunning
from entrain.vdevice.hrtf import sets
from entrain.vdevice.safety import SHORT_NOTICE

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import Protocols, Status

WATCH_INTERVAL_S = 1.0
"""Shortest time between two updates of the status, except after commands."""
WATCHED = tuple(
    name
    for name in answers.Status.__annotations__
    if name not in ("callback", "cpu_load", "moving", "position", "worst_callback_ms")
)
"""Parts of the status that the menu and the notifications need."""
LATEST_START_S = 2.0
"""Longest time that the icon waits for sound; then it appears and explains the silence."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Pauses before the icon starts again after a failure."""
LONGEST_SEARCH_S = 10.0
"""Longest pause between two attempts to reach Entrain again."""
LIBRARY_LOOK_S = 60.0
"""Age at which the list of protocols is read again when the status changes."""
BUS_TIMEOUT_S = 2.0
"""Longest wait for the session bus before the icon reports it missing."""
NOTICE_LOOK_S = 1.0
"""Interval at which a lasting failure is checked for a due notification."""
MAX_WAITING = 16
"""Largest number of messages that wait; further shortcuts are ignored."""
GRACE_S = 0.3
"""Time after Entrain hangs up in which it may also stop this icon."""

_STOP_TIMEOUT_S = 2.0

_log = logging.getLogger(__name__)

_News: TypeAlias = "Status | Ask | Do | Literal['report'] | None"
"""Messages to the worker: a status, a click, a new report, or None while Entrain does not run."""


class TrayIcon:
    """One icon for one Entrain.  Methods may be called from any thread.

    Parameters
    ----------
    path : Path, optional
        The control socket; the default is this user's socket.
    tell : callable, optional
        Takes one line for the user, which explains the alternatives if there is no tray.

    """

    def __init__(
        self, path: Path | None = None, tell: Callable[[str], object] = lambda line: None
    ) -> None:
        self._path = path or user_paths().runtime / SOCKET_NAME
        self._tell = tell
        self._told = False
        self._due = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._icon: Any = None
        self._watching: Client | None = None
        self._news: queue.SimpleQueue[_News] = queue.SimpleQueue()
        """Messages for the present icon; each restart begins with an empty queue."""

    def start(self, at_once: bool = True) -> None:
        """Start the icon's thread; without `at_once`, the icon waits for `show` or the timeout."""
        if at_once:
            self._due.set()
        self._thread = threading.Thread(target=self._begin, name="tray", daemon=True)
        self._thread.start()

    def show(self) -> None:
        """Show the icon now.  Idempotent."""
        self._due.set()

    def stop(self) -> None:
        """Remove the icon and end its threads, within 2 s.  Idempotent."""
        self._stop.set()
        self._due.set()
        self._end_parts()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_STOP_TIMEOUT_S)

    def run(self) -> None:
        """Run the icon on this thread until `stop`; restart it after failures."""
        pause_s = FIRST_PAUSE_S
        while not self._stop.is_set():
            began_s = time.monotonic()
            try:
                self._live()
            except Exception as error:  # a failing desktop, bus or icon must not end the sound
                _log.warning("the tray icon has failed: %r; trying again", error)
                _log.debug("the tray icon", exc_info=True)
            if time.monotonic() - began_s > LONGEST_PAUSE_S:
                pause_s = FIRST_PAUSE_S
            self._stop.wait(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    # ---- the icon's thread -------------------------------------------------------------------

    def _begin(self) -> None:
        self._due.wait(LATEST_START_S)
        self.run()

    def _live(self) -> None:
        from entrain.tray.icon import drawing
        from entrain.tray.icon.icon_class import icon_class
        from entrain.tray.statusnotifier.host import find_host
        from entrain.tray.statusnotifier.pystray_api import Menu

        host = find_host()
        if host.kind == "none" and not host.has_bus:  # a busy bus may need longer
            host = find_host(BUS_TIMEOUT_S)
        if host.kind == "none" and not self._told:
            self._told = True
            self._tell(
                f"{host.reason} Use `entrain on`, `entrain use` and `entrain --help`; "
                "the icon appears as soon as a tray does."
            )
        news: queue.SimpleQueue[_News] = queue.SimpleQueue()
        self._news = news
        kind = icon_class(host)
        view = View(kind, news.put)
        # A placeholder image: the first status replaces it at once.
        self._icon = icon = kind(
            "entrain", drawing.image("off", drawing.SIZES_PX[0]), "Entrain", Menu()
        )
        view.icon = icon
        ended = threading.Event()

        def begin(icon: Any) -> None:
            view.is_filled.wait(GRACE_S)
            icon.visible = True

        parts = [
            threading.Thread(target=self._guard, args=(work, ended), name=name, daemon=True)
            for name, work in (
                ("tray-watch", lambda: self._follow(ended)),
                ("tray-work", lambda: Worker(self._path, news, view, self._quit).run(ended)),
            )
        ]
        for part in parts:
            part.start()
        try:
            if not self._stop.is_set():
                icon.run(begin)
        finally:
            ended.set()
            self._end_parts()
            for part in parts:
                part.join(_STOP_TIMEOUT_S)
            self._icon = None

    def _guard(self, work: Callable[[], None], ended: threading.Event) -> None:
        """Run one part of the icon; if it ends or fails, restart the whole icon."""
        try:
            work()
        except Exception as error:
            _log.warning("the tray icon has failed: %r; trying again", error)
            _log.debug("the tray icon", exc_info=True)
        ended.set()
        self._end_parts()

    def _quit(self) -> None:
        self._stop.set()
        self._end_parts()

    def _end_parts(self) -> None:
        """Wake all waiting threads, so that they see the request to end."""
        if watching := self._watching:
            watching.hang_up()
        self._news.put(None)
        if icon := self._icon:
            with contextlib.suppress(Exception):  # not every backend can be stopped twice
                icon.stop()

    # ---- the following thread ----------------------------------------------------------------

    def _follow(self, ended: threading.Event) -> None:
        pause_s = FIRST_PAUSE_S
        while not ended.is_set():
            try:
                with Client(self._path) as client:
                    self._watching = client
                    pause_s = FIRST_PAUSE_S
                    status: Any = {}
                    for news in client.watch_parts(WATCHED, WATCH_INTERVAL_S, prompt=True):
                        if ended.is_set():
                            return
                        status = {**status, **news.parts}
                        self._news.put(status)
            except EntrainError as error:
                _log.debug("%s", error)
            finally:
                self._watching = None
            if ended.wait(GRACE_S):
                return
            self._news.put(None)
            ended.wait(pause_s)
            pause_s = min(2 * pause_s, LONGEST_SEARCH_S)


class View:
    """Shows a description with a pystray icon; used on one thread at a time.

    Parameters
    ----------
    kind : type
        The icon's class; it decides whether the icon takes an image in several sizes.
    clicked : callable
        Takes the action of the clicked line; must return at once.

    """

    def __init__(self, kind: type[Any], clicked: Callable[[Ask | Do], object]) -> None:
        self.icon: Any = None
        self.is_filled = threading.Event()
        """Set once a description has been shown."""
        self._several = bool(getattr(kind, "ACCEPTS_SIZES", False))
        self._clicked = clicked
        self._shown: MenuDescription | None = None

    def images(self, description: MenuDescription) -> Any:
        """Draw the icon in all sizes, or only in the largest size."""
        from entrain.tray.icon import drawing

        if not self._several:
            return drawing.image(description.icon, drawing.SIZES_PX[-1])
        return tuple(drawing.image(description.icon, size_px) for size_px in drawing.SIZES_PX)

    def show(self, description: MenuDescription) -> None:
        """Show a description; update only the parts that have changed."""
        from entrain.tray.statusnotifier.pystray_api import Menu

        before, self._shown = self._shown, description
        if before is None or before.icon != description.icon:
            self.icon.icon = self.images(description)
        if before is None or before.title != description.title:
            self.icon.title = description.title
        if before is None or before.items != description.items:
            self.icon.menu = Menu(*self._lines(description.items))
        self.is_filled.set()

    def _lines(self, items: tuple[Item | None, ...]) -> list[Any]:
        from entrain.tray.statusnotifier.pystray_api import Menu

        return [Menu.SEPARATOR if item is None else self._line(item) for item in items]

    def _line(self, item: Item) -> Any:
        from entrain.tray.statusnotifier.pystray_api import KeyedItem, Menu

        act = item.act

        def click() -> None:
            if act is not None:
                self._clicked(act)

        return KeyedItem(
            item.key,
            item.label,
            Menu(*self._lines(item.items)) if item.items else click,
            checked=(lambda _: item.checked) if item.mark else None,
            radio=item.mark == "radio",
            default=item.default,
            enabled=item.enabled,
        )


class Worker:
    """Shows news and carries out clicks, one after the other on one thread.

    Parameters
    ----------
    path : Path
        The control socket.
    news : queue
        The messages to work on.
    view : View
        The view that shows the status.
    leave : callable
        Ends the icon.

    """

    def __init__(
        self,
        path: Path,
        news: "queue.SimpleQueue[_News]",
        view: View,
        leave: Callable[[], object],
    ) -> None:
        self._path = path
        self._news = news
        self._view = view
        self._leave = leave
        self._notices = Notices()
        self._hotkeys = Hotkeys(self._pressed)
        self._status: Status | None = None
        self._library: Protocols | None = None
        self._hrtfs: tuple[tuple[str, str], ...] = ()
        self._looked_s = float("-inf")
        self._autostart: bool | None = None
        # Shared between threads, under the lock:
        self._lock = threading.Lock()
        self._report: Ask | None = None

    def run(self, ended: threading.Event) -> None:
        """Work until `ended` is set and the next message arrives."""
        self._autostart = _starts_at_login()
        try:
            self._work(ended)
        finally:
            self._hotkeys.close()

    def _work(self, ended: threading.Event) -> None:
        while not ended.is_set():
            waits = self._status and self._status["state"] in ("failed", "waiting-for-device")
            news: _News = self._status
            with contextlib.suppress(queue.Empty):
                news = self._news.get(timeout=NOTICE_LOOK_S if waits else None)
            if ended.is_set():
                return
            if news == "report":
                self._send_report()
            elif isinstance(news, Ask):
                self._ask(news)
            elif isinstance(news, Do):
                self._do(news)
            else:
                self._take(news)

    def _take(self, status: "Status | None") -> None:
        """Show a new status; None means that Entrain is not running."""
        before, self._status = self._status, status
        now_s = time.monotonic()
        if status is not None:
            moved = before is None or _protocol_id(before) != _protocol_id(status)
            if moved or now_s - self._looked_s > LIBRARY_LOOK_S:
                self._look_at_library(now_s)
            notice = self._notices.observe(status, now_s, _names(status))
            if notice:
                _say(notice)
        description = describe(status, self._library, self._autostart, self._hrtfs)
        self._view.show(description)
        if status is not None:
            self._hotkeys.take(status, description.title)

    def _pressed(self, wanted: Ask) -> None:
        """Queue the request of a shortcut like a click; any thread.

        A report about the shortcuts is never dropped, but replaces a report that still waits.
        """
        if wanted.command == "hotkeys":
            with self._lock:
                is_first, self._report = self._report is None, wanted
            if is_first:
                self._news.put("report")
        elif self._news.qsize() < MAX_WAITING:
            self._news.put(wanted)
        else:
            _log.debug("Entrain is busy and ignores a shortcut")

    def _send_report(self) -> None:
        with self._lock:
            report, self._report = self._report, None
        if report is not None:
            self._ask(report)

    def _look_at_library(self, now_s: float) -> None:
        self._looked_s = now_s
        try:
            with Client(self._path) as client:
                self._library = client.ask("protocols")
        except EntrainError as error:  # the menu keeps the former list
            _log.debug("%s", error)
        self._hrtfs = tuple((card.id, card.title) for card in sets.cards())

    def _ask(self, wanted: Ask) -> None:
        try:
            with Client(self._path) as client:
                status = client.ask(wanted.command, **wanted.fields)
        except NotRunning as error:
            self._refused(str(error))
            self._take(None)
        except EntrainError as error:
            self._refused(str(error))
        else:
            if isinstance(status, dict):
                self._take(status)

    def _do(self, wanted: Do) -> None:
        match wanted.action:
            case "dashboard":
                # A browser may take seconds to start, and other clicks must not wait for it.
                threading.Thread(target=self._open_dashboard, name="tray-open", daemon=True).start()
            case "help":
                try:
                    open_help()
                except EntrainError as error:
                    self._refused(str(error))
            case "about":
                version = self._status["version"] if self._status else ""
                _say(Notice("running", f"Entrain {version}", SHORT_NOTICE))
            case "autostart-on" | "autostart-off":
                try:
                    at_login = factory.load().autostart()
                    (at_login.enable if wanted.action == "autostart-on" else at_login.disable)()
                except EntrainError as error:
                    self._refused(str(error))
                self._autostart = _starts_at_login()
                self._take(self._status)
            case "quit":
                self._leave()

    def _open_dashboard(self) -> None:
        try:
            open_dashboard()
        except EntrainError as error:
            self._refused(str(error))

    def _refused(self, reason: str) -> None:
        _log.info("%s", reason)
        _say(Notice("trouble", "Entrain cannot do that", reason))


def _protocol_id(status: "Status") -> str:
    return str(status["protocol"]["id"]) if status["protocol"] else ""


def _names(status: "Status") -> set[str]:
    return {device["name"] for device in status["outputs"]}


def _starts_at_login() -> bool | None:
    """Return whether Entrain starts at login; None if this system cannot start it."""
    try:
        return factory.load().autostart().status().enabled
    except EntrainError as error:
        _log.debug("%s", error)
        return None


def _say(notice: Notice) -> None:
    from entrain.tray.notifications.notifier import say

    say(notice)
