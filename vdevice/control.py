"""The control API's server: a Unix socket that only this user can open.

Runs on the main thread's asyncio loop.  Nothing that a client sends, or does not send, holds up
the loop or ends it: sizes, counts and waits are bounded, and every refusal is one line.
"""

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import socket
import stat
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from entrain.errors import EntrainError
from entrain.vdevice.messages import GetStatus, Request, Watch, parse_request
from entrain.vdevice.model import BlockSource

MAX_LINE_BYTES = 64 * 1024
MAX_CLIENTS = 32
LINE_TIMEOUT_S = 10.0
"""To finish a line once it has begun, and to read an answer."""
CLAIM_TIMEOUT_S = 1.0
CLOSE_TIMEOUT_S = 1.0

Handler = Callable[[Request], Awaitable[BaseModel | Sequence[BaseModel] | None]]

_log = logging.getLogger(__name__)


class ControlError(EntrainError):
    """The control socket cannot be made."""


class AlreadyRunning(ControlError):
    """Another Entrain has the control socket."""

    def __init__(self) -> None:
        super().__init__("Entrain is already running (use `entrain status`)")


class Claim:
    """The right to be the only Entrain of this user, and its listening socket.

    The kernel holds the right (a lock on the folder), so nothing of it outlives the process.
    """

    def __init__(self, path: Path, folder_fd: int, listener: socket.socket) -> None:
        self.path = path
        self.listener = listener
        self._folder_fd = folder_fd

    def release(self) -> None:
        """Remove the socket and let another Entrain start.  Idempotent."""
        if self._folder_fd < 0:
            return
        self.listener.close()
        self.path.unlink(missing_ok=True)
        os.close(self._folder_fd)
        self._folder_fd = -1


def claim(path: Path) -> Claim:
    """Become the only Entrain that listens at this path.

    Waits up to `CLAIM_TIMEOUT_S` for one that is just ending.

    Raises
    ------
    AlreadyRunning
        Another one listens there.
    ControlError
        The folder is not private or cannot be made, or the path is too long for a socket.

    """
    try:
        folder_fd = _open_private(path.parent)
    except OSError as error:
        raise ControlError(f"cannot use {path.parent}: {error.strerror}") from error
    try:
        _lock(folder_fd, path)
        return Claim(path, folder_fd, _listen(path))
    except OSError as error:
        os.close(folder_fd)
        raise ControlError(f"cannot listen at {path}: {error.strerror or error}") from error
    except BaseException:
        os.close(folder_fd)
        raise


def _open_private(folder: Path) -> int:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(fd).st_uid != os.geteuid():
            raise ControlError(f"{folder} belongs to another user; not used")
        os.fchmod(fd, 0o700)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _lock(folder_fd: int, path: Path) -> None:
    deadline = time.monotonic() + CLAIM_TIMEOUT_S
    while True:
        if _is_answered(path):
            raise AlreadyRunning
        try:
            fcntl.flock(folder_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:  # it has just begun, or is about to end
            if time.monotonic() > deadline:
                raise AlreadyRunning from None
            time.sleep(0.02)


def _is_answered(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except TimeoutError:  # its queue is full: busy, but there
            return True
        return True


def _listen(path: Path) -> socket.socket:
    if os.path.lexists(path):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise ControlError(f"{path} is in the way and is not a socket")
        path.unlink()  # left behind by one that was killed
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(os.fspath(path))
        path.chmod(0o600)
        listener.listen(MAX_CLIENTS)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


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
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to answer."""
        self._server = await asyncio.start_unix_server(
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
                await self._watch(client, request.interval_s)
            await asyncio.sleep(0)  # a flood of lines must not starve the loop

    async def _watch(self, client: "_Connection", interval_s: float) -> None:
        while not await client.has_news(interval_s):
            await client.send(await self._answer(GetStatus()))

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
