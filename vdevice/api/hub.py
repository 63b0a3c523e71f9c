"""The hub between the app and its front ends: requests in, events out.

A front end is an adapter: it translates the messages of its clients into requests, and events into
messages.  It knows the hub and the messages, but not the app; the hub does not know sockets or
JSON.  Everything here runs on the main thread's asyncio loop.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from entrain.errors import EntrainError
from entrain.vdevice.api.messages import (
    ActiveProtocol,
    Command,
    GetStatus,
    Position,
    Request,
    Status,
    Watch,
)
from entrain.vdevice.api.messages.results import WithContent
from entrain.vdevice.limits import MAX_CAUSES

SAME_S = 0.02
"""Longest age of a status that several subscribers share, in seconds."""

PROMPT_S = 0.05
"""Shortest time between two looks of a prompt subscriber, in seconds."""

_GRID_S = 0.5
"""Subscribers look at multiples of this time, or of a shorter interval, and so look together."""

_log = logging.getLogger(__name__)

Answer = BaseModel | Sequence[BaseModel] | WithContent | None
"""The answer to a request."""

CarryOut = Callable[[Request], Awaitable[Answer]]

_STEADY = tuple(name for name in ActiveProtocol.model_fields if name not in Position.model_fields)

FIELDS = tuple(Status.model_fields)
"""Names of the fields of a `Status`, which a subscriber can choose from."""


@dataclass(frozen=True)
class Event:
    """A status for one subscriber."""

    status: Status
    """Shared by all subscribers: do not change it."""
    changed: tuple[str, ...]
    """Fields that differ from the last event; the first event has all fields."""
    caused_by: tuple[str, ...]
    """Clients whose commands were carried out since the last event, at most `MAX_CAUSES`.

    Empty if no command has caused the change.
    """


class Hub:
    """Passes requests on, and tells subscribers about changes.

    Parameters
    ----------
    carry_out : async callable
        Carries out a request and returns its answer.  If it returns None, the answer to a command
        is the new status, if `Command.answer` has one.
    look : callable
        Returns the present status.

    """

    def __init__(self, carry_out: CarryOut, look: Callable[[], Status]) -> None:
        self._carry_out = carry_out
        self._look = look
        self._subscribers: set[Subscription] = set()
        self._snapshot: Status | None = None
        self._taken_s = -math.inf

    async def ask(self, request: Request, client: str = "") -> Answer:
        """Carry out a request.

        Parameters
        ----------
        request : Request
            A query or a command.
        client : str
            Name of the client for the `caused_by` of events.

        Raises
        ------
        EntrainError
            The request is refused, or has run into a bug in Entrain.  An invalid request has
            changed nothing.  A command that failed on its way, for example because the sound
            server does not answer, may have changed a part; subscribers look and find it.

        """
        try:
            if isinstance(request, GetStatus | Watch):
                return self.status()
            if not isinstance(request, Command):
                return await self._carry_out(request)
            try:
                answer = await self._carry_out(request)
            finally:
                self.notify(client)
            return self.status() if answer is None and request.answer else answer
        except EntrainError:
            raise
        except Exception as error:  # a bug in Entrain; the sound and the other clients continue
            raise internal_error(request, error) from error

    def notify(self, client: str = "") -> None:
        """Let subscribers look, since something may have changed.

        Parameters
        ----------
        client : str
            The client that has caused the change; empty: no client has.

        """
        self._snapshot = None
        for each in self._subscribers:
            each.hear(client)

    def status(self) -> Status:
        """Make a new status, which subscribers who look within `SAME_S` share."""
        self._snapshot = self._look()
        self._taken_s = asyncio.get_running_loop().time()
        return self._snapshot

    def freeze(self) -> None:
        """Report the present status from now on, whatever else happens until Entrain's end."""
        last = self.status()
        self._look = lambda: last

    def shared_status(self) -> Status:
        """Return the last status if it is at most `SAME_S` old, or else a new one."""
        now_s = asyncio.get_running_loop().time()
        if self._snapshot is not None and now_s - self._taken_s < SAME_S:
            return self._snapshot
        return self.status()

    def subscribe(
        self,
        told: Status,
        interval_s: float,
        parts: Collection[str] | None = None,
        *,
        changes_only: bool = True,
        prompt: bool = False,
    ) -> "Subscription":
        """Subscribe to the status.

        Parameters
        ----------
        told : Status
            The status that the subscriber knows already.
        interval_s : float
            Shortest time between two events, in seconds.
        parts : collection of str, optional
            The fields of `Status` that matter; by default all.  If `position` is among them,
            `protocol` counts as changed only if more than its position has changed.
        changes_only : bool
            Yield only changes; otherwise one event after each interval.
        prompt : bool
            Look soon after `notify`, not only when the interval is over.

        Returns
        -------
        Subscription
            An asynchronous iterator of events; the caller must close it.

        """
        wanted = tuple(name for name in FIELDS if parts is None or name in parts)
        is_chosen = parts is not None
        subscription = Subscription(
            self, told, interval_s, wanted, changes_only, prompt, is_chosen and "position" in wanted
        )
        self._subscribers.add(subscription)
        return subscription

    def unsubscribe(self, subscription: "Subscription") -> None:
        """Remove a subscriber.  Idempotent."""
        self._subscribers.discard(subscription)


