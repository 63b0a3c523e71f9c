"""Takes news into the scene, and keeps its log."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from entrain.tray.terminal import events
from entrain.tray.terminal.actions import outcome
from entrain.tray.terminal.feeds import WAITING, Connected, Done, Lost, Message
from entrain.tray.terminal.scene import Entry, Scene, slots
from entrain.tray.text.text_layout import clean
from entrain.vdevice.api.client import News

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import Status

SAME_ENTRY_S = 2.0
"""A change of a value that the same client has changed so shortly before replaces its entry."""


class NewsReader:
    """Changes a scene as messages tell.

    Parameters
    ----------
    scene : Scene
        The scene.
    name : str
        Name of this client in `caused_by`.
    clock : callable
        Returns a time in seconds.

    """

    def __init__(
        self, scene: Scene, name: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._scene, self._name, self._clock = scene, name, clock
        self._steps, self._entry_s = events.Steps(), 0.0

    def take(self, message: Message) -> None:
        """Take a message of the feeds."""
        scene = self._scene
        match message:
            case News():
                self._take_changes(message)
            case Done(request, status, error):
                if status is None:
                    scene.say(clean(error), is_error=True)
                else:
                    scene.say(outcome(request, status, scene.blocks))
            case Connected(blocks, library):
                scene.blocks = {each["kind"]: each for each in blocks["blocks"]}
                scene.slots = scene.slots or slots(library)
            case Lost(why):
                if scene.status is not None:
                    what = "Entrain has ended" if message.has_ended else "the connection was lost"
                    self._note("", what)
                scene.status = None
                scene.lost = clean(why)

    def _take_changes(self, news: News) -> None:
        before = self._scene.status
        after = cast("Status", {**(before or {}), **news.parts})
        self._scene.status = after
        if before is None:
            if self._scene.lost:
                is_back = self._scene.lost == clean(WAITING)
                self._note("", "Entrain is back" if is_back else "connected again")
            self._scene.lost = ""
            return
        who = ", ".join(dict.fromkeys(events.person(each, self._name) for each in news.caused_by))
        for line in (*self._steps.told(before, after), *events.changes(before, after)):
            self._note(who, line)
        for line in events.troubles(before, after):
            self._note("", line)

    def _note(self, who: str, text: str) -> None:
        """Add an entry to the log; it may replace the newest one."""
        log, now_s = self._scene.log, self._clock()
        subject, _, values = text.partition(": ")
        is_recent = log and log[-1].who == who and now_s < self._entry_s + SAME_ENTRY_S
        if " → " in values and is_recent and log[-1].text.startswith(f"{subject}: "):
            log.pop()
        self._entry_s = now_s
        log.append(Entry(time.strftime("%H:%M:%S"), who, text))
