"""The hub between the app and those who steer it: requests in, events out.

Front ends are adapters: each translates what its clients say into requests, and events into what
its clients understand.  A front end knows the hub and the messages, and nothing of the app; the
hub knows nothing of sockets or JSON.  Everything here runs on the main thread's asyncio loop.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from entrain.errors import EntrainError
from entrain.vdevice.api.messages import Command, GetStatus, Request, Status, Watch
from entrain.vdevice.limits import MAX_CAUSES

SAME_S = 0.02
"""Age up to which all subscribers share one look at how things stand, in seconds."""

_GRID_S = 0.5
"""Subscribers look at multiples of this time, or of a shorter interval: so they look together."""

_log = logging.getLogger(__name__)

Answer = BaseModel | Sequence[BaseModel] | None
"""What a request is answered with."""

CarryOut = Callable[[Request], Awaitable[Answer]]

FIELDS = tuple(Status.model_fields)
"""The parts of a `Status` that a subscriber can name."""


@dataclass(frozen=True)
class Event:
    """How things stand, told to one subscriber."""

    status: Status
    """Shared by all subscribers: not to be changed."""
    changed: tuple[str, ...]
    """The parts that differ from those of the event before; the first event has all of them."""
    caused_by: tuple[str, ...]
    """The clients whose commands were carried out since the event before, the first `MAX_CAUSES` of
    them; empty where something changes by itself."""


class Hub:
    """Passes requests on, and tells subscribers what has changed.

    Parameters
    ----------
    carry_out : async callable
        Carries out a request, and returns what it is answered with.  None: a command is answered
        with the status afterwards, if `Command.status_follows`.
    look : callable
        Says how things stand.

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
            The name under which events tell others who has caused a change.

        Raises
        ------
        EntrainError
            The request is refused, or it has met a bug of ours.  What is wrong in itself has
            changed nothing.  A command that failed on its way, such as at a sound server that
            does not answer, may have changed a part; subscribers look, and find it.

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
            return self.status() if answer is None and request.status_follows else answer
        except EntrainError:
            raise
        except Exception as error:  # a bug of ours; the sound and the other clients go on
            raise internal_error(request, error) from error

    def notify(self, client: str = "") -> None:
        """Let subscribers look, since something may have changed.

        Parameters
        ----------
        client : str
            Who has caused that; empty: nobody.

        """
        self._snapshot = None
        for each in self._subscribers:
            each.hear(client)

    def status(self) -> Status:
        """Look how things stand; subscribers who look at the same time share what is found."""
        self._snapshot = self._look()
        self._taken_s = asyncio.get_running_loop().time()
        return self._snapshot

    def shared_status(self) -> Status:
        """Say how things stand, as it was found just now."""
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
    ) -> "Subscription":
        """Follow how things stand.

        Parameters
        ----------
        told : Status
            What the subscriber knows already.
        interval_s : float
            Shortest time between two events, in seconds.
        parts : collection of str, optional
            The fields of `Status` that matter; without, all do.
        changes_only : bool
            Only events that tell a change; else one after each interval.

        Returns
        -------
        Subscription
            An asynchronous iterator of events, to be closed.

        """
        wanted = tuple(name for name in FIELDS if parts is None or name in parts)
        subscription = Subscription(self, told, interval_s, wanted, changes_only)
        self._subscribers.add(subscription)
        return subscription

    def unsubscribe(self, subscription: "Subscription") -> None:
        """Tell this subscriber nothing more.  Idempotent."""
        self._subscribers.discard(subscription)


def internal_error(request: Request, error: Exception) -> EntrainError:
    """Log a bug of ours, and say in one line what becomes of a request that has met it."""
    debug = _log.isEnabledFor(logging.DEBUG)
    _log.error("%s failed: %r", request.command, error, exc_info=debug)
    return EntrainError(f"internal error in {request.command}: {type(error).__name__}")


class Subscription:
    """Events for one subscriber; made by `Hub.subscribe`.

    No event waits in a queue: a subscriber that is slow misses what was in between, and finds the
    present state.  While nothing moves, nothing is done.
    """

    def __init__(
        self, hub: Hub, told: Status, interval_s: float, parts: tuple[str, ...], changes_only: bool
    ) -> None:
        self._hub = hub
        self._told = told
        self._interval_s = interval_s
        self._parts = parts
        self._changes_only = changes_only
        self._loop = asyncio.get_running_loop()
        self._due_s = self._next_due_s(self._loop.time())
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
            changed = tuple(
                name for name in self._parts if getattr(before, name) != getattr(now, name)
            )
            self._moves = before != now  # also where only other parts move: these may be next
            if changed or not self._changes_only:
                return Event(now, changed, causes)
        raise StopAsyncIteration

    async def _may_look(self) -> bool:
        """Wait until it is time to look; returns False when the subscription is closed."""
        await self._pause()
        if self._changes_only and not (self._moves or self._has_news or self._is_closed):
            await self._news()
        return not self._is_closed

    def hear(self, client: str) -> None:
        """Look as soon as the interval is over; called by the hub."""
        self._has_news = True
        if client and len(self._causes) < MAX_CAUSES:
            self._causes[client] = None
        if self._waits_for_news:
            self._wake()

    def close(self) -> None:
        """End the iteration.  Idempotent."""
        self._is_closed = True
        self._hub.unsubscribe(self)
        self._wake()

    async def _pause(self) -> None:
        """Wait until the interval is over."""
        now_s = self._loop.time()
        if now_s < self._due_s and not self._is_closed:
            timer = self._loop.call_at(self._due_s, self._wake)
            try:
                await self._wait()
            finally:
                timer.cancel()
            now_s = self._loop.time()
        # From when it was due, and not from now: who is a little late would drift off the grid.
        was_due_s = self._due_s if now_s - self._due_s < SAME_S else now_s
        self._due_s = self._next_due_s(was_due_s)

    async def _news(self) -> None:
        """Wait until something may have changed."""
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
