"""Threads that talk to the running Entrain, so that the screen never waits for it."""

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entrain.errors import EntrainError
from entrain.tray.terminal.actions import Request
from entrain.tray.terminal.analysis import Analyser, Heard
from entrain.tray.terminal.scene import PARTS
from entrain.vdevice.api.client import Client, News, NotRunning
from entrain.vdevice.limits import MAX_TAP_FRAMES

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import Blocks, Protocols, Status

STATUS_INTERVAL_S = 0.5
FRAMES_PER_S = 15
"""How often samples come while sound flows."""
QUIET_AFTER_S = 1.0
"""Time without new samples after which no sound is taken to flow."""
RETRY_S = 1.0
"""Pause before the next attempt while Entrain is not running."""
WAITING = "`entrain run` starts it; this screen waits for it"
MAX_MESSAGES = 256
"""Messages that a screen has not taken; a thread waits with further ones."""
MAX_PENDING = 8
"""Requests of keys that wait for Entrain; further ones are refused."""


@dataclass(frozen=True)
class Connected:
    """Entrain answers; news follow."""

    blocks: "Blocks"
    library: "Protocols"


@dataclass(frozen=True)
class Lost:
    """Entrain does not answer, or has ended."""

    why: str

    @property
    def has_ended(self) -> bool:
        """Whether no Entrain runs; otherwise only the connection is lost."""
        return self.why == WAITING


@dataclass(frozen=True)
class Done:
    """A request has been carried out, or refused."""

    request: Request
    status: "Status | None" = None
    """The answer; None: the request was refused."""
    error: str = ""


Message = Connected | Lost | Done | News


class Feeds:
    """The connections of one screen; a context manager.

    Parameters
    ----------
    path : Path or None
        The control socket; by default this user's.
    name : str
        Name of this client in `caused_by`.
    wake : callable
        Called after each message, on any thread.

    """

    def __init__(self, path: Path | None, name: str, wake: Callable[[], None]) -> None:
        self.bands = 0
        """Number of bands in the spectrum."""
        self._path, self._name, self._wake = path, name, wake
        self._newest: tuple[float, Heard | None] = (0.0, None)
        self._messages: queue.Queue[Message] = queue.Queue(MAX_MESSAGES)
        self._ends = threading.Event()
        self._pending: deque[Request] = deque()
        self._news = threading.Condition()
        self._clients: set[Client] = set()
        self._threads = [
            threading.Thread(target=each, daemon=True)
            for each in (self._watch, self._listen, self._carry_out)
        ]

    def __enter__(self) -> "Feeds":
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        with self._news:
            self._news.notify_all()
        for client in list(self._clients):
            client.hang_up()
        for each in self._threads:  # they are daemons, so none of them can hold up the end
            each.join(0.2)

    @property
    def heard(self) -> Heard | None:
        """The newest sound; None while none flows."""
        at_s, heard = self._newest
        return heard if time.monotonic() < at_s + QUIET_AFTER_S else None

    def messages(self) -> list[Message]:
        """Return the messages since the last call."""
        found: list[Message] = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self._messages.get_nowait())
        return found

    def ask(self, request: Request) -> bool:
        """Send a request; `Done` follows.  Returns false if too many requests wait."""
        with self._news:
            joined = self._pending[-1].joined(request) if self._pending else None
            if joined is not None:
                self._pending[-1] = joined
            elif len(self._pending) >= MAX_PENDING:
                return False
            else:
                self._pending.append(request)
            self._news.notify_all()
        return True

    def _tell(self, message: Message) -> None:
        while not self._ends.is_set():
            with contextlib.suppress(queue.Full):
                self._messages.put(message, timeout=0.1)
                self._wake()
                return

    def _again(self, once: Callable[[Client], None], tell: Callable[[str], None]) -> None:
        """Call a function with a connection, and with another one after each failure."""
        while not self._ends.is_set():
            why = "the connection to Entrain was lost"
            try:
                with Client(self._path) as client:
                    self._clients.add(client)
                    try:
                        once(client)
                    finally:
                        self._clients.discard(client)
                # Entrain hangs up when it ends, but also on a stopped client (Ctrl-Z).
                if not self._ends.is_set():
                    Client(self._path).close()
            except NotRunning:
                why = WAITING
            except EntrainError as error:
                why = " ".join(str(error).split())
            except (LookupError, TypeError, ValueError):
                why = "cannot understand Entrain's answer"
            tell(why)
            self._ends.wait(RETRY_S)

    def _watch(self) -> None:
        def once(client: Client) -> None:
            self._tell(Connected(client.ask("blocks"), client.ask("protocols")))
            news = client.watch_parts(PARTS, STATUS_INTERVAL_S, self._name, prompt=True)
            for each in news:
                self._tell(each)

        self._again(once, lambda why: self._tell(Lost(why)))

    def _listen(self) -> None:
        self._again(self._follow_sound, lambda _why: None)

    def _follow_sound(self, client: Client) -> None:
        analyser = Analyser()
        for sound in client.follow_samples(1 / FRAMES_PER_S, MAX_TAP_FRAMES):
            if self.heard is None:  # the former sound has ended
                analyser = Analyser()
            if sound.frames:
                self._newest = (time.monotonic(), analyser.take(sound, self.bands))
                if not self._ends.is_set():
                    self._wake()

    def _carry_out(self) -> None:
        while not self._ends.is_set():
            with self._news:
                while not self._pending and not self._ends.is_set():
                    self._news.wait()
                if self._ends.is_set():
                    return
                request = self._pending.popleft()
            self._tell(self._done(request))

    def _done(self, request: Request) -> Done:
        try:
            with Client(self._path) as client:
                fields: dict[str, Any] = {**request.fields, "client": self._name}
                return Done(request, client.ask(request.command, **fields))
        except EntrainError as error:
            return Done(request, error=" ".join(str(error).split()))
