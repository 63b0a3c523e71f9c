"""Entrain as users run it: a separate process, controlled by its command line."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import soundlab

from entrain.platform import processes
from entrain.vdevice.api.client import SOCKET_NAME, Client, ClientError, NotRunning

ENTRAIN = [sys.executable, "-m", "entrain.tray"]

PATIENT = {"pipewire": (), "pulse": ("--latency=200",)}
"""Options for tests in which latency does not matter, so that a busy machine causes no gaps."""


class App:
    """A running ``entrain run``."""

    def __init__(self, process: "subprocess.Popen[str]", environment: Mapping[str, str]) -> None:
        self.process = process
        self.environment = environment

    @property
    def pid(self) -> int:
        return self.process.pid

    def __call__(self, *arguments: str) -> str:
        """Run a command that must succeed, and return what it prints."""
        done = command(self.environment, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def status(self) -> dict[str, Any]:
        """Ask over the socket.  A process for each request would disturb the sound."""
        with Client(control_socket(self.environment)) as client:
            return dict(client.ask("status"))

    def wait_for(self, timeout_s: float = 10, **wanted: object) -> dict[str, Any]:
        """Wait until the status has these values."""
        seen: dict[str, Any] = {}

        def matches() -> bool:
            seen.clear()
            seen.update(self.status())
            return all(seen[key] == value for key, value in wanted.items())

        try:
            soundlab.wait_until(matches, timeout_s, f"status has {wanted}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {seen}") from None
        return seen

    def wait_for_output(self, name: str) -> None:
        """Wait until Entrain plays on this device."""
        soundlab.wait_until(
            lambda: (self.status()["output"] or {}).get("name") == name,
            10,
            f"the output is {name}",
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def quit(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End Entrain as a user or a session would; returns the exit code."""
        self.process.send_signal(how)
        return self.process.wait(15)


def command(
    environment: Mapping[str, str], *arguments: str, timeout_s: float = 20
) -> "subprocess.CompletedProcess[str]":
    """Run ``entrain`` to its end."""
    return subprocess.run(
        [*ENTRAIN, *arguments],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


class MonitorProcess:
    """``entrain osc monitor`` or ``entrain midi monitor``, which has begun."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr
        self._process = process
        self.begin = process.stderr.readline()
        """The first line of its messages."""

    def line(self) -> str:
        """Wait for the next line."""
        assert self._process.stdout
        return self._process.stdout.readline()

    def end(self) -> int:
        """Press Ctrl-C; returns the exit code."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(10)


@contextmanager
def monitor(entrain: App, part: str) -> Iterator[MonitorProcess]:
    """Run the monitor of a part of outside control until the end of the block."""
    with subprocess.Popen(
        [*ENTRAIN, part, "monitor"],
        env={**os.environ, **entrain.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield MonitorProcess(process)
        finally:
            process.kill()


def control_socket(environment: Mapping[str, str]) -> Path:
    """Return the path of Entrain's socket in this environment."""
    runtime = {**os.environ, **environment}["XDG_RUNTIME_DIR"]
    return Path(runtime) / "entrain" / SOCKET_NAME


def _answers(environment: Mapping[str, str]) -> bool:
    try:
        with Client(control_socket(environment)) as client:
            return bool(client.ask("status"))
    except (NotRunning, ClientError):  # ClientError: it is just ending
        return False


@contextmanager
def running(
    environment: Mapping[str, str], *options: str, stderr: IO[str] | None = None
) -> Iterator[App]:
    """Run Entrain until the end of the block; it is ready when the block begins."""
    with running_unready(environment, *options, stderr=stderr) as entrain:
        assert entrain.process.stdout
        assert entrain.process.stdout.readline(), "it ended before it was ready"
        yield entrain


@contextmanager
def running_unready(
    environment: Mapping[str, str], *options: str, stderr: IO[str] | None = None
) -> Iterator[App]:
    """Run Entrain until the end of the block; waits only for its control socket."""
    process = subprocess.Popen(
        [*ENTRAIN, "run", "--headless", *options],
        env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
    assert process.stdout
    try:
        soundlab.wait_until(
            lambda: process.poll() is not None or _answers(environment),
            30,
            "Entrain answers",
        )
        yield App(process, environment)
    finally:
        if process.poll() is None:
            assert processes.end(process, 15), "Entrain does not end"
        process.stdout.close()
