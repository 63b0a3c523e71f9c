"""Linux: devices, volumes and the default output through the PulseAudio protocol.

PipeWire speaks it too (pipewire-pulse), so this file knows no PipeWire.
"""

import contextlib
import os
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any, ClassVar

import pulsectl

from entrain.platform import pulse_connection, pulse_state
from entrain.platform.adapter import (
    SINK_NAME,
    Autostart,
    Device,
    Launcher,
    Paths,
    PlatformError,
    PrivateServer,
    ServerInfo,
    SoundServer,
    Stream,
    Volume,
)
from entrain.platform.device_form import device_form
from entrain.platform.folders import user_paths
from entrain.platform.pulse_ways import find_ways
from entrain.platform.socket_probe import listens
from entrain.ways import Way

assert sys.platform == "linux"

_PIPEWIRE_MARK = "on PipeWire "
_STATES = ("running", "idle", "suspended")
_OWNER = "entrain.pid"
"""The property by which our sink is told from another one of its name."""
_PORTAL_ID = "pipewire.access.portal.app_id"

# "Dummy Output" of PulseAudio, pipewire-pulse and WirePlumber alike; a number follows where the
# name was taken.
_DUMMY = re.compile(r"auto_null(\.\d+)?")

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
        return any(listens(path) for path in (*_pulse_sockets(), *_pipewire_sockets()))

    def default_backend(self) -> str:
        if not any(listens(path) for path in _pulse_sockets()):
            if any(listens(path) for path in _pipewire_sockets()):
                raise PlatformError(
                    "PipeWire runs, but not as sound server; "
                    "install and start pipewire-pulse (or PulseAudio)"
                )
            raise PlatformError(pulse_connection.NO_SERVER)
        return _server_info().kind

    def paths(self) -> Paths:
        return user_paths()

    def make_realtime(self, thread_id: int) -> None:
        from entrain.platform import realtime_kit  # few need it

        realtime_kit.make_realtime(thread_id)

    def move_to_own_group(self, process_id: int) -> None:
        from entrain.platform import service_manager  # PulseAudio's users only need it

        service_manager.move_to_own_group(process_id)

    def sandbox(self) -> PrivateServer:
        from entrain.platform.sandbox_choice import open_sandbox

        return open_sandbox()

    def autostart(self) -> Autostart:
        from entrain.platform.autostart import XdgAutostart

        return XdgAutostart()

    def launcher(self) -> Launcher:
        from entrain.platform.launcher import XdgLauncher

        return XdgLauncher()


class PulseServer:
    """Two connections to the server: one for calls, one for news."""

    def __init__(self) -> None:
        self._watcher: pulse_connection.Watcher | None = None
        self._is_pipewire: bool | None = None
        self._link = pulse_connection.Connection()

    def info(self) -> ServerInfo:
        return _server_info()

    def devices(self) -> list[Device]:
        with self._call() as pulse:
            on_pipewire = _PIPEWIRE_MARK in str(pulse.server_info().server_name)
            sinks = pulse.sink_list()
        priority = _pipewire_priority if on_pipewire else _pulse_priority
        # Those with something plugged in first; among equals the order is the server's.
        sinks.sort(key=lambda sink: (_unplugged(sink), -priority(sink.proplist)))
        return [_device(sink) for sink in sinks]

    def default(self) -> str:
        return self.info().default

    def stored_default(self) -> str | None:
        return pulse_state.stored_default()

    def set_default(self, name: str) -> None:
        self._sink(name)
        with self._call() as pulse:
            pulse.sink_default_set(name)

    def set_volume(self, name: str, volume: Volume) -> None:
        sink = self._sink(name)
        wanted = volume.fitted(len(sink.volume.values))
        with self._call() as pulse:
            # Silence first and sound last, so that nothing is heard at the wrong volume.
            if wanted.muted and not sink.mute:
                pulse.sink_mute(sink.index, True)
            if wanted.channels != tuple(sink.volume.values):
                pulse.sink_volume_set(sink.index, pulsectl.PulseVolumeInfo(list(wanted.channels)))
            if sink.mute and not wanted.muted:
                pulse.sink_mute(sink.index, False)

    def streams(self) -> list[Stream]:
        with self._call() as pulse:
            inputs = [item for item in pulse.sink_input_list() if not _is_own(item.proplist)]
            if not inputs:
                return []
            devices = {sink.index: sink.name for sink in pulse.sink_list()}
            clients = {}
            if not all("application.process.binary" in item.proplist for item in inputs):
                # PipeWire's own programs say it of themselves, not of each stream.
                clients = {client.index: client.proplist for client in pulse.client_list()}
        return [
            _stream(item, {**clients.get(item.client, {}), **item.proplist}, devices)
            for item in inputs
        ]

    def move_stream(self, index: int, device: str) -> None:
        sink = self._sink(device)
        with self._call() as pulse:
            pulse.sink_input_move(index, sink.index)
            self._forget_move(pulse, index)

    def reroute(self, outlet: int, device: str) -> None:
        sink = self._sink(device)
        with self._call() as pulse:
            pulse.sink_input_move(outlet, sink.index)
            self._forget_move(pulse, outlet, forgets_now=True)

    def ways(self) -> list[Way]:
        with self._call() as pulse:
            if self._is_pipewire is None:
                self._is_pipewire = _PIPEWIRE_MARK in str(pulse.server_info().server_name)
            return [] if self._is_pipewire else find_ways(pulse, SINK_NAME)

    def watch(self, callback: Callable[[], None], streams: bool = False) -> None:
        # The new one first, so that nothing happens unseen in between.
        before, self._watcher = self._watcher, pulse_connection.Watcher(callback, streams)
        if before is not None:
            before.close()

    def close(self) -> None:
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None
        self._link.close()

    @staticmethod
    def _forget_move(pulse: Any, index: int, forgets_now: bool = False) -> None:
        """Take the device out of what PulseAudio remembers for the stream's program.

        With `forgets_now` the stream itself does not hold on to the device either.

        PipeWire takes the request, too, but its session manager keeps to itself what it knows.
        """
        with contextlib.suppress(pulsectl.PulseError):  # nothing is remembered here
            key = pulse.sink_input_info(index).proplist.get("module-stream-restore.id")
            for entry in pulse.stream_restore_list():
                if entry.name == key and entry.device:
                    entry.device = None
                    at_once = forgets_now and _is_only_one(pulse, key)
                    pulse.stream_restore_write(entry, mode="replace", apply_immediately=at_once)

    def _sink(self, name: str) -> Any:
        with self._call() as pulse:
            for sink in pulse.sink_list():
                if sink.name == name:
                    return sink
        raise PlatformError(f"there is no output named {name!r}")

    def _call(self) -> AbstractContextManager[Any]:
        if self._watcher is not None and self._watcher.lost:
            raise PlatformError("the connection to the sound server is lost")
        return self._link.call()


