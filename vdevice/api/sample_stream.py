"""Sends the samples of a `tap` with an interval.  Runs on the main thread's asyncio loop.

It wakes the loop up 30 times a second, each time with cold caches.  Therefore a callback does all
the work, without the hub, a task or a model: these took half of the processor time.
"""

import asyncio

from entrain.errors import EngineError
from entrain.vdevice.api import connection
from entrain.vdevice.api.messages.results import Tap
from entrain.vdevice.limits import MAX_TAP_FRAMES

QUIET_AFTER_S = 1.0
"""Time without new samples after which the sound has ended."""
QUIET_S = 0.25
"""Interval at which the stream then looks for new ones."""

_LINE = b'{"ok": true, "result": {"first": %d, "frames": %d, "rate_hz": %d, "bytes": %d}}\n'


class SampleStream:
    """Sends new samples to a client, from its first answer on until it is closed.

    A client that reads too slowly gets longer pieces.  Where the engine has overwritten frames
    meanwhile, the next piece begins later than the last one has ended.

    Parameters
    ----------
    client : Connection
        Gets the samples.
    tap : callable
        Returns them.
    end : int
        Number of the first frame that the client has not got.
    interval_s : float
        Time between two pieces, in seconds.

    """

    def __init__(
        self, client: connection.Connection, tap: Tap, end: int, interval_s: float
    ) -> None:
        self._client = client
        self._tap = tap
        self._end = end
        self._interval_s = interval_s
        self._loop = asyncio.get_running_loop()
        self._flowed_s = self._due_s = self._read_s = self._loop.time()
        self._timer = self._loop.call_later(interval_s, self._tick)

    def close(self) -> None:
        """Send nothing more.  Idempotent."""
        self._timer.cancel()

    def _tick(self) -> None:
        now_s = self._loop.time()
        if self._client.is_behind:
            if now_s - self._read_s > connection.LINE_TIMEOUT_S:
                self._client.drop()
                return
        else:
            self._read_s = now_s
            self._send(now_s)
        interval_s = self._interval_s if now_s - self._flowed_s < QUIET_AFTER_S else QUIET_S
        self._due_s = max(self._due_s + interval_s, now_s)  # a late loop leaves out a piece
        self._timer = self._loop.call_at(self._due_s, self._tick)

    def _send(self, now_s: float) -> None:
        try:
            found = self._tap(self._end, MAX_TAP_FRAMES)
        except EngineError:  # overwritten while they were copied
            return
        if found.frames:
            self._flowed_s, self._end = now_s, found.first + found.frames
            line = _LINE % (found.first, found.frames, found.rate_hz, len(found.content))
            self._client.offer(b"".join((line, found.content)))
