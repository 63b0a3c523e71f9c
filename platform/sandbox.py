"""A private PipeWire with virtual devices: for tests, and for machines without sound.

It shares nothing with the user's own sound: sockets, settings and state lie in a temporary
folder, no hardware is opened, no message bus is used.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from entrain.platform.adapter import PlatformError

assert sys.platform == "linux"

START_TIMEOUT_S = 15.0

_PACKAGES = {
    "pipewire": "pipewire",
    "pw-cli": "pipewire-bin",
    "wireplumber": "wireplumber",
    "pipewire-pulse": "pipewire-pulse",
}

# Keep the session manager away from the machine's own hardware and message buses:
# WirePlumber 0.4 reads Lua, 0.5 reads the other format, each ignores the other's files.
_WIREPLUMBER_SETTINGS = {
    "main.lua.d/80-private.lua": """\
alsa_monitor.enabled = false
v4l2_monitor.enabled = false
libcamera_monitor.enabled = false
default_access.properties["enable-flatpak-portal"] = false
""",
    "bluetooth.lua.d/80-private.lua": "bluez_monitor.enabled = false\n",
    "wireplumber.conf.d/private.conf": """\
wireplumber.profiles = {
  main = {
    hardware.audio = disabled
    hardware.bluetooth = disabled
    hardware.video-capture = disabled
    support.portal-permissionstore = disabled
    support.logind = disabled
  }
}
""",
}

# Lives in the servers' process group and outlives us when we are killed: the pipe on its
# standard input then closes, and it stops them and removes the folder.
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
    """An output that leads nowhere; its volume is audible in its monitor."""

    name: str
    description: str
    priority: int = 1000
    """The session manager prefers the highest."""
    positions: tuple[str, ...] = ("FL", "FR")


SPEAKERS = VirtualDevice("speakers", "Virtual speaker")


class Sandbox:
    """A private sound server; a context manager.

    Use it from one thread.  When this process dies, in whatever way, the servers stop and
    the folder is removed.

    Parameters
    ----------
    devices : sequence of VirtualDevice
        What is plugged in when it starts.

    Raises
    ------
    PlatformError
        Programs are missing, or the servers do not come up within `START_TIMEOUT_S`.

    """

    def __init__(self, devices: Sequence[VirtualDevice] = (SPEAKERS,)) -> None:
        missing = sorted({_PACKAGES[name] for name in _PACKAGES if shutil.which(name) is None})
        if missing:
            raise PlatformError(f"the sandbox needs these packages: {' '.join(missing)}")
        self._devices = tuple(devices)
        self._present: set[str] = set()
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
            self._write_settings()
            self.start_server()
        except BaseException:
            self.close()
            raise

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables with which a program reaches this server.

        XDG_RUNTIME_DIR is not among them: a program's own files stay where they are.
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
    def folder(self) -> Path:
        """Where the servers' sockets, state and log lie."""
        return self._folder

    @property
    def log(self) -> str:
        """What the servers have printed so far."""
        return (self._folder / "log").read_text(encoding="utf-8", errors="replace")

    def pid(self, program: str) -> int:
        """Return the process id of ``pipewire``, ``wireplumber`` or ``pipewire-pulse``."""
        return self._processes[program].pid

    def start_server(self) -> None:
        """Start all servers, with the settings and the state that the folder holds.

        The devices are those of the beginning.
        """
        if "pipewire" not in self._processes:
            self._start("pipewire")
            self._present = {device.name for device in self._devices}
            self._await(lambda: _listens(self._folder / "pipewire-0"))
        self.start_session_manager(wait=False)
        if "pipewire-pulse" not in self._processes:
            self._start("pipewire-pulse")
        self._await(self._ready)
        for number in self._sinks().values():
            self._rouse(number)

    def stop_server(self, kill: bool = False) -> None:
        """Stop all servers; with `kill` without a warning, as in a crash."""
        for name in ("pipewire-pulse", "wireplumber", "pipewire"):
            self._stop(name, kill)

    def start_session_manager(self, wait: bool = True) -> None:
        """Start WirePlumber, if it does not run."""
        if "wireplumber" not in self._processes:
            self._start("wireplumber")
        if wait:
            self._await(self._ready)

    def kill_session_manager(self) -> None:
        """Kill WirePlumber without a warning."""
        self._stop("wireplumber", kill=True)

    def restart_session_manager(self) -> None:
        """Stop WirePlumber and start it again."""
        self._stop("wireplumber", kill=False)
        self.start_session_manager()

    def add_device(self, device: VirtualDevice) -> None:
        """Plug a device in and wait until it is there."""
        self._command("pw-cli", "create-node", "adapter", "{ " + _properties(device) + " }")
        self._await(lambda: device.name in self._sinks())
        self._present.add(device.name)
        self._rouse(self._sinks()[device.name])

    def remove_device(self, name: str) -> None:
        """Unplug a device and wait until it is gone."""
        self._command("pw-cli", "destroy", str(self._sinks()[name]))
        self._await(lambda: name not in self._sinks())
        self._present.discard(name)

    def close(self) -> None:
        """Stop everything and remove the folder.  Idempotent."""
        self.stop_server()
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

    def _write_settings(self) -> None:
        config = self._folder / "config"
        objects = "\n".join(
            "  { factory = adapter args = { " + _properties(device) + " } }"
            for device in self._devices
        )
        files = {
            "pipewire/pipewire.conf.d/devices.conf": f"context.objects = [\n{objects}\n]\n",
            **{f"wireplumber/{name}": text for name, text in _WIREPLUMBER_SETTINGS.items()},
        }
        for name, text in files.items():
            (config / name).parent.mkdir(parents=True, exist_ok=True)
            (config / name).write_text(text, encoding="utf-8")
        for name in ("state", "data", "cache", "pulse"):
            (self._folder / name).mkdir(mode=0o700)

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
            # An address that nobody answers: else libdbus looks for the user's bus, or starts one.
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self._folder}/no-bus",
            "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self._folder}/no-bus",
        }

    def _start(self, name: str) -> None:
        with (self._folder / "log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [name],
                env=self._server_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=self._guard.pid,  # out of reach of Ctrl-C, in reach of the guard
            )

    def _stop(self, name: str, kill: bool) -> None:
        process = self._processes.pop(name, None)
        if process is None:
            return
        process.send_signal(signal.SIGCONT)  # a stopped process does not hear SIGTERM
        process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            process.wait(2.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _ready(self) -> bool:
        """Tell whether there are devices, one is the default, and PulseAudio programs get in."""
        if not _listens(self._folder / "pulse" / "native"):
            return False
        objects = self._dump()
        return self._present <= set(_sink_ids(objects)) and (
            not self._present or _has_default(objects)
        )

    def _rouse(self, number: int) -> None:
        """Start a device once: PipeWire 1.4 keeps volumes from one that has never run."""
        for command in ("Start", "Pause"):
            self._command("pw-cli", "send-command", str(number), command, "{}")

    def _sinks(self) -> dict[str, int]:
        return _sink_ids(self._dump())

    def _dump(self) -> list[dict[str, object]]:
        return _parse_dump(self._command("pw-dump", "--no-colors"))

    def _command(self, *arguments: str) -> str:
        """Run one of PipeWire's own tools against this server."""
        try:
            return subprocess.run(
                arguments,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=START_TIMEOUT_S,
                check=True,
                text=True,
            ).stdout
        except subprocess.SubprocessError as error:
            raise PlatformError(f"{arguments[0]} fails on the private sound server") from error

    def _await(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not condition():
            dead = [name for name, process in self._processes.items() if process.poll() is not None]
            if dead or time.monotonic() > deadline:
                what = f"{dead[0]} has stopped" if dead else "it does not answer"
                said = self.log.strip().splitlines()
                raise PlatformError(
                    f"the private sound server: {what}" + (f": {said[-1]}" if said else "")
                )
            time.sleep(0.01)


def _properties(device: VirtualDevice) -> str:
    values = {
        "factory.name": "support.null-audio-sink",
        "node.name": device.name,
        "node.description": device.description,
        "media.class": "Audio/Sink",
        "audio.position": f"[ {' '.join(device.positions)} ]",
        "object.linger": "true",
        "priority.session": str(device.priority),
        "priority.driver": str(device.priority),
        "monitor.channel-volumes": "true",
    }
    return " ".join(
        f"{key} = {value if value[0] == '[' else json.dumps(value)}"
        for key, value in values.items()
    )


def _short_temporary_folder() -> Path:
    """Make a folder whose sockets' names stay below the limit of 108 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="entrain-"))
    if len(str(folder)) > 80:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="entrain-", dir="/tmp"))
    return folder


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def _parse_dump(text: str) -> list[dict[str, object]]:
    """Read what pw-dump prints: a list, and one more for each change while it looked."""
    objects: dict[int, dict[str, object]] = {}
    decoder, text = json.JSONDecoder(), text.strip()
    while text:
        found, end = decoder.raw_decode(text)
        objects.update((item["id"], item) for item in found)
        text = text[end:].lstrip()
    return list(objects.values())


def _sink_ids(objects: list[dict[str, object]]) -> dict[str, int]:
    found = {}
    for item in objects:
        info = item.get("info")
        properties = info.get("props", {}) if isinstance(info, dict) else {}
        if properties.get("media.class") == "Audio/Sink":
            found[str(properties.get("node.name"))] = int(str(item["id"]))
    return found


def _has_default(objects: list[dict[str, object]]) -> bool:
    for item in objects:
        entries = item.get("metadata")
        for entry in entries if isinstance(entries, list) else []:
            if entry.get("key") == "default.audio.sink" and entry.get("value"):
                return True
    return False
