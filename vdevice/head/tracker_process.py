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
"""Before a crashed process is started again; the pause doubles with each crash."""
STEADY_S = 60.0
"""A process that has lived for so long has not crashed at its start."""
END_TIMEOUT_S = 1.0
_MOST_LINE_BYTES = 4096
_POSE = struct.Struct("<4d")  # as the process writes it

_log = logging.getLogger(__name__)


class Report(BaseModel):
    """What the process says of itself."""

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
        turn: Callable[[float, float, float, float], None],
        report: Callable[[Report], None],
    ) -> None:
        self._turn = turn
        self._report = report
        self._has_begun = False
        self._wanted: TrackingSettings | None = None
        self._life: asyncio.Task[None] | None = None
        self._lives: set[asyncio.Task[None]] = set()
        """The present one, and former ones whose process is about to end."""

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
        former = self._life
        if former is not None:
            former.cancel()
        self._life = asyncio.create_task(self._live(settings, former))
        self._lives.add(self._life)
        self._life.add_done_callback(self._lives.discard)

    async def close(self) -> None:
        """End the process.  Idempotent."""
        self._has_begun = False
        if self._life is not None:
            self._life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)

    async def _live(
        self, settings: TrackingSettings | None, former: "asyncio.Task[None] | None"
    ) -> None:
        if former is not None:  # it holds the ports
            await asyncio.wait({former})
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
                process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=theirs.fileno(),
                    stdout=asyncio.subprocess.PIPE,
                    limit=_MOST_LINE_BYTES,
                    start_new_session=True,  # Ctrl-C is for us alone
                )
                # The program's end does not wait for it.
                poses = threading.Thread(target=self._take_poses, args=(ours,), daemon=True)
                poses.start()
            except OSError as error:
                return f"the head tracker's process cannot be started: {error.strerror}"
            finally:
                theirs.close()
            problem = ""
            try:
                problem = await self._listen(process)
            finally:
                with contextlib.suppress(OSError):
                    ours.shutdown(socket.SHUT_RDWR)  # the end of the thread and of the process
                await _ended(process)
                poses.join()
                self._report(Report())
        return problem or f"the head tracker's process has ended (exit code {process.returncode})"

    def _take_poses(self, link: socket.socket) -> None:
        """Hand poses on until the link is shut down; runs on a thread of its own."""
        begun = b""
        while True:
            try:
                received = link.recv(4096)
            except OSError:
                return
            if not received:
                return
            begun += received
            whole = len(begun) - len(begun) % _POSE.size
            if whole:  # the newest one, if the thread was late
                self._turn(*_POSE.unpack_from(begun, whole - _POSE.size))
                begun = begun[whole:]

    async def _listen(self, process: asyncio.subprocess.Process) -> str:
        """Take reports until there are no more; returns the last problem."""
        assert process.stdout is not None
        problem = ""
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:
                return "the head tracker's process reports nonsense"
            if not line:
                return problem
            with contextlib.suppress(ValidationError):
                report = Report.model_validate_json(line)
                problem = report.problem
                self._report(report)


def _command(settings: TrackingSettings) -> list[str]:
    command = [sys.executable, "-P", "-m", "entrain.vdevice.tracking"]
    command += ["--port", str(settings.port), "--preset", settings.preset]
    command += ["--lan"] if settings.lan else []
    for axis in settings.invert:
        command += ["--invert", axis]
    return command


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Wait for the end of a process whose standard input has ended."""
    assert process.stdout is not None
    try:
        async with asyncio.timeout(END_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    with contextlib.suppress(ValueError):  # a line that is too long
        await process.stdout.read()
