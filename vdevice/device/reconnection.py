"""Connects again after a connection was lost, with growing pauses between failures.

This module does not know what the connection is.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from entrain.errors import EntrainError

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 4.0


class Reconnection:
    """Keeps a connection up, and knows since when and why it is down.

    Parameters
    ----------
    note : callable
        Receives one line for the user.

    """

    def __init__(self, note: Callable[[str], None]) -> None:
        self.trouble = ""
        """The reason why there is no connection, one line."""
        self.retry_at_s: float | None = None
        """Time of the next attempt on the monotonic clock; None while connected."""
        self._note = note
        self._pause_s = FIRST_PAUSE_S

    async def keep_up(
        self, live_once: Callable[[], Awaitable[None]], hopeless: type[EntrainError]
    ) -> None:
        """Connect, and connect again after each loss, until cancelled.

        Parameters
        ----------
        live_once : callable
            Connects, calls `succeeded`, and returns or raises `EntrainError` when the connection
            is lost.
        hopeless : type of EntrainError
            Error after which another attempt is useless; `keep_up` raises it, too.

        """
        while True:
            try:
                await live_once()
            except hopeless:
                raise
            except EntrainError as error:
                self._complain(str(error))
            self.retry_at_s = time.monotonic() + self._pause_s
            await asyncio.sleep(self._pause_s)
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def succeeded(self) -> None:
        """Note that the connection is up."""
        self.trouble, self.retry_at_s = "", None
        self._pause_s = FIRST_PAUSE_S

    def failed(self, reason: str) -> None:
        """Note a loss at once, since the clean-up after it may take a while."""
        self._complain(reason)
        self.retry_at_s = time.monotonic()

    def _complain(self, reason: str) -> None:
        if reason != self.trouble:  # report a server that stays away only once
            self._note(f"{reason}; trying again")
        self.trouble = reason
