"""The control API's server, at a socket that only this user can open.

Runs on the main thread's asyncio loop.  A client cannot block or end the loop: sizes, counts and
waits are limited, long messages are parsed on another thread, and each refusal is one line.
"""

import asyncio
import itertools
import math
from collections.abc import Callable, Collection

from pydantic import BaseModel

from entrain.errors import EntrainError
from entrain.platform.local_socket import Claim
from entrain.vdevice.api.answer_lines import AnswerLines, refusal
from entrain.vdevice.api.connection import MAX_LINE_BYTES, Connection
from entrain.vdevice.api.hub import Answer, Hub, internal_error
from entrain.vdevice.api.messages import (
    Audition,
    GetSamples,
    MidiLearn,
    Off,
    Request,
    Samples,
    Signal,
    Status,
    Stop,
    Watch,
    parse_request,
)
from entrain.vdevice.api.messages.results import WithContent
from entrain.vdevice.api.reachability import stay_reachable
from entrain.vdevice.api.sample_stream import SampleStream
from entrain.vdevice.protocol.values import BlockSource
from entrain.vdevice.worker_thread import WorkerThread

MAX_CLIENTS = 32
MAX_LATE_CLIENTS = 8
"""Extra clients that may send `stop` or `off` while all others are busy."""
GRACE_S = 0.1
"""Shortest idle time after which a client may be disconnected, in seconds.

Before that, a message may have arrived that has not been read yet.
"""
_LONG_LINE_BYTES = 1 << 14
"""Longer messages are parsed on another thread, since that takes more than a millisecond."""
CLOSE_TIMEOUT_S = 1.0


