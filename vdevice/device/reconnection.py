"""Being connected to the sound server again and again, with growing pauses where that fails.

Knows nothing of what a connection is.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from entrain.errors import EntrainError

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 4.0


class Reconnection:
    """Keeps something connected, and says since when and why it is not.

    Parameters
    ----------
    note : callable
        Takes one line for the user.

    """

    def __init__(self, note: Callable[[str], None]) -> None:
        self.trouble = ""
        """Why there is no connection, one line."""
        self.retry_at_s: float | None = None
        """When the next attempt is due, on the monotonic clock; None while there is no trouble."""
        self._note = note
        self._pause_s = FIRST_PAUSE_S

    async def keep_up(
        self, live_once: Callable[[], Awaitable[None]], hopeless: type[EntrainError]
    ) -> None:
        """Connect, and whenever that ends connect once more, until cancelled.

        Parameters
        ----------
        live_once : callable
            Connects, calls `succeeded`, and goes on until the connection is lost, which is an
            `EntrainError`.
        hopeless : type of EntrainError
            Raised by `live_once` where another attempt would be no use; it ends this, too.

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
        """Note that there is a connection now."""
        self.trouble, self.retry_at_s = "", None
        self._pause_s = FIRST_PAUSE_S

    def failed(self, reason: str) -> None:
        """Note at once that the connection is lost: to clear up after it may take a while."""
        self._complain(reason)
        self.retry_at_s = time.monotonic()

    def _complain(self, reason: str) -> None:
        if reason != self.trouble:  # a server that stays away is told once
            self._note(f"{reason}; trying again")
        self.trouble = reason
