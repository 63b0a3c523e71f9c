"""The way from the bridge to the running app: requests at the control socket.

A controller sends up to 1,000 values a second, and the app needs none but the last.  So values
gather here: for each address the last one is kept, and one `set` with all of them goes out at most
every `INTERVAL_S`.  While a request is unanswered, values gather, too, so a slow app gets fewer.
Requests keep their order.
"""

import asyncio
import collections
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from entrain.errors import EntrainError
from entrain.vdevice.api.app_link import AppLink
from entrain.vdevice.limits import MAX_VALUES

INTERVAL_S = 0.01
OVER_S = 0.02
"""Duration of the move to a new value, in seconds: too short to notice, too long to click."""
MOST_WAITING = 64
"""Most requests that wait; a run of values counts once."""

Done = Callable[[Any, str], None]
"""Takes the result of a request, or None and the reason of a refusal."""


class _Outcome(NamedTuple):
    """What has become of a request."""

    result: Any
    error: str = ""
    is_answered: bool = True
    """Whether the app has answered, be it with a refusal."""


@dataclass
class _Entry:
    """A request that waits."""

    fields: dict[str, Any]
    values: dict[str, float] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)


class ControlLink:
    """Sends one part's requests, one after the other.

    Parameters
    ----------
    control_socket : Path
        The control socket.
    client : str
        Name by which others learn who has caused a change.
    refuse : callable
        Takes the reason why values are not set, or why the result of a request is of no use.

    """

    def __init__(self, control_socket: Path, client: str, refuse: Callable[[str], None]) -> None:
        self._refuse = refuse
        self._link = AppLink(control_socket)
        self._client = client
        self._waiting: collections.deque[_Entry] = collections.deque()
        self._work: asyncio.Task[None] | None = None
        self._next_s = 0.0

    def set_value(self, address: str, value: float) -> bool:
        """Set a parameter, unless another value for it comes first.

        Parameters
        ----------
        address : str
            As `tone.beat_hz`.
        value : float
            In the parameter's own unit; finite.

        Returns
        -------
        bool
            False if too much waits already.

        """
        last = self._waiting[-1] if self._waiting else None
        if last is None or not 0 < len(last.values) < MAX_VALUES:
            last = _Entry({"command": "set", "over_s": OVER_S})
            if not self._append(last):
                return False
        last.values[address] = value
        return True

    def ask(
        self,
        request: Mapping[str, object],
        done: Done,
        *,
        newest: bool = False,
        shared: bool = False,
    ) -> bool:
        """Send a request after those before it.

        Parameters
        ----------
        request : mapping
            A `command` of the control API, and its other fields, as JSON values.
        done : callable
            Takes the result, or the reason of a refusal.
        newest : bool
            The request replaces the one before it, if that still waits and has the same command.
        shared : bool
            One answer serves this request and the one before it, if that still waits and has the
            same command.

        Returns
        -------
        bool
            False if too much waits already.

        """
        last = self._waiting[-1] if self._waiting else None
        if last is not None and last.fields.get("command") == request["command"]:
            if newest:
                last.fields, last.done = dict(request), [done]
                return True
            if shared and len(last.done) < MOST_WAITING:
                last.done.append(done)
                return True
        return self._append(_Entry(dict(request), done=[done]))

    def close(self) -> None:
        """Drop the requests that wait.  Idempotent."""
        if self._work is not None:
            self._work.cancel()
        self._waiting.clear()
        self._link.close()

    def _append(self, entry: _Entry) -> bool:
        if len(self._waiting) >= MOST_WAITING:
            return False
        self._waiting.append(entry)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._send_all())
        return True

    async def _send_all(self) -> None:
        while self._waiting:
            await self._turn()
            await self._send(self._waiting.popleft())

    async def _turn(self) -> None:
        """Wait until a request may go out."""
        now_s = asyncio.get_running_loop().time
        await asyncio.sleep(self._next_s - now_s())
        self._next_s = now_s() + INTERVAL_S

    async def _send(self, entry: _Entry) -> None:
        if entry.values:
            await self._set(entry.fields, entry.values)
            return
        outcome = await self._asked(entry.fields)
        for done in entry.done:
            try:
                done(outcome.result, outcome.error)
            except Exception as error:  # the requests behind it are still sent
                self._refuse(f"internal error: {type(error).__name__}: {error}")

    async def _set(self, fields: Mapping[str, object], values: Mapping[str, float]) -> None:
        outcome = await self._asked({**fields, "values": values})
        if not outcome.error:
            return
        if len(values) == 1 or not outcome.is_answered:
            self._refuse(outcome.error)
            return
        for address, value in values.items():  # a bad one does not keep the others back
            await self._turn()
            outcome = await self._asked({**fields, "values": {address: value}})
            if outcome.error:
                self._refuse(outcome.error)
            if not outcome.is_answered:  # each of the others could take as long
                return

    async def _asked(self, fields: Mapping[str, object]) -> _Outcome:
        request = {"client": self._client, **fields}
        try:
            answer = json.loads(await self._link.ask(json.dumps(request).encode()))
            if answer["ok"]:
                return _Outcome(answer["result"])
            return _Outcome(None, str(answer["error"]))
        except EntrainError as error:
            return _Outcome(None, str(error), is_answered=False)
        except (ValueError, KeyError, TypeError):
            return _Outcome(None, "Entrain's answer is not understood", is_answered=False)
