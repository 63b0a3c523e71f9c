"""The control API's server, at a socket that only this user can open.

Runs on the main thread's asyncio loop.  Nothing that a client sends, or does not send, holds up
the loop or ends it: sizes, counts and waits are bounded, and every refusal is one line.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from entrain.errors import EntrainError
from entrain.platform.local_socket import Claim
from entrain.vdevice.messages import (
    GetStatus,
    ListDevices,
    ListProtocols,
    Request,
    Watch,
    parse_request,
)
from entrain.vdevice.protocol.values import BlockSource

MAX_LINE_BYTES = 1 << 20  # as a protocol file
MAX_CLIENTS = 32
LINE_TIMEOUT_S = 10.0
"""To finish a line once it has begun, and to read an answer."""
CLOSE_TIMEOUT_S = 1.0

Handler = Callable[[Request], Awaitable[BaseModel | Sequence[BaseModel] | None]]

_log = logging.getLogger(__name__)


class ControlError(EntrainError):
    """A message that cannot be taken."""


class ControlServer:
    """Serves the control API at a claimed socket.

    Parameters
    ----------
    claimed : Claim
        Released by `close`.
    handle : async callable
        Carries out a request; what it returns is the answer's `result`.  An `EntrainError`
        becomes the answer's `error`.  Must not wait for the end of the app: let `stop` set an
        event and return.
    blocks : callable, optional
        Gives the blocks whose ranges an error can name.

    """

    def __init__(self, claimed: Claim, handle: Handler, blocks: BlockSource | None = None) -> None:
        self._claim = claimed
        self._handle = handle
        self._blocks = blocks
        self._clients: dict[asyncio.Task[None], _Connection] = {}
        self._watchers: set[asyncio.Event] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to answer."""
        self._server = await asyncio.start_server(
            self._serve, sock=self._claim.listener, limit=MAX_LINE_BYTES
        )

    async def close(self) -> None:
        """Finish the answers under way, give the claim back, then hang up.

        To be called last: a client of `stop` takes the hang-up for the end of the app.
        """
        if self._server is not None:
            # asyncio trips over a connection that is accepted but not set up when its server is
            # closed, so accept no more, and let the loop take the few steps of the set-up.
            asyncio.get_running_loop().remove_reader(self._claim.listener)
            for _ in range(10):
                await asyncio.sleep(0)
            self._server.close()
        busy = [task for task, client in self._clients.items() if client.is_busy]
        if busy:
            await asyncio.wait(busy, timeout=CLOSE_TIMEOUT_S)
        self._claim.release()
        tasks = list(self._clients)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def notify(self) -> None:
        """Let those look who watch for changes; for what no request has changed."""
        for watcher in self._watchers:
            watcher.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _Connection(reader, writer)
        task = asyncio.current_task()
        assert task is not None
        try:
            if len(self._clients) >= MAX_CLIENTS:
                await client.refuse(f"too many clients ({MAX_CLIENTS}); try again later")
                return
            self._clients[task] = client
            await self._converse(client)
        except (OSError, TimeoutError, asyncio.CancelledError):
            writer.transport.abort()  # gone, never reads, or close() has hung up
        finally:
            self._clients.pop(task, None)
            writer.close()

    async def _converse(self, client: "_Connection") -> None:
        while True:
            try:
                line = await client.line()
            except EntrainError as error:
                await client.refuse(str(error))
                return
            if line is None:
                return
            client.is_busy = True
            try:
                request = parse_request(line, self._blocks)
                answer = await self._answer(request)
            except EntrainError as error:
                request, answer = None, _refusal(str(error))
            await client.send(answer)
            client.is_busy = False
            if isinstance(request, Watch):
                await self._watch(client, request, answer)
            elif not isinstance(request, GetStatus | ListDevices | ListProtocols | None):
                self.notify()
            await asyncio.sleep(0)  # a flood of lines must not starve the loop

    async def _watch(self, client: "_Connection", wanted: Watch, told: bytes) -> None:
        if wanted.changes_only:
            await self._watch_changes(client, wanted.interval_s, told)
            return
        while not await client.has_news(wanted.interval_s):
            await client.send(await self._answer(GetStatus()))

    async def _watch_changes(self, client: "_Connection", interval_s: float, told: bytes) -> None:
        """Look after each interval while something moves; else sleep until `notify`."""
        news = asyncio.Event()
        self._watchers.add(news)
        try:
            moves = True
            while not await client.has_news(interval_s):
                if not moves and await client.has_news_before(news):
                    return
                news.clear()
                seen = await self._answer(GetStatus())
                moves, told = seen != told, seen
                if moves:
                    await client.send(seen)
        finally:
            self._watchers.discard(news)

    async def _answer(self, request: Request) -> bytes:
        if isinstance(request, Watch):
            request = GetStatus()
        try:
            result = await self._handle(request)
            return _encode({"ok": True, "result": to_jsonable_python(result)})
        except EntrainError as error:
            return _refusal(str(error))
        except Exception as error:  # a bug of ours; the sound and the other clients go on
            _log.error(
                "%s failed: %r", request.command, error, exc_info=_log.isEnabledFor(logging.DEBUG)
            )
            return _refusal(f"internal error in {request.command}: {type(error).__name__}")


