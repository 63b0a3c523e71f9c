"""One open page: its requests go to Entrain, and news of Entrain goes to it."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from entrain.errors import EntrainError
from entrain.vdevice.api import answers
from entrain.vdevice.api.app_link import AppLink, reason_of
from entrain.vdevice.limits import MAX_CAUSES

COMMANDS = frozenset(
    (
        *("adjust", "blocks", "bypass", "delete", "devices", "heads", "midi"),
        *("midi_forget", "midi_learn", "midi_mappings", "next", "off", "on"),
        *("output", "protocol", "protocols", "recentre", "redo", "rename", "save", "session"),
        *("set", "settings", "sleep", "status", "tracking", "undo", "use"),
    )
)
"""The commands of the control socket that a page may send: not `stop`; none takes a path."""
STATUS_PARTS = frozenset(answers.Status.__annotations__)
MESSAGES_PER_S = 100.0
"""Messages that a page can send in a second; further ones wait."""
_MOST_AT_ONCE = 50
MAX_ID_CHARS = 64
SLOW_BYTES = 1 << 18
"""Bytes that wait for a page which is too slow; it then gets no samples until it has read them."""


class MessageError(EntrainError):
    """A page's message cannot be understood."""


class PageLink:
    """One page.

    Parameters
    ----------
    socket : ServerConnection
        The page's WebSocket.
    name : str
        The page's name as a client of Entrain.
    path : Path
        The control socket.
    subscribed : callable
        Called with this page after it has changed `parts` or `wants_samples`.

    """

    def __init__(
        self,
        socket: ServerConnection,
        name: str,
        path: Path,
        subscribed: Callable[["PageLink"], object],
    ) -> None:
        self.socket = socket
        self.name = name
        self.parts: frozenset[str] = frozenset()
        """Parts of the status that the page wants."""
        self.wants_samples = False
        self._link = AppLink(path)
        self._subscribed = subscribed
        self._events: list[Mapping[str, object]] = []
        self._status: dict[str, Any] = {}
        self._causes: dict[str, None] = {}
        self._has_news = asyncio.Event()
        self._due_s = 0.0

    # ---- from the page -----------------------------------------------------------------------

    async def answer(self, message: str | bytes) -> str:
        """Carry out a message of the page and return the answer."""
        number: object = None
        try:
            asked = _read(message)
            number = _id_of(asked)
            command = asked.pop("command", None)
            # `fields` may have a member `id`, which is not the number of this request.
            fields = asked.pop("fields", {})
            if not isinstance(fields, dict):
                raise MessageError("fields must be an object")
            asked |= fields
            if command == "subscribe":
                self._subscribe(asked)
                return json.dumps({"id": number, "ok": True, "result": None})
            if not isinstance(command, str) or command not in COMMANDS:
                raise MessageError(f"command must be one of {', '.join(sorted(COMMANDS))}")
            request = json.dumps({**asked, "command": command, "client": self.name})
            line = await self._link.ask(request.encode("utf-8", "replace"))
        except EntrainError as error:
            return json.dumps({"id": number, "ok": False, "error": reason_of(error)})
        # Entrain's answer is an object; the id becomes its first member.
        return f'{{"id": {json.dumps(number)}, {line.decode("utf-8", "replace").strip()[1:]}'

    async def pace(self) -> None:
        """Wait where the page sends messages too fast."""
        now_s = asyncio.get_running_loop().time()
        due_s = max(self._due_s, now_s - _MOST_AT_ONCE / MESSAGES_PER_S)
        self._due_s = due_s + 1 / MESSAGES_PER_S
        if due_s > now_s:
            await asyncio.sleep(due_s - now_s)

    def _subscribe(self, asked: Mapping[str, Any]) -> None:
        status, samples = asked.get("status"), asked.get("samples", False)
        names = [] if status is None else status
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            raise MessageError("status must be a list of names, or null")
        if unknown := sorted({*names} - STATUS_PARTS):
            raise MessageError(f"the status has no part {unknown[0]!r}")
        if not isinstance(samples, bool):
            raise MessageError("samples must be true or false")
        self.parts, self.wants_samples = frozenset(names), samples
        self._status = {name: each for name, each in self._status.items() if name in self.parts}
        self._subscribed(self)

    # ---- to the page -------------------------------------------------------------------------

    def tell(self, event: Mapping[str, object]) -> None:
        """Send an event soon."""
        self._events.append(event)
        self._has_news.set()

    def tell_status(self, parts: Mapping[str, Any], caused_by: Iterable[str] = ()) -> None:
        """Send changed parts of the status soon; newer values replace those not sent yet."""
        self._status.update(parts)
        for cause in caused_by:
            if len(self._causes) < MAX_CAUSES:
                self._causes[cause] = None
        self._has_news.set()

    @property
    def is_slow(self) -> bool:
        """Whether the page is behind."""
        return self.socket.transport.get_write_buffer_size() > SLOW_BYTES

    async def send_news(self) -> None:
        """Send all news, each as fast as the page reads, until the page has closed."""
        try:
            while True:
                await self._has_news.wait()
                self._has_news.clear()
                events, self._events = self._events, []
                for event in events:
                    await self.socket.send(json.dumps(event))
                if self._status:
                    status, self._status = self._status, {}
                    causes, self._causes = list(self._causes), {}
                    news = {"event": "status", "status": status, "caused_by": causes}
                    await self.socket.send(json.dumps(news))
        except ConnectionClosed:
            return

    def close(self) -> None:
        """Close the page's connection to Entrain.  Idempotent."""
        self._link.close()


def _read(message: str | bytes) -> dict[str, Any]:
    if not isinstance(message, str):
        raise MessageError("a message must be text")
    try:
        asked = json.loads(message)
    except (ValueError, RecursionError):
        raise MessageError("a message must be JSON") from None
    if not isinstance(asked, dict):
        raise MessageError("a message must be a JSON object")
    return asked


def _id_of(asked: dict[str, Any]) -> object:
    number = asked.pop("id", None)
    is_short = isinstance(number, str) and len(number) <= MAX_ID_CHARS
    if number is None or is_short or (isinstance(number, int) and abs(number) < 1 << 53):
        return number
    raise MessageError("id must be a whole number or a short text")
