"""The control API's server, at a socket that only this user can open.

Runs on the main thread's asyncio loop.  Nothing that a client sends, or does not send, holds up
the loop or ends it: sizes, counts and waits are bounded, long messages are read on another thread,
and every refusal is one line.
"""

import asyncio
import contextlib
import json
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from entrain.errors import EntrainError
from entrain.platform.local_socket import Claim
from entrain.vdevice.api.messages import (
    GetStatus,
    ListDevices,
    ListProtocols,
    Off,
    Request,
    Status,
    Stop,
    Watch,
    parse_request,
)
from entrain.vdevice.api.reachability import stay_reachable
from entrain.vdevice.protocol.document import layers_json
from entrain.vdevice.protocol.model import Layer
from entrain.vdevice.protocol.values import BlockSource
from entrain.vdevice.worker_thread import WorkerThread

MAX_LINE_BYTES = 1 << 20  # as a protocol file
MAX_CLIENTS = 32
MAX_LATE_CLIENTS = 8
"""How many more may say `stop` or `off` while all the others are busy."""
MAX_ERROR_CHARS = 4000
GRACE_S = 0.1
"""A client is not hung up on before it has been idle for so long, in seconds.

What it has just sent may not have been read yet.
"""
_LONG_LINE_BYTES = 1 << 14
"""A longer message is read on another thread: that takes more than a millisecond."""
_LONG_LAYERS_POINTS = 200
"""Layers with more breakpoints than these become JSON on another thread."""
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
        self._worker = WorkerThread()
        self._answers = _Answers(self._worker)
        self._clients: dict[asyncio.Task[None], _Connection] = {}
        self._late: dict[asyncio.Task[None], _Connection] = {}
        self._watchers: set[asyncio.Event] = set()
        self._server: asyncio.Server | None = None
        self._staying: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to answer, and go on with that where the socket is removed."""
        await self._listen()
        self._staying = asyncio.create_task(stay_reachable(self._claim, self._listen))

    async def _listen(self) -> None:
        former, self._server = (
            self._server,
            await asyncio.start_server(
                self._serve, sock=self._claim.listener, limit=MAX_LINE_BYTES
            ),
        )
        if former:
            former.close()

    async def close(self) -> None:
        """Finish the answers under way, give the claim back, then hang up.

        To be called last: a client of `stop` takes the hang-up for the end of the app.
        """
        if self._staying is not None:
            self._staying.cancel()
            await asyncio.gather(self._staying, return_exceptions=True)
        if self._server is not None:
            # asyncio trips over a connection that is accepted but not set up when its server is
            # closed, so accept no more, and let the loop take the few steps of the set-up.
            asyncio.get_running_loop().remove_reader(self._claim.listener)
            for _ in range(10):
                await asyncio.sleep(0)
            self._server.close()
        everybody = self._clients | self._late
        busy = [task for task, client in everybody.items() if client.is_busy]
        if busy:
            await asyncio.wait(busy, timeout=CLOSE_TIMEOUT_S)
        self._claim.release()
        tasks = list(self._clients | self._late)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._worker.close()

    def notify(self) -> None:
        """Let those look who watch for changes; for what no request has changed."""
        for watcher in self._watchers:
            watcher.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _Connection(reader, writer)
        task = asyncio.current_task()
        assert task is not None
        try:
            if len(self._clients) < MAX_CLIENTS or _give_way(self._clients):
                self._clients[task] = client
                await self._converse(client)
            elif len(self._late) < MAX_LATE_CLIENTS or _give_way(self._late):
                self._late[task] = client
                await self._converse(client, only=(Stop, Off))
            else:
                await client.refuse(_TOO_MANY)
        except (OSError, TimeoutError, asyncio.CancelledError):
            writer.transport.abort()  # gone, never reads, has to give way, or close() hangs up
        finally:
            self._clients.pop(task, None)
            self._late.pop(task, None)
            writer.close()

    async def _converse(
        self, client: "_Connection", only: tuple[type[BaseModel], ...] | None = None
    ) -> None:
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
                request = await self._read(line)
                if only and not isinstance(request, only):
                    await client.refuse(_TOO_MANY)
                    return
                # it takes the hang-up for our end
                client.may_give_way = not isinstance(request, Stop)
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

    async def _read(self, line: bytes) -> Request:
        if len(line) <= _LONG_LINE_BYTES:
            return parse_request(line, self._blocks)
        return await self._worker.do(lambda: parse_request(line, self._blocks))

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
            return await self._answers.encoded(result)
        except EntrainError as error:
            return _refusal(str(error))
        except Exception as error:  # a bug of ours; the sound and the other clients go on
            _log.error(
                "%s failed: %r", request.command, error, exc_info=_log.isEnabledFor(logging.DEBUG)
            )
            return _refusal(f"internal error in {request.command}: {type(error).__name__}")


_TOO_MANY = f"too many clients ({MAX_CLIENTS}); close some of the programs that talk to Entrain"


def _give_way(clients: dict[asyncio.Task[None], "_Connection"]) -> bool:
    """Hang up on the client that has been idle the longest; returns whether there was one."""
    before_s = asyncio.get_running_loop().time() - GRACE_S
    idle = [
        (client.idle_since_s, task)
        for task, client in clients.items()
        if client.may_give_way and client.idle_since_s is not None
    ]
    since_s, longest = min(idle, key=lambda each: each[0], default=(math.inf, None))
    if longest is None or since_s > before_s:
        return False
    clients.pop(longest).say_last(
        f"too many clients ({MAX_CLIENTS}), and this one was idle the longest"
    )
    longest.cancel()
    return True


class _Answers:
    """Makes JSON of results.  The layers of a protocol may be long and seldom change."""

    def __init__(self, worker: WorkerThread) -> None:
        self._worker = worker
        self._layers: list[Layer] = []
        self._layers_json = b"[]"

    async def encoded(self, result: object) -> bytes:
        """Return the answer, a line."""
        if not isinstance(result, Status) or not result.protocol or not result.protocol.layers:
            return _encode({"ok": True, "result": to_jsonable_python(result)})
        layers = result.protocol.layers
        # Of equal ones each has been looked at; `is` is quick where there are 20,000 breakpoints.
        if len(layers) != len(self._layers) or any(
            one is not other for one, other in zip(layers, self._layers, strict=True)
        ):
            points = sum(len(way.points) for each in layers for way in each.automation.values())
            if points > _LONG_LAYERS_POINTS:
                made = await self._worker.do(lambda: layers_json(layers))
            else:
                made = layers_json(layers)
            self._layers, self._layers_json = layers, made
        else:
            made = self._layers_json
        without = result.protocol.model_copy(update={"layers": []})
        status = to_jsonable_python(result.model_copy(update={"protocol": without}))
        line = _encode({"ok": True, "result": status})
        # No text can hold this: its quotation marks would be escaped.
        return line.replace(b'"layers": []', b'"layers": ' + made, 1)


class _Connection:
    """Lines from and to one client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.is_busy = False
        self.may_give_way = True
        self.idle_since_s: float | None = None
        """Since when it is its turn: to say something, to finish it, or to read an answer.

        None: something is done for it, or it watches.
        """
        self._reader = reader
        self._writer = writer
        self._begun = bytearray()
        writer.transport.set_write_buffer_limits(high=0)  # drain() means: all is handed over

    async def line(self) -> bytes | None:
        """Read the next line; returns it without its end, or None when the client has hung up.

        Raises
        ------
        ControlError
            Too long, too slow, or hung up in its middle.

        """
        now_s = asyncio.get_running_loop().time
        deadline: float | None = None
        self.idle_since_s = now_s()  # and not since its last byte: some finish no line at all
        while (end := self._begun.find(b"\n")) < 0:
            if len(self._begun) > MAX_LINE_BYTES:
                raise ControlError(f"message is longer than {MAX_LINE_BYTES} bytes")
            if self._begun and deadline is None:
                deadline = now_s() + LINE_TIMEOUT_S
            try:
                async with asyncio.timeout_at(deadline):
                    if not await self._read():
                        if self._begun:
                            raise ControlError("message ends without a newline")
                        return None
            except TimeoutError:
                raise ControlError(f"message is not complete after {LINE_TIMEOUT_S:g} s") from None
        self.idle_since_s = None
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
        self.idle_since_s = asyncio.get_running_loop().time()
        async with asyncio.timeout(LINE_TIMEOUT_S):
            await self._writer.drain()
        self.idle_since_s = None

    def say_last(self, error: str) -> None:
        """Say why we hang up, if the client can take it at once."""
        self._writer.write(_refusal(error))

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
    line = " ".join(error[: 2 * MAX_ERROR_CHARS].split())
    if len(line) > MAX_ERROR_CHARS:
        line = f"{line[:MAX_ERROR_CHARS]} …"
    return _encode({"ok": False, "error": line})
