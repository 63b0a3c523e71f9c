"""An operating system that exists only in memory: for tests and for machines without sound."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from entrain.platform.adapter import (
    OWN_DEVICE,
    Autostart,
    Device,
    Form,
    Launcher,
    NotSupported,
    Paths,
    PlatformError,
    PrivateServer,
    ServerInfo,
    SoundServer,
    Stream,
    Volume,
)
from entrain.platform.folders import user_paths
from entrain.threads import ThreadHandle
from entrain.ways import Way


def null_device(
    name: str,
    description: str = "",
    channels: int = 2,
    level: float = 1.0,
    form: Form = "unknown",
) -> Device:
    """Return a fictitious device at 48 kHz, with all channels at `level` (1.0 = 100 %)."""
    volume = Volume((level,) * channels)
    own = name == OWN_DEVICE
    return Device(name, description or name.title(), volume, own, "idle", 48000, channels, form)


class NullServer:
    """A sound server without sound; any thread may call it.

    It behaves like PipeWire.  The configured default is in effect while its device exists,
    otherwise the first device of the list; Entrain comes last.  A stream stays on its device, even
    when the device has vanished.  Callbacks run on the thread that makes the change.
    """

    def __init__(self, devices: tuple[Device, ...] = (null_device("speakers"),)) -> None:
        self._lock = threading.RLock()
        self._devices = {device.name: device for device in devices}
        self._streams: dict[int, Stream] = {}
        self._callback: Callable[[], None] | None = None
        self._watches_streams = False
        self._closed = False
        self.configured = ""
        self.manager: str | None = None

    def info(self) -> ServerInfo:
        return ServerInfo("null", "0", "null", self.default())

    def session_manager(self) -> str | None:
        return self.manager

    def devices(self) -> list[Device]:
        with self._lock:
            self._check()
            return list(self._devices.values())

    def default(self) -> str:
        with self._lock:
            self._check()
            if self.configured in self._devices:
                return self.configured
            return next(iter(sorted(self._devices, key=lambda name: name == OWN_DEVICE)), "")

    def stored_default(self) -> str | None:
        return None

    def set_default(self, name: str) -> None:
        with self._lock:
            self._device(name)
            self.configured = name
        self._changed()

    def set_volume(self, name: str, volume: Volume) -> None:
        with self._lock:
            device = self._device(name)
            self._devices[name] = replace(device, volume=volume.fitted(device.channels))
        self._changed()

    def streams(self) -> list[Stream]:
        with self._lock:
            self._check()
            return [
                replace(stream, device=stream.device if stream.device in self._devices else "")
                for stream in self._streams.values()
            ]

    def move_stream(self, index: int, device: str) -> None:
        with self._lock:
            self._device(device)
            self._streams[index] = replace(self._stream(index), device=device)
        self._changed(stream=True)

    def add_device(self, device: Device) -> None:
        """Connect a device, with the lowest priority."""
        with self._lock:
            self._devices[device.name] = device
        self._changed()

    def remove_device(self, name: str) -> None:
        """Disconnect a device."""
        with self._lock:
            self._device(name)
            del self._devices[name]
        self._changed()

    def add_stream(self, stream: Stream) -> None:
        """Start an app's stream."""
        with self._lock:
            self._streams[stream.index] = stream
        self._changed(stream=True)

    def remove_stream(self, index: int) -> None:
        """End an app's stream."""
        with self._lock:
            self._stream(index)
            del self._streams[index]
        self._changed(stream=True)

    def reroute(self, outlet: int, device: str) -> None:
        raise PlatformError(f"there is no stream {outlet}")

    def ways(self) -> list[Way]:
        return []

    def watch(self, callback: Callable[[], None], streams: bool = False) -> None:
        with self._lock:
            self._check()
            self._callback, self._watches_streams = callback, streams

    def lose(self) -> None:
        """Behave like a server that has crashed."""
        with self._lock:
            callback, self._callback, self._closed = self._callback, None, True
        if callback:
            callback()

    def close(self) -> None:
        with self._lock:
            self._callback, self._closed = None, True

    def _check(self) -> None:
        if self._closed:
            raise PlatformError("the connection to the sound server is closed")

    def _device(self, name: str) -> Device:
        self._check()
        try:
            return self._devices[name]
        except KeyError:
            raise PlatformError(f"there is no output named {name!r}") from None

    def _stream(self, index: int) -> Stream:
        self._check()
        try:
            return self._streams[index]
        except KeyError:
            raise PlatformError(f"there is no stream {index}") from None

    def _changed(self, stream: bool = False) -> None:
        with self._lock:
            callback = self._callback if self._watches_streams or not stream else None
        if callback:
            callback()


class NullAdapter:
    """The null platform: one fictitious speaker, the null back end, real folders."""

    can_sandbox: ClassVar[bool] = False

    def connect(self) -> SoundServer:
        return NullServer()

    def has_sound_server(self) -> bool:
        return True

    def default_backend(self) -> str:
        return "null"

    def paths(self) -> Paths:
        return user_paths()

    def make_realtime(self, thread: ThreadHandle) -> None:
        raise PlatformError("there is no real-time priority on the null platform")

    def move_to_own_group(self, process_id: int) -> None:
        raise PlatformError("there are no groups of processes on the null platform")

    def sandbox(self) -> PrivateServer:
        raise PlatformError("there is no sandbox on the null platform")

    def autostart(self) -> Autostart:
        raise NotSupported("there is no login on the null platform")

    def launcher(self) -> Launcher:
        raise NotSupported("there is no application menu on the null platform")