def _server_info() -> ServerInfo:
    """Ask the server what it is.

    Over a connection of its own: PipeWire 0.3 can keep a new default from all those that are
    already there, when another program leaves while it is being told.
    """
    with closing(pulse_connection.Connection()) as link, link.call() as pulse:
        found = pulse.server_info()
    name, default = str(found.server_name), str(found.default_sink_name or "")
    if default.startswith("@"):  # PipeWire's way to say that there is none
        default = ""
    if _PIPEWIRE_MARK in name:
        version = name.split(_PIPEWIRE_MARK, 1)[1].rstrip(")")
        return ServerInfo("PipeWire", version, "pipewire", default)
    return ServerInfo("PulseAudio", str(found.server_version), "pulse", default)


def _is_only_one(pulse: Any, key: str) -> bool:
    """Tell whether one stream only is remembered so: what is written holds for all of them."""
    keys = [item.proplist.get("module-stream-restore.id") for item in pulse.sink_input_list()]
    return keys.count(key) == 1


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
        own=sink.name == SINK_NAME and _OWNER in sink.proplist,
        state=next((state for state in _STATES if sink.state == state), "unknown"),
        rate_hz=sink.sample_spec.rate,
        channels=len(sink.volume.values),
        form=device_form(sink.proplist, _port(sink), len(sink.volume.values)),
        dummy=_DUMMY.fullmatch(sink.name) is not None,
        headphones_in=_headphones_in(sink),
        owner=_owner(sink.proplist) if sink.name == SINK_NAME else None,
    )


def _owner(properties: Mapping[str, str]) -> int | None:
    number = properties.get(_OWNER, "")
    return int(number) if number.isdecimal() else None


def _headphones_in(sink: Any) -> bool | None:
    told = {
        port.available_state
        for port in getattr(sink, "port_list", ())
        if device_form(sink.proplist, str(port.name), len(sink.volume.values)) == "headphones"
    }
    return True if "yes" in told else False if told == {"no"} else None


def _port(sink: Any) -> str:
    port = getattr(sink, "port_active", None)
    return str(port.name) if port is not None else ""


def _stream(item: Any, properties: Mapping[str, str], devices: Mapping[int, str]) -> Stream:
    names = (properties.get(key) for key in ("application.name", "node.name", "media.name"))
    target = properties.get("target.object", properties.get("node.target", "-1"))
    return Stream(
        index=item.index,
        device=devices.get(item.sink, ""),
        app_id=properties.get("application.id", properties.get(_PORTAL_ID, "")),
        binary=properties.get("application.process.binary", ""),
        name=next((name for name in names if name), ""),
        role=properties.get("media.role", "").lower(),
        pinned=target not in ("", "-1"),
    )


def _is_own(properties: Mapping[str, str]) -> bool:
    return properties.get("application.process.id") == str(os.getpid())


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
