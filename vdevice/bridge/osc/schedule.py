"""Messages of bundles with a time tag wait here until they are due."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable

from entrain.vdevice.bridge.osc.machines import Sender
from entrain.vdevice.bridge.osc_reader import IMMEDIATELY, Message

MAX_AHEAD_S = 60.0
"""Longest time that a message can wait, in seconds."""
MAX_WAITING = 1024
"""Most messages that wait."""

_SECONDS_1900_TO_1970 = 2_208_988_800


class Schedule:
    """Hands messages on when they are due: by their time tags, and then as they came.

    Parameters
    ----------
    hand_on : callable
        Takes a message and its sender.

    """

    def __init__(self, hand_on: Callable[[Message, Sender], None]) -> None:
        self._hand_on = hand_on
        self._waiting: list[tuple[int, int, Message, Sender]] = []
        """A heap by time tag and number of arrival, which no two messages share."""
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def put(self, message: Message, sender: Sender) -> str:
        """Hand a message on, now or later.

        Returns
        -------
        str
            Reason of a refusal; empty if there is none.

        """
        wait_s = _wait_s(message.time_tag)
        if wait_s <= 0:
            # The tag may have become due while the messages of its bundle were put.
            self._hand_on_due()
            self._hand_on(message, sender)
            return ""
        if wait_s > MAX_AHEAD_S:
            return f"the time tag is more than {MAX_AHEAD_S:g} s ahead"
        if len(self._waiting) >= MAX_WAITING:
            return f"more than {MAX_WAITING} messages wait for their time"
        heapq.heappush(self._waiting, (message.time_tag, next(self._numbers), message, sender))
        if self._waiting[0][2] is message:
            self._wait()
        return ""

    def close(self) -> None:
        """Forget all messages that wait.  Idempotent."""
        self._waiting.clear()
        self._wait()

    def _wait(self) -> None:
        """Wait for the message that is due first."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            wait_s = max(_wait_s(self._waiting[0][0]), 0.0)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._hand_on_due)

    def _hand_on_due(self) -> None:
        try:
            while self._waiting and _wait_s(self._waiting[0][0]) <= 0:
                _, _, message, sender = heapq.heappop(self._waiting)
                self._hand_on(message, sender)
        finally:
            self._wait()


def _wait_s(time_tag: int) -> float:
    """Return the time until a time tag, at most 0 for the past."""
    if time_tag == IMMEDIATELY:
        return 0.0
    return time_tag / (1 << 32) - _SECONDS_1900_TO_1970 - time.time()
