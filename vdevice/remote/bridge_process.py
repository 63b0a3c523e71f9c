"""The life of a bridge: started while a part of it is wanted, again after a crash, and ended.

Runs on the main thread's asyncio loop, but for two threads: one waits for poses, if the app hears
them, and the other learns whether the process is stopped.
"""

import asyncio
import collections
import contextlib
import json
import logging
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from entrain.vdevice.remote.stop_watch import watch_stops

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Pause before a crashed process is started again; it doubles with each crash."""
STEADY_S = 60.0
"""A process that has lived for so long has not crashed at its start."""
MOST_STARTS = 5
"""Most starts within `STEADY_S`."""
END_TIMEOUT_S = 0.8
"""Longest wait for the end of the process, which then is killed."""
STOPPED_S = 3.0
"""A process that is stopped for longer is killed, and another one is started, in seconds."""
_MOST_LINE_BYTES = 1 << 16
_POSE = struct.Struct("<4d")  # as the process writes it
if sys.platform == "win32":
    _DO_NOT_WAIT, _ALARMED = 0, None
else:
    _DO_NOT_WAIT, _ALARMED = socket.MSG_DONTWAIT, -signal.SIGALRM  # the latter is an exit code

_log = logging.getLogger(__name__)

Settings = Mapping[str, object]
"""Settings of one part, as JSON values."""
TakeReport = Callable[[Mapping[str, Any]], None]
"""Takes a report of one part, not validated; an empty one when the process has ended."""
Turn = Callable[[float, float, float, float], object]
"""Takes w, x, y and z of a pose."""


class _Line(BaseModel):
    """One line of the process."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    number: int
    part: Annotated[str, Field(max_length=64)]
    report: dict[str, Any]


class BridgeProcess:
    """Keeps one process alive while a part of it is wanted.

    Parameters
    ----------
    control_socket : Path
        The control socket of this app, which the process is a client of.
    name : str
        What it is for, such as "MIDI"; for problems.

    """

    def __init__(self, control_socket: Path, name: str) -> None:
        self._command = _command(control_socket)
        self._name = name
        self._turn: Turn | None = None
        self._takers: dict[str, TakeReport] = {}
        self._has_begun = False
        self._wanted: dict[str, Settings] = {}
        self._numbers: dict[str, int] = {}
        """How often a part's settings have changed."""
        self._link: tuple[socket.socket, _Child] | None = None
        self._pause: asyncio.Event | None = None
        """Ends the pause before the next start, during such a pause."""
        self._life: asyncio.Task[None] | None = None
        self._lives: set[asyncio.Task[None]] = set()
        """The present life, and former lives until their process has ended."""

    def hear(self, part: str, take: TakeReport) -> None:
        """Hand the reports of a part to this function from now on."""
        self._takers[part] = take

    def hear_poses(self, turn: Turn) -> None:
        """Hand each pose to this function, on a thread of its own, from the next start on."""
        self._turn = turn

    def begin(self) -> None:
        """Start what is wanted, from now on."""
        self._has_begun = True
        self._look()

    def want(self, part: str, settings: Settings | None, *, again: bool = False) -> None:
        """Let a part run with these settings, or not at all.

        Parameters
        ----------
        part : str
            Its name.
        settings : mapping or None
            As the part reads them; None: it is to end.
        again : bool
            Start it anew also where these are its settings already.  After a crash, the process
            starts at once then, as for a part that was not wanted before.

        """
        again = settings is not None and (again or part not in self._wanted)
        if self._wanted.get(part) == settings and not again:
            return
        self._numbers[part] = self._numbers.get(part, 0) + 1
        if settings is None:
            del self._wanted[part]
        else:
            self._wanted[part] = settings
        if self._pause is None or settings is None:
            self._take(part, {})  # the last report is about other settings
        elif again:
            self._pause.set()  # until the start, the reason of the crash stays known
        self._look()

    async def close(self) -> None:
        """End the process.  Idempotent."""
        self._has_begun = False
        self._look()
        await asyncio.gather(*self._lives, return_exceptions=True)

    def _look(self) -> None:
        """Start or end the process, or tell it what is wanted now."""
        if self._has_begun and self._wanted:
            if self._life is None:
                self._life = asyncio.create_task(self._live(set(self._lives)))
                self._lives.add(self._life)
                self._life.add_done_callback(self._lives.discard)
            elif self._link is not None:
                self._tell(*self._link)
        elif self._life is not None:
            self._life.cancel()
            self._life = None

    def _tell(self, link: socket.socket, child: "_Child") -> None:
        """Send an order; a process that does not read it is killed, and another one is started."""
        order = {part: [self._numbers[part], settings] for part, settings in self._wanted.items()}
        line = json.dumps(order).encode() + b"\n"
        with contextlib.suppress(OSError):
            if link.send(line, _DO_NOT_WAIT) == len(line):
                return
        child.kill()

    def _take(self, part: str, report: Mapping[str, Any]) -> None:
        if take := self._takers.get(part):
            take(report)

    def _take_line(self, line: bytes) -> None:
        with contextlib.suppress(ValidationError):
            told = _Line.model_validate_json(line)
            if told.part in self._wanted and told.number == self._numbers[told.part]:
                self._take(told.part, told.report)

    def _take_from_all(self, report: Mapping[str, Any]) -> None:
        for part in self._wanted:
            self._take(part, report)

    async def _live(self, former: "set[asyncio.Task[None]]") -> None:
        if former:  # their processes hold the ports
            await asyncio.wait(former)
        pause_s, now_s = FIRST_PAUSE_S, asyncio.get_running_loop().time
        starts: collections.deque[float] = collections.deque(maxlen=MOST_STARTS)
        while True:
            starts.append(now_s())
            problem = await self._live_once()
            if now_s() - starts[-1] > STEADY_S:
                pause_s = FIRST_PAUSE_S
            wait_s = pause_s
            if len(starts) == MOST_STARTS and starts[0] + STEADY_S > now_s() + pause_s:
                wait_s = starts[0] + STEADY_S - now_s()
                problem = f"{problem}, {MOST_STARTS} times within {STEADY_S:g} s"
            _log.warning("%s; starting it again in %.3g s", problem, wait_s)
            self._take_from_all({"problem": problem})
            if await self._is_cut_short(wait_s):
                self._take_from_all({})  # the next report is about this attempt
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _is_cut_short(self, pause_s: float) -> bool:
        """Pause before the next start; returns True as soon as that is wanted at once."""
        self._pause = asyncio.Event()
        try:
            async with asyncio.timeout(pause_s):
                return await self._pause.wait()
        except TimeoutError:
            return False
        finally:
            self._pause = None

    async def _live_once(self) -> str:
        """Run the process until it ends; returns why it has ended, in one line."""
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            return self._not_started(error.strerror)
        with ours:
            try:
                child = await _Child.start(self._command, theirs, self._take_line)
            except OSError as error:
                return self._not_started(error.strerror)
            finally:
                theirs.close()
            poses: threading.Thread | None = None
            try:
                if self._turn is not None:
                    # The program's end does not wait for it.
                    hear = threading.Thread(
                        target=_take_poses, args=(ours, self._turn), daemon=True
                    )
                    hear.start()
                    poses = hear
                self._link = (ours, child)
                self._tell(ours, child)
                await child.exited.wait()
            except RuntimeError as error:  # no thread can be started
                return self._not_started(error)
            finally:
                self._link = None
                with contextlib.suppress(OSError):
                    ours.shutdown(socket.SHUT_RDWR)  # the end of the thread and of the process
                await child.end()
                if poses is not None:
                    poses.join()
                self._take_from_all({})
        if child.code == _ALARMED:
            return f"the {self._name} system does not answer"
        if child.was_stopped:
            return f"the process for {self._name} was stopped for {STOPPED_S:g} s"
        return f"the process for {self._name} has ended (exit code {child.code})"

    def _not_started(self, why: object) -> str:
        return f"the process for {self._name} cannot be started: {why}"


