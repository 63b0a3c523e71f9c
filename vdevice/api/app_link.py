"""A connection to the running Entrain on the asyncio loop; answers stay as bytes."""

import asyncio
import collections
import json
import socket
from pathlib import Path

from entrain.errors import EntrainError
from entrain.platform.local_socket import SocketError, connect
from entrain.vdevice.api.client import MAX_ANSWER_BYTES, ClientError, NotRunning

TIMEOUT_S = 15.0
"""Longest wait for an answer, in seconds."""
MAX_LINES = 16
"""Number of waiting lines from which on the link reads no more; Entrain then waits, for 10 s.

The last piece that was read, of at most 256 KiB, may have further lines.
"""
_CONNECT_TIMEOUT_S = 0.2
"""Longest time to connect; it blocks the loop, but ends at once unless Entrain is very busy."""


class AppLink:
    """One connection, opened by the first request; requests wait for each other.

    Parameters
    ----------
    path : Path
        The control socket.

    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = asyncio.Lock()
        self._lines = _Lines()

    async def ask(self, request: bytes) -> bytes:
        """Send a request and return the answer's line.

        Parameters
        ----------
        request : bytes
            A JSON object in one line, without a newline.

        Raises
        ------
        NotRunning
            No Entrain is listening.
        ClientError
            Entrain ends without an answer, or does not answer in time.

        """
        async with self._turn:
            return await self._asked(request)

    async def tell(self, request: bytes) -> None:
        """Send a request that has no answer, once Entrain has taken the former ones.

        Raises
        ------
        NotRunning
            No Entrain is listening.
        ClientError
            Entrain takes nothing any more.

        """
        async with self._turn:
            await self.open()
            self.send(request)
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    await self._lines.sent()
            except TimeoutError:
                self.close()
                raise ClientError("Entrain does not answer") from None

    async def open(self) -> None:
        """Connect, unless connected; raises errors as `ask`."""
        # Entrain may have hung up on an idle client, with a line that says why.
        if not self._lines.is_usable:
            self.close()
            found = connected(self._path)
            lines = self._lines = _Lines()
            await asyncio.get_running_loop().create_connection(lambda: lines, sock=found)

    def send(self, request: bytes) -> None:
        """Send a request whose answers `line` returns; the connection must be open."""
        self._lines.write(request + b"\n")

    async def line(self) -> bytes:
        """Wait for the next line, for any time; returns ``b""`` when Entrain has hung up."""
        return await self._lines.next()

    def close(self) -> None:
        """Close the connection; the next request opens another one.  Idempotent."""
        self._lines.close()

    async def _asked(self, request: bytes) -> bytes:
        await self.open()
        self.send(request)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self.line()
        except TimeoutError:
            self.close()
            raise ClientError("Entrain does not answer") from None
        except BaseException:  # a later answer would be taken for the next request's
            self.close()
            raise
        if not answer:
            self.close()
            raise ClientError("Entrain has ended without an answer")
        return answer


class _Lines(asyncio.Protocol):
    """The lines that arrive on one connection."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._is_open = False
        self._is_paused = False
        self._begun = bytearray()
        self._lines: collections.deque[bytes] = collections.deque()
        self._news = asyncio.Event()
        self._sent = asyncio.Event()
        self._sent.set()

    @property
    def is_usable(self) -> bool:
        """Whether the next line can be the answer to a new request."""
        return self._is_open and not self._lines

    def write(self, data: bytes) -> None:
        """Send data, unless the connection is closed."""
        if self._transport is not None and self._is_open:
            self._transport.write(data)

    async def sent(self) -> None:
        """Wait until the kernel has taken all data, or the connection is closed."""
        await self._sent.wait()

    async def next(self) -> bytes:
        """Wait for a line; returns ``b""`` at the end."""
        while not self._lines and self._is_open:
            self._news.clear()
            await self._news.wait()
        line = self._lines.popleft() if self._lines else b""
        if self._is_paused and self._transport is not None and len(self._lines) < MAX_LINES:
            self._is_paused = False
            self._transport.resume_reading()
        return line

    def close(self) -> None:
        """Close the connection.  Idempotent."""
        if self._transport is not None:
            self._transport.abort()
        self._end()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._is_open = transport, True
        transport.set_write_buffer_limits(0)

    def pause_writing(self) -> None:
        self._sent.clear()

    def resume_writing(self) -> None:
        self._sent.set()

    def data_received(self, data: bytes) -> None:
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = bytes(self._begun) + lines[0]
            self._begun.clear()
            self._lines.extend(lines)
            self._news.set()
        if self._transport is not None and len(self._lines) > MAX_LINES:
            self._is_paused = True
            self._transport.pause_reading()
        self._begun += rest
        if len(self._begun) > MAX_ANSWER_BYTES:
            self.close()

    def eof_received(self) -> None:
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    def _end(self) -> None:
        self._is_open = False
        self._news.set()
        self._sent.set()


def connected(path: Path) -> socket.socket:
    """Connect to the control socket, for a loop; raises errors as `AppLink.ask`."""
    try:
        found = connect(path, _CONNECT_TIMEOUT_S)
    except SocketError as error:
        raise ClientError(str(error)) from error
    if found is None:
        raise NotRunning
    found.setblocking(False)
    return found


def request_line(command: str, **fields: object) -> bytes:
    """Return a request as `AppLink.ask` takes it."""
    return json.dumps({"command": command, **fields}).encode()


def reason_of(error: EntrainError) -> str:
    """Return an error as one line."""
    return " ".join(str(error).split())
