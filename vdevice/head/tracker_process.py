"""The life of the tracker's process: started, restarted after a crash, ended with Entrain.

Runs on the main thread's asyncio loop.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from entrain.vdevice.head.settings import TrackingSettings

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Before a crashed process is started again; the pause doubles with each crash."""
STEADY_S = 60.0
"""A process that has lived for so long has not crashed at its start."""
END_TIMEOUT_S = 1.0
_MOST_LINE_BYTES = 4096

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
    report : callable
        Takes what the process says, and an empty report when it ends.

    """

    def __init__(self, report: Callable[[Report], None]) -> None:
        self._report = report
        self._socket: Path | None = None
        self._wanted: TrackingSettings | None = None
        self._life: asyncio.Task[None] | None = None
        self._lives: set[asyncio.Task[None]] = set()
        """The present one, and former ones whose process is about to end."""

    def begin(self, socket: Path) -> None:
        """Start what is wanted, from now on; poses go to this control socket."""
        self._socket = socket
        wanted, self._wanted = self._wanted, None
        self.want(wanted)

    def want(self, settings: TrackingSettings | None) -> None:
        """Track with these settings, or not at all."""
        if settings is not None:  # these are of no concern to the process
            settings = settings.model_copy(update={"follow": 1.0})
        if settings == self._wanted:
            return
        self._wanted = settings
        if self._socket is None:
            return
        former = self._life
        if former is not None:
            former.cancel()
        self._life = asyncio.create_task(self._live(settings, former))
        self._lives.add(self._life)
        self._life.add_done_callback(self._lives.discard)

    async def close(self) -> None:
        """End the process.  Idempotent."""
        self._socket = None
        if self._life is not None:
            self._life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)

    async def _live(
        self, settings: TrackingSettings | None, former: "asyncio.Task[None] | None"
    ) -> None:
        if former is not None:  # it holds the ports
            await asyncio.wait({former})
        if settings is None or self._socket is None:
            return
        command = _command(self._socket, settings)
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
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_MOST_LINE_BYTES,
                start_new_session=True,  # Ctrl-C is for us alone
            )
        except OSError as error:
            return f"the head tracker's process cannot be started: {error.strerror}"
        problem = ""
        try:
            problem = await self._listen(process)
        finally:
            await _ended(process)
            self._report(Report())
        return problem or f"the head tracker's process has ended (exit code {process.returncode})"

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


def _command(socket: Path, settings: TrackingSettings) -> list[str]:
    command = [sys.executable, "-P", "-m", "entrain.vdevice.tracking", str(socket)]
    command += ["--port", str(settings.port), "--preset", settings.preset]
    command += ["--lan"] if settings.lan else []
    for axis in settings.invert:
        command += ["--invert", axis]
    return command


async def _ended(process: asyncio.subprocess.Process) -> None:
    """End a process whose standard input is its life."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(END_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    with contextlib.suppress(ValueError):  # a line that is too long
        await process.stdout.read()