class ControlServer:
    """The front end that serves the control API at a claimed socket.

    Parameters
    ----------
    claimed : Claim
        The claim on the socket; `close` releases it.
    hub : Hub
        Answers requests.  It must not wait for the end of the app, even for `stop`.
    blocks : callable, optional
        Returns the blocks, so that an error can name a parameter's range.
    audition_left, learning_left : callable, optional
        Called when a client with an audition, or the client that lets MIDI learn, has hung up.

    """

    def __init__(
        self,
        claimed: Claim,
        hub: Hub,
        blocks: BlockSource | None = None,
        audition_left: Callable[[], None] = lambda: None,
        learning_left: Callable[[], None] = lambda: None,
    ) -> None:
        self._claim = claimed
        self._hub = hub
        self._blocks = blocks
        self._audition_left = audition_left
        self._listener: Connection | None = None
        """The client that has an audition."""
        self._learning_left = learning_left
        self._learner: Connection | None = None
        """The client that let MIDI learn last."""
        self._worker = WorkerThread()
        self._lines = AnswerLines(self._worker)
        self._clients: dict[asyncio.Task[None], Connection] = {}
        self._late: dict[asyncio.Task[None], Connection] = {}
        self._numbers = itertools.count(1)
        self._server: asyncio.Server | None = None
        self._staying: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start to answer requests.  If the socket is removed, the server makes a new one."""
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
        """Finish the current answers, release the claim, then hang up on all clients.

        Call this last: a client that has sent `stop` takes the hang-up for the end of the app.
        """
        if self._staying is not None:
            self._staying.cancel()
            await asyncio.gather(self._staying, return_exceptions=True)
        if self._server is not None:
            # asyncio fails if a connection is accepted but not set up when its server is closed.
            # So stop accepting, and give the loop a few steps for the set-up.
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

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Connection(reader, writer, f"client-{next(self._numbers)}")
        task = asyncio.current_task()
        assert task is not None
        try:
            kept = self._listener, self._learner
            if len(self._clients) < MAX_CLIENTS or _give_way(self._clients, kept):
                self._clients[task] = client
                await self._converse(client)
            elif len(self._late) < MAX_LATE_CLIENTS or _give_way(self._late, ()):
                self._late[task] = client
                await self._converse(client, only=(Stop, Off))
            else:
                await client.refuse(_TOO_MANY)
        except (OSError, TimeoutError, asyncio.CancelledError):
            writer.transport.abort()  # the client is gone, too slow or displaced; or `close`
        finally:
            self._clients.pop(task, None)
            self._late.pop(task, None)
            writer.close()
            if self._listener is client:
                self._listener = None
                self._audition_left()
            if self._learner is client:
                self._learner = None
                self._learning_left()

    async def _converse(
        self, client: Connection, only: tuple[type[BaseModel], ...] | None = None
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
            answer: Answer = None
            try:
                request = await self._read(line)
                if only and not isinstance(request, only):
                    await client.refuse(_TOO_MANY)
                    return
                # The client takes the hang-up for the app's end.
                client.may_give_way = not isinstance(request, Stop)
                if isinstance(request, Audition):
                    answer = await self._hear(client, request)
                else:
                    answer = await self._hub.ask(request, request.client or client.name)
                if isinstance(request, MidiLearn):
                    self._learner = client if request.target else None
                if isinstance(request, Signal):
                    client.is_busy = False
                    await client.pace()
                    continue
                told = await self._answered(request, answer)
            except EntrainError as error:
                request, told = None, refusal(str(error))
            await client.send(told)
            client.is_busy = False
            if isinstance(request, Watch) and isinstance(answer, Status):
                await self._watch(client, request, answer)
            if isinstance(request, GetSamples) and request.interval_s is not None:
                await _send_samples(client, request.interval_s, answer)
            if client.has_line:
                await asyncio.sleep(0)  # a flood of lines must not starve the loop

    async def _hear(self, client: Connection, request: Audition) -> Answer:
        """Let one client at a time have an audition; raises `EntrainError`."""
        former = self._listener
        if former not in (None, client):
            raise EntrainError("another program is comparing HRTFs; end it first")
        self._listener = client
        try:
            answer = await self._hub.ask(request, request.client or client.name)
        except EntrainError:  # what the client heard before goes on
            self._listener = former
            raise
        else:
            self._listener = client if request.hrtf else None
            return answer

    async def _read(self, line: bytes) -> Request:
        if len(line) <= _LONG_LINE_BYTES:
            return parse_request(line, self._blocks)
        return await self._worker.do(lambda: parse_request(line, self._blocks))

    async def _answered(self, request: Request, answer: Answer) -> bytes:
        try:
            if isinstance(request, Watch) and request.parts and isinstance(answer, Status):
                return await self._lines.parts(answer, request.parts)
            return await self._lines.answer(answer)
        except Exception as error:
            raise internal_error(request, error) from error

    async def _watch(self, client: Connection, wanted: Watch, told: Status) -> None:
        """Send events to the client until it sends a message or hangs up."""
        subscription = self._hub.subscribe(
            told,
            wanted.interval_s,
            wanted.parts,
            changes_only=wanted.changes_only or wanted.parts is not None,
            prompt=wanted.prompt,
        )
        reading = asyncio.create_task(client.news())
        reading.add_done_callback(lambda _: subscription.close())
        try:
            async for event in subscription:
                if wanted.parts:
                    line = self._lines.parts(event.status, event.changed, event.caused_by)
                else:
                    line = self._lines.answer(event.status)
                await client.send(await line)
        finally:
            subscription.close()
            reading.cancel()
            (read,) = await asyncio.gather(reading, return_exceptions=True)
        if isinstance(read, Exception):
            raise read


async def _send_samples(client: Connection, interval_s: float, told: Answer) -> None:
    """Send further samples until the client sends a message or hangs up."""
    if isinstance(told, WithContent) and isinstance(told.result, Samples) and told.more:
        end = told.result.first + told.result.frames
        stream = SampleStream(client, told.more, end, interval_s)
        try:
            await client.news()
        finally:
            stream.close()


_TOO_MANY = f"too many clients ({MAX_CLIENTS}); close some of the apps that talk to Entrain"


def _give_way(
    clients: dict[asyncio.Task[None], Connection], kept: Collection[Connection | None]
) -> bool:
    """Disconnect the client that has been idle the longest; returns False if none is idle.

    Clients to be kept do not count: their hang-up would have an effect.
    """
    before_s = asyncio.get_running_loop().time() - GRACE_S
    idle = [
        (client.idle_since_s, task)
        for task, client in clients.items()
        if client.may_give_way and client not in kept and client.idle_since_s is not None
    ]
    since_s, longest = min(idle, key=lambda each: each[0], default=(math.inf, None))
    if longest is None or since_s > before_s:
        return False
    clients.pop(longest).say_last(
        f"too many clients ({MAX_CLIENTS}), and this one was idle the longest"
    )
    longest.cancel()
    return True
