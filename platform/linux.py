"""Linux: devices, volumes and the default output through the PulseAudio protocol.

PipeWire speaks it too (pipewire-pulse), so this file knows no PipeWire.
"""

import math
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pulsectl

from entrain.platform.adapter import (
    CALL_TIMEOUT_S,
    SINK_NAME,
    Device,
    Paths,
    PlatformError,
    PrivateServer,
    ServerInfo,
    SoundServer,
    Volume,
)
from entrain.platform.folders import user_paths

assert sys.platform == "linux"

_ERRORS = (
    pulsectl.PulseError,
    pulsectl.PulseDisconnected,
    pulsectl._pulsectl.LibPulse.CallError,
)
_PIPEWIRE_MARK = "on PipeWire "
_STATES = ("running", "idle", "suspended")
_NO_SERVER = (
    "no sound server answers; is PipeWire or PulseAudio running? (entrain run --sandbox needs none)"
)
_NO_ACCESS = "the sound server denies access; is it another user's, or the PulseAudio cookie wrong?"
_PA_ERR_ACCESS = 1

# What PulseAudio's own device_init_priority() adds for what a sink says of itself.
_PULSE_PRIORITIES = {
    "device.form_factor": {"headphone": 900, "hifi": 600, "speaker": 500, "portable": 450},
    "device.bus": {"bluetooth": 50, "usb": 40, "pci": 30},
}


class LinuxAdapter:
    """A Linux desktop, or a machine on which somebody has started a sound server."""

    can_sandbox: ClassVar[bool] = True

    def connect(self) -> SoundServer:
        return PulseServer()

    def has_sound_server(self) -> bool:
        return any(_answers(path) for path in (*_pulse_sockets(), *_pipewire_sockets()))

    def default_backend(self) -> str:
        if not any(_answers(path) for path in _pulse_sockets()):
            if any(_answers(path) for path in _pipewire_sockets()):
                raise PlatformError(
                    "PipeWire runs, but not as sound server; "
                    "install and start pipewire-pulse (or PulseAudio)"
                )
            raise PlatformError(_NO_SERVER)
        return _server_info().kind

    def paths(self) -> Paths:
        return user_paths()

    def sandbox(self) -> PrivateServer:
        from entrain.platform.sandbox import open_sandbox

        return open_sandbox()


class PulseServer:
    """Two connections to the server: one for calls, one for news."""

    def __init__(self) -> None:
        self._watcher: _Watcher | None = None
        self._link = _Connection()

    def info(self) -> ServerInfo:
        return _server_info()

    def devices(self) -> list[Device]:
        with self._link.call() as pulse:
            on_pipewire = _PIPEWIRE_MARK in str(pulse.server_info().server_name)
            sinks = pulse.sink_list()
        priority = _pipewire_priority if on_pipewire else _pulse_priority
        # Those with something plugged in first; among equals the order is the server's.
        sinks.sort(key=lambda sink: (_unplugged(sink), -priority(sink.proplist)))
        return [_device(sink) for sink in sinks]

    def default(self) -> str:
        return self.info().default

    def set_default(self, name: str) -> None:
        self._sink(name)
        with self._link.call() as pulse:
            pulse.sink_default_set(name)

    def set_volume(self, name: str, volume: Volume) -> None:
        sink = self._sink(name)
        wanted = volume.fitted(len(sink.volume.values))
        with self._link.call() as pulse:
            # Silence first and sound last, so that nothing is heard at the wrong volume.
            if wanted.muted and not sink.mute:
                pulse.sink_mute(sink.index, True)
            if wanted.channels != tuple(sink.volume.values):
                pulse.sink_volume_set(sink.index, pulsectl.PulseVolumeInfo(list(wanted.channels)))
            if sink.mute and not wanted.muted:
                pulse.sink_mute(sink.index, False)

    def watch(self, callback: Callable[[], None]) -> None:
        if self._watcher is not None:
            self._watcher.close()
        self._watcher = _Watcher(callback)

    def close(self) -> None:
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None
        self._link.close()

    def _sink(self, name: str) -> Any:
        with self._link.call() as pulse:
            for sink in pulse.sink_list():
                if sink.name == name:
                    return sink
        raise PlatformError(f"there is no output named {name!r}")


class _Connection:
    """A libpulse connection whose calls end in time.

    libpulse waits for an answer as long as it takes.  Here the waiting itself knows how
    long the call may last; a call that exceeds it ends the connection.
    """

    def __init__(self) -> None:
        self._deadline = math.inf
        self._pulse = pulsectl.Pulse("Entrain", connect=False)
        self._pulse.set_poll_func(self._poll)
        try:
            with self.call(connecting=True) as pulse:
                pulse.connect()
        except PlatformError:
            self.close()
            raise

    @contextmanager
    def call(self, connecting: bool = False) -> Iterator[Any]:
        """Give the pulsectl object for calls that together last `CALL_TIMEOUT_S` at most."""
        if not connecting and not self._pulse.connected:
            raise PlatformError("the connection to the sound server is lost")
        self._deadline = time.monotonic() + CALL_TIMEOUT_S
        try:
            yield self._pulse
        except _ERRORS as error:
            if connecting:
                denied = self._errno() == _PA_ERR_ACCESS
                raise PlatformError(_NO_ACCESS if denied else _NO_SERVER) from error
            if self._pulse.connected:
                raise PlatformError("the sound server refuses") from error
            raise PlatformError("the sound server does not answer") from error
        finally:
            self._deadline = math.inf

    def listen(self) -> None:
        """Wait for news until `interrupt` or the end of the connection (a PlatformError)."""
        try:
            self._pulse.event_listen()
        except _ERRORS as error:
            raise PlatformError("the connection to the sound server is lost") from error

    def interrupt(self) -> None:
        """End `listen`; from another thread, and without effect if that does not wait yet."""
        self._pulse.event_listen_stop()

    def close(self) -> None:
        self._pulse.close()

    def _errno(self) -> int:
        return int(pulsectl._pulsectl.pa.context_errno(self._pulse._ctx))

    def _poll(self, fds: list[Any], timeout_s: float) -> int:
        left_s = max(0.0, self._deadline - time.monotonic())
        ready = _poll(fds, left_s if timeout_s < 0 else min(timeout_s, left_s))
        if not ready and time.monotonic() >= self._deadline:
            self._pulse.connected = False  # pulsectl waits for answers only while this holds
        return ready


