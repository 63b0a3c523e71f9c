"""The loop of the live screen: keys and news in, bytes out."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rich.console import Console

from entrain.platform.terminal import Terminal
from entrain.tray.terminal import events
from entrain.tray.terminal.actions import press
from entrain.tray.terminal.analysis import Heard
from entrain.tray.terminal.feeds import FRAMES_PER_S, Connected, Done, Feeds, Lost, Message
from entrain.tray.terminal.keys import KeyReader
from entrain.tray.terminal.painter import Painter
from entrain.tray.terminal.scene import Entry, Scene, slots
from entrain.tray.terminal.screen import Screen
from entrain.tray.terminal.sections import LABEL_COLUMNS
from entrain.tray.text.text_layout import clean
from entrain.vdevice.api.client import Client, News

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import Status

MAX_BYTES_PER_S = 10_000
"""Most bytes a second in the long run, for slow connections; more of them mean fewer frames."""
_BURST_BYTES = 20_000
_KEY_S = 0.05
"""Time after which the escape key alone was pressed."""
_IDLE_S = 10.0
_SAME_ENTRY_S = 2.0
"""A change that follows a similar one of the same client so soon replaces its entry."""


class Live:
    """The live screen.

    Parameters
    ----------
    path : Path, optional
        The control socket; by default this user's.
    clock : callable
        Returns the time of an entry in the log.

    """

    def __init__(
        self,
        path: Path | None = None,
        clock: Callable[[], str] = lambda: time.strftime("%H:%M:%S"),
    ) -> None:
        self._path, self._clock = path, clock
        self._name = f"terminal-{os.getpid()}"
        self._scene = Scene()
        self._is_changed = True
        self._entry_s = 0.0

    def run(self) -> int | None:
        """Show the screen until q or a signal.

        Returns
        -------
        int or None
            The signal that has ended it.

        Raises
        ------
        NotRunning
            Entrain is not running at the start.

        """
        Client(self._path).close()
        console = Console()
        painter = Painter(not console.no_color and console.color_system is not None)
        with Terminal() as terminal, Feeds(self._path, self._name, terminal.wake) as feeds:
            self._loop(terminal, feeds, painter)
        return terminal.ended_by

    def _loop(self, terminal: Terminal, feeds: Feeds, painter: Painter) -> None:
        keys, budget, due_s = KeyReader(), float(_BURST_BYTES), 0.0
        screen, drawn_s, cleared = Screen(0, 0), time.monotonic(), b""
        while terminal.ended_by is None:
            now_s = time.monotonic()
            wait_s = max(due_s - now_s, 0.0) if self._is_changed else _IDLE_S
            data = terminal.read(min(wait_s, _KEY_S) if keys.is_waiting else wait_s)
            pressed = [*keys.feed(data)] if data or not keys.is_waiting else [*keys.end()]
            if not self._press(pressed, feeds):
                return
            for message in feeds.messages():
                self._take(message)
            if terminal.was_cleared():
                columns, rows = terminal.size()
                feeds.bands = max(columns - LABEL_COLUMNS, 0)
                cleared, screen = painter.clear(columns, rows), Screen(columns, rows)
                self._is_changed = True
            now_s = time.monotonic()
            if not self._is_changed or now_s < due_s:
                continue
            # One write, so that a cleared screen is never seen.
            written = cleared + painter.paint(screen.drawn(self._scene))
            terminal.write(written)
            self._is_changed, cleared = False, b""
            budget = min(budget + (now_s - drawn_s) * MAX_BYTES_PER_S, _BURST_BYTES) - len(written)
            drawn_s = now_s
            due_s = now_s + max(1 / FRAMES_PER_S, -budget / MAX_BYTES_PER_S)

    def _press(self, pressed: list[str], feeds: Feeds) -> bool:
        """Carry out keys; returns false for the last one."""
        for key in pressed:
            if key == "q":
                return False
            self._is_changed = True
            self._scene.version += 1
            request = press(key, self._scene)
            if request is not None and not feeds.ask(request):
                self._scene.say("Entrain is busy; this key had no effect", is_error=True)
        return True

    def _take(self, message: Message) -> None:
        """Take over what a thread tells."""
        scene = self._scene
        self._is_changed = True
        if isinstance(message, Heard | None):
            scene.heard = message
            return
        scene.version += 1
        match message:
            case News():
                self._take_news(message)
            case Done(text, is_error):
                scene.say(text, is_error)
            case Connected(blocks, library):
                scene.blocks = {each["kind"]: each for each in blocks["blocks"]}
                scene.slots = scene.slots or slots(library)
                if scene.lost:
                    scene.lost = ""
                    self._note("", "Entrain is back")
            case Lost(why):
                if scene.status is not None:
                    self._note("", "Entrain has ended")
                scene.status, scene.heard = None, None
                scene.lost = clean(why)

    def _take_news(self, news: News) -> None:
        before = self._scene.status
        after = cast("Status", {**(before or {}), **news.parts})
        self._scene.status = after
        if before is None:
            return
        who = ", ".join(dict.fromkeys(events.person(each, self._name) for each in news.caused_by))
        for line in events.changes(before, after):
            self._note(who, line)

    def _note(self, who: str, text: str) -> None:
        """Add an entry to the log; it replaces one about the same value."""
        log, now_s = self._scene.log, time.monotonic()
        subject = text.partition(":")[0]
        if (
            log
            and now_s - self._entry_s < _SAME_ENTRY_S
            and log[-1].who == who
            and " → " in text
            and log[-1].text.partition(":")[0] == subject
        ):
            log.pop()
        self._entry_s = now_s
        log.append(Entry(self._clock(), who, text))
