"""Messages of bundles with a time tag wait here until they are due."""

import asyncio
import time
from collections.abc import Callable

from entrain.vdevice.bridge.osc.peers import Sender
from entrain.vdevice.bridge.osc_reader import IMMEDIATELY, Message

MAX_AHEAD_S = 60.0
"""Longest time that a message can wait, in seconds."""
MAX_WAITING = 1024
"""Most messages that wait."""

_SECONDS_1900_TO_1970 = 2_208_988_800


class Schedule:
    """Hands messages on when they are due.

    Parameters
    ----------
    hand_on : callable
        Takes a message and its sender.

    """

    def __init__(self, hand_on: Callable[[Message, Sender], None]) -> None:
        self._hand_on = hand_on
        self._waiting: set[asyncio.TimerHandle] = set()

    def put(self, message: Message, sender: Sender) -> str:
        """Hand a message on, now or later.

        Returns
        -------
        str
            Reason of a refusal; empty if there is none.

        """
        wait_s = _wait_s(message.time_tag)
        if wait_s <= 0:
            self._hand_on(message, sender)
            return ""
        if wait_s > MAX_AHEAD_S:
            return f"the time tag is more than {MAX_AHEAD_S:g} s ahead"
        if len(self._waiting) >= MAX_WAITING:
            return f"more than {MAX_WAITING} messages wait for their time"

        def due() -> None:
            self._waiting.discard(timer)
            self._hand_on(message, sender)

        timer = asyncio.get_running_loop().call_later(wait_s, due)
        self._waiting.add(timer)
        return ""

    def close(self) -> None:
        """Forget all messages that wait.  Idempotent."""
        for timer in self._waiting:
            timer.cancel()
        self._waiting.clear()


def _wait_s(time_tag: int) -> float:
    """Return the time until a time tag, at most 0 for the past."""
    if time_tag == IMMEDIATELY:
        return 0.0
    return time_tag / (1 << 32) - _SECONDS_1900_TO_1970 - time.time()