class _Connection:
    """Lines from and to one client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.is_busy = False
        self._reader = reader
        self._writer = writer
        self._begun = bytearray()
        writer.transport.set_write_buffer_limits(high=0)  # drain() means: all is handed over

    async def line(self) -> bytes | None:
        """The next line without its end, or None when the client has hung up.

        Raises
        ------
        ControlError
            Too long, too slow, or hung up in its middle.

        """
        deadline: float | None = None
        while (end := self._begun.find(b"\n")) < 0:
            if len(self._begun) > MAX_LINE_BYTES:
                raise ControlError(f"message is longer than {MAX_LINE_BYTES} bytes")
            if self._begun and deadline is None:
                deadline = asyncio.get_running_loop().time() + LINE_TIMEOUT_S
            try:
                async with asyncio.timeout_at(deadline):
                    if not await self._read():
                        if self._begun:
                            raise ControlError("message ends without a newline")
                        return None
            except TimeoutError:
                raise ControlError(f"message is not complete after {LINE_TIMEOUT_S:g} s") from None
        if end > MAX_LINE_BYTES:
            raise ControlError(f"message is longer than {MAX_LINE_BYTES} bytes")
        line = bytes(self._begun[:end])
        del self._begun[: end + 1]
        return line

    async def has_news(self, timeout_s: float) -> bool:
        """Wait for the client to send something or hang up; False when the time is over."""
        if self._begun or self._reader.at_eof():
            return True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._read()
                return True
        return False

    async def has_news_before(self, other: asyncio.Event) -> bool:
        """Wait for the client as `has_news`; False when the other event comes first."""
        reading = asyncio.create_task(self._read())
        waiting = asyncio.create_task(other.wait())
        try:
            await asyncio.wait({reading, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            reading.cancel()
            read, _ = await asyncio.gather(reading, waiting, return_exceptions=True)
        if isinstance(read, Exception):
            raise read
        return not isinstance(read, BaseException)

    async def send(self, answer: bytes) -> None:
        """Write one answer; raises TimeoutError when the client does not read."""
        self._writer.write(answer)
        async with asyncio.timeout(LINE_TIMEOUT_S):
            await self._writer.drain()

    async def refuse(self, error: str) -> None:
        """Say why, as the last thing on this connection."""
        await self.send(_refusal(error))

    async def _read(self) -> int:
        data = await self._reader.read(MAX_LINE_BYTES)
        self._begun += data
        return len(data)


def _encode(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, allow_nan=False, ensure_ascii=False).encode(errors="replace") + b"\n"


def _refusal(error: str) -> bytes:
    return _encode({"ok": False, "error": " ".join(error.split())})
