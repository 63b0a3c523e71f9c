"""The life of the tracker's process: started, restarted after a crash, ended with Entrain.

Runs on the main thread's asyncio loop, but for a thread that waits for poses.
"""

import asyncio
import contextlib
import logging
import socket
import struct
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from entrain.vdevice.head.settings import TrackingSettings

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Pause before a crashed process is started again; it doubles with each crash."""
STEADY_S = 60.0
"""A process that has lived for so long has not crashed at its start."""
END_TIMEOUT_S = 1.0
_MOST_LINE_BYTES = 4096
_POSE = struct.Struct("<4d")  # as the process writes it

_log = logging.getLogger(__name__)


class Report(BaseModel):
    """Report of the process about itself."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    listening: Annotated[tuple[int, ...], Field(max_length=8)] = ()
    """UDP ports."""
    source: Annotated[str, Field(max_length=200)] = ""
    packets_per_s: FiniteFloat = 0.0
    ignored: int = 0
    malformed: int = 0
    problem: Annotated[str, Field(max_length=1000)] = ""


class TrackerProcess:
    """Keeps one process alive while tracking is wanted.

    Parameters
    ----------
    turn : callable
        Takes w, x, y and z of a pose, on a thread of its own.
    report : callable
        Takes what the process says, and an empty report when it ends.

    """

    def __init__(
        self,
        turn: Callable[[float, float, float, float], object],
        report: Callable[[Report], None],
    ) -> None:
        self._turn = turn
        self._report = report
        self._has_begun = False
        self._wanted: TrackingSettings | None = None
        self._life: asyncio.Task[None] | None = None
        self._lives: set[asyncio.Task[None]] = set()
        """The present life, and former lives until their process has ended."""

    def begin(self) -> None:
        """Start what is wanted, from now on."""
        self._has_begun = True
        wanted, self._wanted = self._wanted, None
        self.want(wanted)

    def want(self, settings: TrackingSettings | None) -> None:
        """Track with these settings, or not at all."""
        if settings is not None:  # these are of no concern to the process
            settings = settings.model_copy(update={"follow": 1.0})
        if settings == self._wanted:
            return
        self._wanted = settings
        if not self._has_begun:
            return
        if self._life is not None:
            self._life.cancel()
            self._report(Report())  # the last report is about other settings
        self._life = asyncio.create_task(self._live(settings, set(self._lives)))
        self._lives.add(self._life)
        self._life.add_done_callback(self._lives.discard)

    async def close(self) -> None:
        """End the process.  Idempotent."""
        self._has_begun = False
        if self._life is not None:
            self._life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)

    async def _live(
        self, settings: TrackingSettings | None, former: "set[asyncio.Task[None]]"
    ) -> None:
        if former:  # their processes hold the ports
            await asyncio.wait(former)
        if settings is None or not self._has_begun:
            return
        command = _command(settings)
        pause_s, now_s = FIRST_PAUSE_S, asyncio.get_running_loop().time
        while True:
            began_s = now_s()
            problem = await self._live_once(command)
            if now_s() - began_s > STEADY_S:
                pause_s = FIRST_PAUSE_S
            _log.warning("%s; starting it again in %g s", problem, pause_s)
            self._report(Report(problem=problem))
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _live_once(self, command: Sequence[str]) -> str:
        """Run the process until it ends; returns why it has ended, in one line."""
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            return f"the head tracker's process cannot be started: {error.strerror}"
        with ours:
            try:
                child = await _Child.start(command, theirs, self._report)
            except OSError as error:
                return f"the head tracker's process cannot be started: {error.strerror}"
            finally:
                theirs.close()
            # The program's end does not wait for it.
            poses = threading.Thread(target=self._take_poses, args=(ours,), daemon=True)
            try:
                poses.start()
                await child.exited.wait()
            except RuntimeError as error:  # no thread can be started
                return f"the head tracker's process cannot be started: {error}"
            finally:
                with contextlib.suppress(OSError):
                    ours.shutdown(socket.SHUT_RDWR)  # the end of the thread and of the process
                await child.end()
                if poses.ident is not None:
                    poses.join()
                self._report(Report())
        return child.problem or f"the head tracker's process has ended (exit code {child.code})"

    def _take_poses(self, link: socket.socket) -> None:
        """Hand poses on until the link is shut down; runs on a thread of its own."""
        receive, unpack, size, turn = link.recv, _POSE.unpack_from, _POSE.size, self._turn
        with contextlib.suppress(OSError):
            # Each pose is written as a whole, and so read.  Of several, the last is the newest.
            while (received := receive(64 * size)) and not (end := len(received)) % size:
                turn(*unpack(received, end - size))


class _Child(asyncio.SubprocessProtocol):
    """One run of the process."""

    def __init__(self, report: Callable[[Report], None]) -> None:
        self.exited = asyncio.Event()
        self.problem = ""
        """Problem in the last report; may be empty."""
        self.code: int | None = None
        self._closed = asyncio.Event()
        self._report = report
        self._begun = b""
        self._transport: asyncio.SubprocessTransport

    @classmethod
    async def start(
        cls, command: Sequence[str], link: socket.socket, report: Callable[[Report], None]
    ) -> "_Child":
        """Start the process; its standard input is the link."""
        _, child = await asyncio.get_running_loop().subprocess_exec(
            lambda: cls(report),
            *command,
            stdin=link.fileno(),
            stderr=None,
            start_new_session=True,  # Ctrl-C is for us alone
        )
        return child

    async def end(self) -> None:
        """Wait for the end of the process, whose link has ended; kill it if it does not end."""
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                await self.exited.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._transport.kill()
            await self.exited.wait()
        self._transport.close()
        await self._closed.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        *lines, self._begun = (self._begun + data).split(b"\n")
        self._begun = self._begun[:_MOST_LINE_BYTES]
        for line in lines:
            with contextlib.suppress(ValidationError):
                report = Report.model_validate_json(line)
                self.problem = report.problem
                self._report(report)

    def process_exited(self) -> None:
        self.code = self._transport.get_returncode()
        self.exited.set()

    def connection_lost(self, error: Exception | None) -> None:
        self._closed.set()


def _command(settings: TrackingSettings) -> list[str]:
    command = [sys.executable, "-P", "-m", "entrain.vdevice.tracking"]
    command += ["--port", str(settings.port), "--preset", settings.preset]
    command += ["--lan"] if settings.lan else []
    for axis in settings.invert:
        command += ["--invert", axis]
    return command
