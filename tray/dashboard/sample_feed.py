"""Passes Entrain's samples on to all pages; without subscribers it asks for none.

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
from entrain.vdevice.api.app_link import connected, request_line

PACKETS_PER_S = 30
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
    """A connection to Entrain, which sends samples on it.

    Parameters
    ----------
    send : callable
        Takes each packet.

    """

    def __init__(self, send: Callable[[bytes], object]) -> None:
        self.is_refused = False
        self._send = send
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        wanted = request_line("tap", frames=FIRST_FRAMES, interval_s=1 / PACKETS_PER_S)
        transport.write(wanted + b"\n")

    def connection_lost(self, error: Exception | None) -> None:
        self.close()

    def close(self) -> None:
        """End the stream.  Idempotent."""
        if self._transport is not None:
            self._transport.abort()
        if not self.ended.done():
            self.ended.set_result(None)

    def data_received(self, data: bytes) -> None:
        # An answer mostly comes as one piece, which is then not copied.
        received, at = self._received + data if self._received else data, 0
        try:
            while not self.ended.done() and (end := self._taken(received, at)):
                at = end
        except (ValueError, LookupError, TypeError, struct.error):  # not an Entrain
            self.close()
        self._received = received[at:]

    def _taken(self, received: bytes, at: int) -> int:
        """Take one whole answer; returns where it ends, or 0 if a part of it is missing."""
        begin = received.find(b"\n", at) + 1
        if not begin:
            if len(received) - at > _MAX_HEAD_BYTES:
                self.close()
            return 0
        answer = json.loads(received[at:begin])
        if answer["ok"] is not True:
            self.is_refused = True
            self.close()
            return 0
        head = answer["result"]
        end = begin + int(head["bytes"])
        if len(received) < end:
            return 0
        if head["frames"]:
            packet = _HEAD.pack(head["first"], head["frames"], head["rate_hz"])
            self._send(b"".join((packet, memoryview(received)[begin:end])))
        return end
