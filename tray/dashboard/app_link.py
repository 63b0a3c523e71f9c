"""A connection to the running Entrain on the asyncio loop; answers stay as bytes."""

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import NamedTuple

from entrain.errors import EntrainError
from entrain.platform.local_socket import SocketError, connect
from entrain.vdevice.api.client import ClientError, NotRunning

TIMEOUT_S = 15.0
"""Longest wait for an answer, in seconds."""
_CONNECT_TIMEOUT_S = 0.2
"""Longest time to connect; it blocks the loop, but ends at once unless Entrain is very busy."""
_MAX_LINE_BYTES = 4 << 20


class Tapped(NamedTuple):
    """Sound that came in and went out."""

    first: int
    """Number of the first frame."""
    frames: int
    rate_hz: int
    samples: bytes
    """`frames` frames of the input, then the same of the output: left, right, float32."""


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
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

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

    async def tap(self, first: int | None, frames: int) -> Tapped:
        """Ask for samples; raises errors as `ask`, and ClientError if Entrain refuses.

        Parameters
        ----------
        first : int or None
            Number of the first frame; None: the newest frames.
        frames : int
            Most frames of the answer.

        """
        request = json.dumps({"command": "tap", "first": first, "frames": frames}).encode()
        async with self._turn:
            answer = json.loads(await self._asked(request))
            if answer["ok"] is not True:
                raise ClientError(str(answer["error"]))
            head = answer["result"]
            assert self._reader is not None
            samples = await self._within_time(self._reader.readexactly(head["bytes"]))
        return Tapped(head["first"], head["frames"], round(head["rate_hz"]), samples)

    async def open(self) -> None:
        """Connect, unless connected; raises errors as `ask`."""
        await self._opened()

    def send(self, request: bytes) -> None:
        """Send a request whose answers `line` returns; the connection must be open."""
        if self._writer is not None:
            self._writer.write(request + b"\n")

    async def line(self) -> bytes:
        """Wait for the next line, for any time; returns ``b""`` when Entrain has hung up."""
        if self._reader is None:
            return b""
        try:
            line = await self._reader.readline()
        except (OSError, ValueError):  # ValueError: the line is too long
            return b""
        return line if line.endswith(b"\n") else b""

    def close(self) -> None:
        """Close the connection; the next request opens another one.  Idempotent."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None

    async def _asked(self, request: bytes) -> bytes:
        writer = await self._opened()
        writer.write(request + b"\n")
        answer = await self._within_time(self.line())
        if not answer:
            self.close()
            raise ClientError("Entrain has ended without an answer")
        return answer

    async def _within_time(self, answer: Coroutine[object, object, bytes]) -> bytes:
        """Wait for an answer; if it does not come as a whole, the connection is of no use."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await answer
        except TimeoutError:
            self.close()
            raise ClientError("Entrain does not answer") from None
        except (asyncio.IncompleteReadError, OSError):
            self.close()
            raise ClientError("Entrain has ended without an answer") from None
        except BaseException:
            self.close()
            raise

    async def _opened(self) -> asyncio.StreamWriter:
        """Connect, unless connected: Entrain may have hung up on an idle client."""
        if self._writer is not None and self._reader is not None and not self._reader.at_eof():
            return self._writer
        self.close()
        try:
            found = connect(self._path, _CONNECT_TIMEOUT_S)
        except SocketError as error:
            raise ClientError(str(error)) from error
        if found is None:
            raise NotRunning
        found.setblocking(False)
        self._reader, self._writer = await asyncio.open_connection(
            sock=found, limit=_MAX_LINE_BYTES
        )
        return self._writer


def request_line(command: str, **fields: object) -> bytes:
    """Return a request as `AppLink.ask` takes it."""
    return json.dumps({"command": command, **fields}).encode()


def reason_of(error: EntrainError) -> str:
    """Return an error as one line."""
    return " ".join(str(error).split())
