"""A private sound server with virtual devices: for tests, and for computers without sound.

It shares nothing with the user's own sound server.  Sockets, settings and state are in a temporary
folder; no hardware and no message bus is used.  This module has the code that all servers share;
`open_sandbox` (`sandbox_choice`) starts a server whose packages are installed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Literal, Self

from entrain.platform import processes
from entrain.platform.adapter import PlatformError

assert sys.platform == "linux"

START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 2.0
TOOL_TIMEOUT_S = 5.0

# The watchdog is in the servers' process group and survives this process.  When this process ends,
# the pipe on its standard input closes; it then stops the servers and removes the folder.
_WATCHDOG = """\
trap '' HUP INT TERM
read -r _
kill -CONT 0
kill -TERM 0
sleep 0.5
rm -rf -- "$1"
kill -KILL 0
"""


@dataclass(frozen=True)
class VirtualDevice:
    """An output without hardware; its volume takes effect in its monitor."""

    name: str
    description: str
    """Must not contain quotation marks."""
    priority: int = 1000
    """Priority, 0 … 1999; the server prefers the highest."""
    positions: tuple[str, ...] = ("FL", "FR")
    rate_hz: int = 48000
    """Used by PulseAudio; PipeWire's devices run at the rate of their graph."""
    properties: tuple[tuple[str, str], ...] = ()
    """Further properties by name; values must not contain quotation marks."""


SPEAKERS = VirtualDevice("speakers", "Virtual speaker")


class Sandbox(ABC):
    """A private sound server; a context manager.

    Use it from one thread.  When this process ends, in any way, the servers stop and the folder is
    removed.

    Parameters
    ----------
    devices : sequence of VirtualDevice
        Devices that exist from the start.

    Raises
    ------
    PlatformError
        Packages are missing, or the servers are not ready within `START_TIMEOUT_S`.

    """

    kind: ClassVar[Literal["pipewire", "pulse"]]
    _packages: ClassVar[Mapping[str, str]]
    """Executables that the sandbox runs, with their Debian packages."""

    def __init__(self, devices: Sequence[VirtualDevice] = (SPEAKERS,)) -> None:
        if missing := self.missing_packages():
            raise PlatformError(f"the sandbox needs these packages: {' '.join(missing)}")
        self._devices = tuple(devices)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._folder = _short_temporary_folder()
        self._guard = subprocess.Popen(
            ["sh", "-c", _WATCHDOG, "sh", str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        try:
            for name in ("state", "data", "cache", "pulse"):
                (self._folder / name).mkdir(mode=0o700)
            for path, text in self._settings().items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            self._start_server()
        except BaseException:
            self.close()
            raise

    @classmethod
    def missing_packages(cls) -> list[str]:
        """Return the names of the Debian packages that are not installed."""
        names = {package for name, package in cls._packages.items() if shutil.which(name) is None}
        return sorted(names)

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment variables that lead an app to this server, and to no other.

        XDG_RUNTIME_DIR is left out, so that an app's own files stay where they are.
        """
        pulse = self._folder / "pulse"
        return {
            "PIPEWIRE_RUNTIME_DIR": str(self._folder),
            "PIPEWIRE_REMOTE": "pipewire-0",
            "PULSE_RUNTIME_PATH": str(pulse),
            "PULSE_SERVER": f"unix:{pulse / 'native'}",
            "PULSE_COOKIE": str(pulse / "cookie"),
            "DISABLE_RTKIT": "1",
        }

    @property
    def log(self) -> str:
        """Output of the servers so far."""
        return (self._folder / "log").read_text(encoding="utf-8", errors="replace")

    @property
    def ended(self) -> Mapping[str, int]:
        """Exit codes of the server's processes that have ended by themselves, by name."""
        codes = {name: process.poll() for name, process in self._processes.items()}
        return {name: code for name, code in codes.items() if code is not None}

    def close(self) -> None:
        """Stop all processes and remove the folder.  Idempotent."""
        for name in reversed(list(self._processes)):
            self._stop(name)
        self._guard.kill()
        self._guard.wait()
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @abstractmethod
    def _start_server(self) -> None:
        """Start the processes that do not run, and wait until the devices exist."""

    @abstractmethod
    def _settings(self) -> Mapping[Path, str]:
        """Return the server's configuration files by path below the folder."""

    def _server_environment(self) -> dict[str, str]:
        ours = ("PIPEWIRE_", "PULSE_", "WIREPLUMBER_", "XDG_", "DBUS_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        return {
            **kept,
            **self.environment,
            "XDG_RUNTIME_DIR": str(self._folder),
            "XDG_CONFIG_HOME": str(self._folder / "config"),
            "XDG_STATE_HOME": str(self._folder / "state"),
            "XDG_DATA_HOME": str(self._folder / "data"),
            "XDG_CACHE_HOME": str(self._folder / "cache"),
            # A path without a bus; otherwise libdbus would find the user's bus, or start one.
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self._folder}/no-bus",
            "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self._folder}/no-bus",
        }

    def _start(self, name: str, *arguments: str) -> None:
        with (self._folder / "log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [name, *arguments],
                env=self._server_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=self._guard.pid,  # out of reach of Ctrl-C, in reach of the guard
            )

    def _stop(self, name: str) -> None:
        if process := self._processes.pop(name, None):
            processes.end(process, STOP_TIMEOUT_S)

    def _command(self, *arguments: str) -> str:
        """Run one of the sound system's tools on this server.

        A tool that hangs is started again: PipeWire never answers a client that connects just as
        the session manager ends.
        """
        tries = 3
        while True:
            tries -= 1
            try:
                return subprocess.run(
                    arguments,
                    env={**os.environ, **self.environment, "LC_ALL": "C"},
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=TOOL_TIMEOUT_S,
                    check=True,
                    text=True,
                ).stdout
            except subprocess.SubprocessError as error:
                if isinstance(error, subprocess.TimeoutExpired) and tries:
                    continue
                raise PlatformError(f"{arguments[0]} fails on the private sound server") from error

    def _await(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not condition():
            ended = list(self.ended)
            if ended or time.monotonic() > deadline:
                what = f"{ended[0]} has stopped" if ended else "it does not answer"
                said = self.log.strip().splitlines()
                raise PlatformError(
                    f"the private sound server: {what}" + (f": {said[-1]}" if said else "")
                )
            time.sleep(0.01)


def _short_temporary_folder() -> Path:
    """Create a folder in which socket paths stay below the limit of 108 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="entrain-"))
    if len(str(folder)) > 80:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="entrain-", dir="/tmp"))
    return folder
