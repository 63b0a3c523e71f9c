"""Fetches samples for all pages with one request at a time; without subscribers, with none.

Thirty times a second this is most of the process's work, so it goes without a task and without a
copy that can be avoided.
"""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Callable, Collection
from pathlib import Path

from websockets.asyncio.server import broadcast

from entrain.errors import EntrainError
from entrain.tray.dashboard.page_link import PageLink
from entrain.vdevice.api.app_link import TIMEOUT_S, connected, request_line
from entrain.vdevice.limits import MAX_TAP_FRAMES

PACKETS_PER_S = 30
QUIET_PACKETS_PER_S = 4
"""Requests a second while no sound flows."""
QUIET_AFTER_S = 1.0
"""Time without new samples after which no sound is taken to flow."""
FIRST_FRAMES = 2048
"""Most frames in the first packet."""
RETRY_S = 0.2
"""Pause before the next attempt while Entrain does not answer, in seconds."""
REFUSED_S = 5.0
"""The same after Entrain has refused a request, in seconds."""
_MAX_HEAD_BYTES = 4096

_HEAD = struct.Struct("<QII")
"""First frame, number of frames, sample rate in Hz; the samples follow."""


class SampleFeed:
    """The way of the samples.

    Parameters
    ----------
    path : Path
        The control socket.
    pages : collection of PageLink
        All open pages.

    """

    def __init__(self, path: Path, pages: Collection[PageLink]) -> None:
        self._path = path
        self._pages = pages
        self._is_wanted = asyncio.Event()
        self._stream: _Stream | None = None

    def look(self) -> None:
        """Begin or end: the wishes of the pages have changed."""
        if any(page.wants_samples for page in self._pages):
            self._is_wanted.set()
            return
        self._is_wanted.clear()
        if self._stream is not None:
            self._stream.close()

    async def run(self) -> None:
        """Fetch samples while a page wants them, until cancelled."""
        while True:
            while not self._is_wanted.is_set():  # a wish may be withdrawn before this task wakes up
                await self._is_wanted.wait()
            pause_s = RETRY_S
            with contextlib.suppress(EntrainError, OSError):
                found = connected(self._path)
                self._stream = _Stream(self._send)
                if await self._lasted(self._stream, found):
                    pause_s = REFUSED_S
            await asyncio.sleep(pause_s)

    async def _lasted(self, stream: "_Stream", found: socket.socket) -> bool:
        """Run a stream to its end; returns whether Entrain has refused a request."""
        try:
            await asyncio.get_running_loop().create_connection(lambda: stream, sock=found)
            await stream.ended
        finally:
            stream.close()
            self._stream = None
        return stream.is_refused

    def _send(self, packet: bytes) -> None:
        """Send a packet to all pages that are not behind; this never waits."""
        broadcast(
            [page.socket for page in self._pages if page.wants_samples and not page.is_slow],
            packet,
        )


class _Stream(asyncio.Protocol):
    """A connection to Entrain on which one request follows the other.

    Parameters
    ----------
    send : callable
        Takes each packet.

    """

    def __init__(self, send: Callable[[bytes], object]) -> None:
        self.is_refused = False
        self._send = send
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._received = bytearray()
        self._begin: int | None = None
        self._due_s = self._flowed_s = self._asked_s = self._loop.time()
        self._waits = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._tick()

    def connection_lost(self, error: Exception | None) -> None:
        self.close()

    def close(self) -> None:
        """End the stream.  Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        if not self.ended.done():
            self.ended.set_result(None)

    def data_received(self, data: bytes) -> None:
        # An answer mostly comes as one piece, which is then not copied.
        whole: bytes | bytearray = data
        if self._received:
            self._received += data
            whole = self._received
        end = whole.find(b"\n")
        if end < 0:
            if len(whole) > _MAX_HEAD_BYTES:
                self.close()
        else:
            try:
                head = json.loads(whole[:end])
                if head["ok"] is not True:
                    self.is_refused = True
                    self.close()
                    return
                if self._take(head["result"], whole, end + 1):
                    self._received.clear()
                    return
            except (ValueError, LookupError, TypeError, struct.error):  # not an Entrain
                self.close()
        if not self._received:
            self._received += data

    def _take(self, head: dict[str, int], whole: bytes | bytearray, begin: int) -> bool:
        """Take a whole answer, and return true; or return false if a part of it is missing."""
        if len(whole) < begin + head["bytes"]:
            return False
        first, frames = head["first"], head["frames"]
        now_s = self._loop.time()
        self._begin, self._waits = first + frames, False
        if frames:
            self._flowed_s = now_s
            packet = _HEAD.pack(first, frames, head["rate_hz"])
            self._send(b"".join((packet, memoryview(whole)[begin : begin + head["bytes"]])))
        if frames == MAX_TAP_FRAMES:  # more of them wait
            self._due_s = now_s
        return True

    def _tick(self) -> None:
        """Ask for samples, unless an answer is missing, and set the next time."""
        now_s = self._loop.time()
        if not self._waits:
            frames = FIRST_FRAMES if self._begin is None else MAX_TAP_FRAMES
            assert self._transport is not None
            self._transport.write(request_line("tap", first=self._begin, frames=frames) + b"\n")
            self._waits, self._asked_s = True, now_s
        elif now_s > self._asked_s + TIMEOUT_S:
            self.close()
            return
        flows = now_s - self._flowed_s < QUIET_AFTER_S
        # A late loop leaves out packets; the next one is longer.
        interval_s = 1 / (PACKETS_PER_S if flows else QUIET_PACKETS_PER_S)
        self._due_s = max(self._due_s + interval_s, now_s)
        self._timer = self._loop.call_at(self._due_s, self._tick)
