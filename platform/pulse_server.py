"""A sound server that speaks PulseAudio's protocol.

PipeWire speaks it, too (pipewire-pulse), so this module needs no other code for PipeWire.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from typing import Any

from entrain.platform import pulse_connection, pulse_state
from entrain.platform.adapter import Device, PlatformError, ServerInfo, Stream, Volume
from entrain.platform.libpulse import pulsectl
from entrain.platform.pulse_terms import SINK_NAME, device_of, sort_by_preference, stream_of
from entrain.platform.pulse_ways import find_ways
from entrain.ways import Way

assert sys.platform == "linux"

_PIPEWIRE_MARK = "on PipeWire "
_SESSION_MANAGERS = ("WirePlumber", "pipewire-media-session")


class PulseServer:
    """Two connections to the server: one for calls, one for news."""

    def __init__(self) -> None:
        self._watcher: pulse_connection.Watcher | None = None
        self._is_pipewire: bool | None = None
        self._link = pulse_connection.Connection()

    def info(self) -> ServerInfo:
        return server_info()

    def session_manager(self) -> str | None:
        with self._call() as pulse:
            if _PIPEWIRE_MARK not in str(pulse.server_info().server_name):
                return None
            names = {client.proplist.get("application.name", "") for client in pulse.client_list()}
        return next((name for name in _SESSION_MANAGERS if name in names), "")

    def devices(self) -> list[Device]:
        with self._call() as pulse:
            on_pipewire = _PIPEWIRE_MARK in str(pulse.server_info().server_name)
            sinks = pulse.sink_list()
        sort_by_preference(sinks, on_pipewire=on_pipewire)
        return [device_of(sink) for sink in sinks]

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
            # Mute first and unmute last, so that no sound plays at the wrong volume.
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
                # PipeWire's own apps report this for the client, not for each stream.
                clients = {client.index: client.proplist for client in pulse.client_list()}
        return [
            stream_of(item, {**clients.get(item.client, {}), **item.proplist}, devices)
            for item in inputs
        ]

    def move_stream(self, index: int, device: str) -> None:
        self._renew_if_outdated()
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
        # Start the new watcher first, so that no change is missed.
        before, self._watcher = self._watcher, pulse_connection.Watcher(callback, streams)
        if before is not None:
            before.close()

    def close(self) -> None:
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None
        self._link.close()

    def _renew_if_outdated(self) -> None:
        """Connect anew if this connection has missed a new default; see `server_info`.

        Over an outdated connection, PipeWire takes a move to the former default for a move to the
        present one.  The new connection stays open: a request may be lost if its client leaves.
        """
        with self._call() as pulse:
            known = pulse.server_info()
        if _PIPEWIRE_MARK not in str(known.server_name):
            return
        link = pulse_connection.Connection()
        try:
            with link.call() as pulse:
                present = pulse.server_info()
        except PlatformError:
            link.close()
            raise
        if _default_of(present) != _default_of(known):
            self._link, link = link, self._link
        link.close()

    @staticmethod
    def _forget_move(pulse: Any, index: int, forgets_now: bool = False) -> None:
        """Remove the device from PulseAudio's memory of the stream's app.

        With `forgets_now`, the stream itself also stops preferring the device.

        PipeWire accepts the request, too, but its session manager has a memory of its own.
        """
        with contextlib.suppress(pulsectl.PulseError):  # the server has no such memory
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


def server_info() -> ServerInfo:
    """Ask the server for its name, version and default.

    This needs a new connection: if another client leaves while PipeWire 0.3 reports a new default,
    existing clients may never receive it.
    """
    with closing(pulse_connection.Connection()) as link, link.call() as pulse:
        found = pulse.server_info()
    name, default = str(found.server_name), _default_of(found)
    if _PIPEWIRE_MARK in name:
        version = name.split(_PIPEWIRE_MARK, 1)[1].rstrip(")")
        return ServerInfo("PipeWire", version, "pipewire", default)
    return ServerInfo("PulseAudio", str(found.server_version), "pulse", default)


def _default_of(info: Any) -> str:
    name = str(info.default_sink_name or "")
    return "" if name.startswith("@") else name  # PipeWire's sign for no default


def _is_only_one(pulse: Any, key: str) -> bool:
    """Return whether only one stream has this key; a write concerns all streams with the key."""
    keys = [item.proplist.get("module-stream-restore.id") for item in pulse.sink_input_list()]
    return keys.count(key) == 1


def _is_own(properties: Mapping[str, str]) -> bool:
    return properties.get("application.process.id") == str(os.getpid())
