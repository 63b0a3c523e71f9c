"""The loop of the live screen: keys and news in, bytes out."""

import os
import time
from pathlib import Path

from rich.console import Console

from entrain.platform.terminal import Terminal
from entrain.tray.terminal.actions import press
from entrain.tray.terminal.feeds import QUIET_AFTER_S, Feeds
from entrain.tray.terminal.keys import KeyReader
from entrain.tray.terminal.news import NewsReader
from entrain.tray.terminal.pace import Pace
from entrain.tray.terminal.painter import Painter
from entrain.tray.terminal.scene import Scene
from entrain.tray.terminal.screen import Screen
from entrain.tray.terminal.sections import LABEL_COLUMNS
from entrain.vdevice.api.client import Client

_KEY_S = 0.05
"""Time after which the escape key alone was pressed."""
_FIRST_S = 0.5
"""Longest wait with the first frame, which shows no values before the first news."""
_IDLE_S = 10.0


class Live:
    """The live screen.

    Parameters
    ----------
    path : Path, optional
        The control socket; by default this user's.

    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._name = f"terminal-{os.getpid()}"
        self._scene = Scene()
        self._news = NewsReader(self._scene, self._name)
        self._is_changed = True
        self._keys, self._key_s = KeyReader(), 0.0
        self._began_s = time.monotonic()
        self._pace = Pace(self._began_s)
        console = Console()
        self._painter = Painter(not console.no_color and console.color_system is not None)
        self._screen, self._cleared = Screen(0, 0), b""

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
        with Terminal() as terminal, Feeds(self._path, self._name, terminal.wake) as feeds:
            while terminal.ended_by is None and self._press_keys(terminal, feeds):
                self._take_news(feeds)
                self._draw(terminal, feeds)
        return terminal.ended_by

    def _press_keys(self, terminal: Terminal, feeds: Feeds) -> bool:
        """Wait for keys or news, and carry out the keys; returns false for the last one."""
        now_s = time.monotonic()
        wait_s = max(self._due_s - now_s, 0.0) if self._is_changed else self._longest_s
        data = terminal.read(min(wait_s, _KEY_S) if self._keys.is_waiting else wait_s)
        now_s = time.monotonic()
        if data:
            pressed, self._key_s = self._keys.feed(data), now_s
        else:
            pressed = self._keys.end() if now_s > self._key_s + _KEY_S else iter(())
        for key in pressed:
            if key == "q":
                return False
            self._change()
            request = press(key, self._scene)
            if request is not None and not feeds.ask(request):
                self._scene.say("Entrain is busy; this key had no effect", is_error=True)
        return True

    def _draw(self, terminal: Terminal, feeds: Feeds) -> None:
        """Draw a frame, if there is a change and the time has come."""
        if terminal.was_cleared():
            columns, rows = terminal.size()
            feeds.bands = max(columns - LABEL_COLUMNS, 0)
            self._screen = Screen(columns, rows)
            self._cleared = self._painter.clear(columns, rows)
            self._is_changed = True
        now_s = time.monotonic()
        if self._is_changed and now_s >= self._due_s:
            # One write, so that a cleared screen is never seen.
            written = self._cleared + self._painter.paint(self._screen.drawn(self._scene))
            terminal.write(written)
            self._is_changed, self._cleared = False, b""
            self._pace.drawn(now_s, len(written))

    @property
    def _longest_s(self) -> float:
        """Longest wait for keys or news; an end of the sound is not news."""
        return QUIET_AFTER_S if self._scene.heard else _IDLE_S

    @property
    def _due_s(self) -> float:
        """Time of the next frame."""
        first_s = self._began_s + _FIRST_S if self._scene.is_empty else 0.0
        return max(self._pace.due_s, first_s)

    def _take_news(self, feeds: Feeds) -> None:
        heard = feeds.heard
        if heard is not self._scene.heard:
            if heard is None or self._scene.heard is None:
                self._change()
            self._scene.heard, self._is_changed = heard, True
        for message in feeds.messages():
            self._change()
            self._news.take(message)

    def _change(self) -> None:
        self._is_changed = True
        self._scene.version += 1