def _take_poses(link: socket.socket, turn: Turn) -> None:
    """Hand poses on until the link is shut down; runs on a thread of its own."""
    receive, unpack, size = link.recv, _POSE.unpack_from, _POSE.size
    with contextlib.suppress(OSError):
        # Each pose is written as a whole, and so read.  Of several, the last is the newest.
        while (received := receive(64 * size)) and not (end := len(received)) % size:
            turn(*unpack(received, end - size))


class _Child(asyncio.SubprocessProtocol):
    """One run of the process."""

    def __init__(self, take_line: Callable[[bytes], None]) -> None:
        self.exited = asyncio.Event()
        self.code: int | None = None
        self.was_stopped = False
        """Whether Entrain has killed the process because a signal had stopped it."""
        self._patience: asyncio.TimerHandle | None = None
        self._closed = asyncio.Event()
        self._take_line = take_line
        self._begun = b""
        self._transport: asyncio.SubprocessTransport

    @classmethod
    async def start(
        cls, command: Sequence[str], link: socket.socket, take_line: Callable[[bytes], None]
    ) -> "_Child":
        """Start the process; its standard input is the link."""
        _, child = await asyncio.get_running_loop().subprocess_exec(
            lambda: cls(take_line),
            *command,
            stdin=link.fileno(),
            stderr=None,
            start_new_session=True,  # Ctrl-C is for us alone
        )
        child.watch()
        return child

    def watch(self) -> None:
        """Kill the process if it is stopped for long."""
        loop = asyncio.get_running_loop()

        def tell(is_stopped: bool) -> None:
            with contextlib.suppress(RuntimeError):  # Entrain has just ended
                loop.call_soon_threadsafe(self._take_stop, is_stopped)

        with contextlib.suppress(RuntimeError):  # no thread can be started
            watch_stops(self._transport.get_pid(), tell)

    def _take_stop(self, is_stopped: bool) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if is_stopped and not self.exited.is_set():
            due_s = asyncio.get_running_loop().time() + STOPPED_S
            self._patience = asyncio.get_running_loop().call_at(due_s, self._lose_patience, due_s)

    def _lose_patience(self, due_s: float) -> None:
        if asyncio.get_running_loop().time() > due_s + STOPPED_S:
            self._take_stop(True)  # Entrain stood still itself, and both may just go on
            return
        self.was_stopped = True
        self.kill()

    async def end(self) -> None:
        """Wait for the end of the process, whose link has ended; kill it if it does not end."""
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                await self.exited.wait()
        except TimeoutError:
            self.kill()
            await self.exited.wait()
        self._transport.close()
        await self._closed.wait()

    def kill(self) -> None:
        """Kill the process, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            self._transport.kill()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        *lines, self._begun = (self._begun + data).split(b"\n")
        self._begun = self._begun[:_MOST_LINE_BYTES]
        for line in lines:
            self._take_line(line)

    def process_exited(self) -> None:
        self._take_stop(False)
        self.code = self._transport.get_returncode()
        self.exited.set()

    def connection_lost(self, error: Exception | None) -> None:
        self._closed.set()


def _command(control_socket: Path) -> list[str]:
    return [sys.executable, "-P", "-m", "entrain.vdevice.bridge", str(control_socket)]