def internal_error(request: Request, error: Exception) -> EntrainError:
    """Log a bug in Entrain, and return the error that refuses the request."""
    debug = _log.isEnabledFor(logging.DEBUG)
    _log.error("%s failed: %r", request.command, error, exc_info=debug)
    return EntrainError(f"internal error in {request.command}: {type(error).__name__}")


class Subscription:
    """Events for one subscriber; made by `Hub.subscribe`.

    Events are not queued: a slow subscriber misses intermediate states and gets the present one.
    While nothing changes, no work is done.
    """

    def __init__(
        self,
        hub: Hub,
        told: Status,
        interval_s: float,
        parts: tuple[str, ...],
        changes_only: bool,
        prompt: bool,
        position_apart: bool,
    ) -> None:
        self._hub = hub
        self._told = told
        self._interval_s = interval_s
        self._parts = parts
        self._changes_only = changes_only
        self._prompt = prompt
        self._position_apart = position_apart
        self._loop = asyncio.get_running_loop()
        self._looked_s = self._loop.time()
        self._due_s = self._next_due_s(self._looked_s)
        self._moves = True
        self._has_news = False
        self._causes: dict[str, None] = {}
        self._is_closed = False
        self._waiting: asyncio.Future[None] | None = None
        self._waits_for_news = False

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> Event:
        while await self._may_look():
            now = self._hub.shared_status()
            causes, self._causes, self._has_news = tuple(self._causes), {}, False
            before, self._told = self._told, now
            self._looked_s = self._loop.time()
            changed = tuple(name for name in self._parts if self._differs(before, now, name))
            self._moves = before != now  # any field counts: a chosen field may change next
            if changed or not self._changes_only:
                return Event(now, changed, causes)
        raise StopAsyncIteration

    def _differs(self, before: Status, now: Status, name: str) -> bool:
        was, has = getattr(before, name), getattr(now, name)
        if name == "protocol" and self._position_apart and was and has:
            return any(getattr(was, each) != getattr(has, each) for each in _STEADY)
        return bool(was != has)

    async def _may_look(self) -> bool:
        """Wait for the next look; returns False if the subscription is closed."""
        await self._pause()
        if self._changes_only and not (self._moves or self._has_news or self._is_closed):
            await self._news()
        return not self._is_closed

    def hear(self, client: str) -> None:
        """Look as soon as the interval is over, or sooner if prompt.  The hub calls this."""
        self._has_news = True
        if client and len(self._causes) < MAX_CAUSES:
            self._causes[client] = None
        if self._prompt:
            self._due_s = min(self._due_s, self._looked_s + PROMPT_S)
        if self._waits_for_news or self._prompt:
            self._wake()

    def close(self) -> None:
        """End the iteration.  Idempotent."""
        self._is_closed = True
        self._hub.unsubscribe(self)
        self._wake()

    async def _pause(self) -> None:
        """Wait until the interval is over."""
        now_s = self._loop.time()
        while now_s < self._due_s and not self._is_closed:
            timer = self._loop.call_at(self._due_s, self._wake)
            try:
                await self._wait()
            finally:
                timer.cancel()
            now_s = self._loop.time()
        # Count from the due time, not from now: small delays would add up and leave the grid.
        was_due_s = self._due_s if now_s - self._due_s < SAME_S else now_s
        self._due_s = self._next_due_s(was_due_s)

    async def _news(self) -> None:
        """Wait until a part of the app may have changed."""
        self._waits_for_news = True
        try:
            await self._wait()
        finally:
            self._waits_for_news = False
        self._due_s = self._next_due_s(self._loop.time())

    async def _wait(self) -> None:
        self._waiting = self._loop.create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _next_due_s(self, from_s: float) -> float:
        grid_s = self._interval_s / math.ceil(self._interval_s / _GRID_S)
        return math.ceil((from_s + self._interval_s) / grid_s - 1e-6) * grid_s