class _Watcher:
    """A thread with a connection of its own that sleeps until the server has news."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        self._closed = False
        self._link = _Connection()
        try:
            with self._link.call() as pulse:
                pulse.event_callback_set(self._news)
                pulse.event_mask_set("sink", "server")
        except PlatformError:
            self._link.close()
            raise
        self._thread = threading.Thread(target=self._run, name="entrain-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed = True
        while self._thread.is_alive():
            self._link.interrupt()
            self._thread.join(0.02)
        self._link.close()

    def _run(self) -> None:
        try:
            while not self._closed:
                self._link.listen()
        except PlatformError:
            self._news(None)

    def _news(self, _event: Any) -> None:
        if not self._closed:
            self._callback()


def _server_info() -> ServerInfo:
    """Ask the server what it is.

    Over a connection of its own: PipeWire 0.3 can keep a new default from all those that are
    already there, when another program leaves while it is being told.
    """
    with closing(_Connection()) as link, link.call() as pulse:
        found = pulse.server_info()
    name, default = str(found.server_name), str(found.default_sink_name or "")
    if default.startswith("@"):  # PipeWire's way to say that there is none
        default = ""
    if _PIPEWIRE_MARK in name:
        version = name.split(_PIPEWIRE_MARK, 1)[1].rstrip(")")
        return ServerInfo("PipeWire", version, "pipewire", default)
    return ServerInfo("PulseAudio", str(found.server_version), "pulse", default)


def _poll(fds: list[Any], timeout_s: float) -> int:
    """Do what poll(2) does, on pulsectl's structures."""
    poller = select.poll()
    for fd in fds:
        poller.register(fd.fd, fd.events)
        fd.revents = 0
    found = dict(poller.poll(None if math.isinf(timeout_s) else math.ceil(timeout_s * 1000)))
    for fd in fds:
        fd.revents = found.get(fd.fd, 0)
    return len(found)


def _unplugged(sink: Any) -> bool:
    port = getattr(sink, "port_active", None)
    return port is not None and port.available_state == "no"


def _pipewire_priority(properties: Mapping[str, str]) -> int:
    priority = properties.get("priority.session", properties.get("priority.driver", "0"))
    return int(priority) if priority.isdigit() else 0


def _pulse_priority(properties: Mapping[str, str]) -> int:
    """Work out what PulseAudio thinks of a sink; it does not tell."""
    priority = 10_000 if properties.get("device.api") == "jack" else 0
    if kind := properties.get("device.class"):
        priority += {"sound": 9000, "modem": 0}.get(kind, 1000)
    for key, values in _PULSE_PRIORITIES.items():
        priority += values.get(properties.get(key, ""), 0)
    profile = properties.get("device.profile.name", "")
    return priority + 9 * profile.startswith("analog-") + 7 * profile.startswith("iec958-")


def _device(sink: Any) -> Device:
    return Device(
        name=sink.name,
        description=sink.description,
        volume=Volume(tuple(sink.volume.values), bool(sink.mute)),
        own=sink.name == SINK_NAME,
        state=next((state for state in _STATES if sink.state == state), "unknown"),
        rate_hz=sink.sample_spec.rate,
        channels=len(sink.volume.values),
    )


def _pulse_sockets() -> list[Path]:
    """Where a local PulseAudio-compatible server would listen; a remote one is no use to us."""
    if servers := os.environ.get("PULSE_SERVER"):
        names = (name.rpartition("}")[2].removeprefix("unix:") for name in servers.split())
        return [Path(name) for name in names if name.startswith("/")]
    if folder := os.environ.get("PULSE_RUNTIME_PATH"):
        return [Path(folder) / "native"]
    return [Path(folder) / "pulse" / "native" for folder in _runtime_folders("XDG_RUNTIME_DIR")]


def _pipewire_sockets() -> list[Path]:
    name = os.environ.get("PIPEWIRE_REMOTE") or "pipewire-0"
    return [
        Path(folder) / name
        for folder in _runtime_folders("PIPEWIRE_RUNTIME_DIR", "XDG_RUNTIME_DIR")
    ]


def _runtime_folders(*variables: str) -> list[str]:
    return [value for value in map(os.environ.get, variables) if value][:1]


def _answers(path: Path) -> bool:
    """Tell whether somebody listens at a socket; one that a dead server has left refuses."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(0.5)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
