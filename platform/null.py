"""An operating system that exists only in memory: for tests and for machines without sound."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from entrain.platform.adapter import (
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


def null_device(name: str, description: str = "", channels: int = 2, level: float = 1.0) -> Device:
    """Return a made-up device at 48 kHz, all channels at `level` (1.0 = 100 %)."""
    volume = Volume((level,) * channels)
    return Device(
        name, description or name.title(), volume, name == SINK_NAME, "idle", 48000, channels
    )


class NullServer:
    """A sound server without sound; any thread may call it.

    Behaves as PipeWire's: the configured default is used while that device is there, else
    the first one of the list, Entrain last.  Callbacks run on the thread that changes something.
    """

    def __init__(self, devices: tuple[Device, ...] = (null_device("speakers"),)) -> None:
        self._lock = threading.RLock()
        self._devices = {device.name: device for device in devices}
        self._callbacks: list[Callable[[], None]] = []
        self._closed = False
        self.configured = ""

    def info(self) -> ServerInfo:
        return ServerInfo("null", "0", "null", self.default())

    def devices(self) -> list[Device]:
        with self._lock:
            self._check()
            return list(self._devices.values())

    def default(self) -> str:
        with self._lock:
            self._check()
            if self.configured in self._devices:
                return self.configured
            return next(iter(sorted(self._devices, key=lambda name: name == SINK_NAME)), "")

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

    def add_device(self, device: Device) -> None:
        """Plug a device in, as the least preferred one."""
        with self._lock:
            self._devices[device.name] = device
        self._changed()

    def remove_device(self, name: str) -> None:
        """Unplug a device."""
        with self._lock:
            self._device(name)
            del self._devices[name]
        self._changed()

    def watch(self, callback: Callable[[], None]) -> None:
        with self._lock:
            self._check()
            self._callbacks.append(callback)

    def lose(self) -> None:
        """Behave as if the server had died."""
        with self._lock:
            callbacks, self._callbacks, self._closed = self._callbacks, [], True
        for callback in callbacks:
            callback()

    def close(self) -> None:
        with self._lock:
            self._callbacks, self._closed = [], True

    def _check(self) -> None:
        if self._closed:
            raise PlatformError("the connection to the sound server is closed")

    def _device(self, name: str) -> Device:
        self._check()
        try:
            return self._devices[name]
        except KeyError:
            raise PlatformError(f"there is no output named {name!r}") from None

    def _changed(self) -> None:
        with self._lock:
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()


class NullAdapter:
    """The null platform: one made-up speaker, the null back end, real folders."""

    can_sandbox: ClassVar[bool] = False

    def connect(self) -> SoundServer:
        return NullServer()

    def has_sound_server(self) -> bool:
        return True

    def default_backend(self) -> str:
        return "null"

    def paths(self) -> Paths:
        return user_paths()

    def sandbox(self) -> PrivateServer:
        raise PlatformError("there is no sandbox on the null platform")
