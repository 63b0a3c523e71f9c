"""The Linux adapter: finds the sound server, and loads the modules for the desktop."""

import os
import sys
from pathlib import Path
from typing import ClassVar

from entrain.platform import pulse_connection, pulse_server
from entrain.platform.adapter import (
    Autostart,
    Launcher,
    Paths,
    PlatformError,
    PrivateServer,
    SoundServer,
)
from entrain.platform.folders import user_paths
from entrain.platform.socket_probe import listens
from entrain.threads import ThreadHandle

assert sys.platform == "linux"


class LinuxAdapter:
    """A Linux desktop, or any Linux computer on which a sound server may run."""

    can_sandbox: ClassVar[bool] = True

    def connect(self) -> SoundServer:
        return pulse_server.PulseServer()

    def has_sound_server(self) -> bool:
        return any(listens(path) for path in (*_pulse_sockets(), *_pipewire_sockets()))

    def default_backend(self) -> str:
        if not any(listens(path) for path in _pulse_sockets()):
            if any(listens(path) for path in _pipewire_sockets()):
                raise PlatformError(
                    "PipeWire is running, but it is not the sound server; "
                    "install and start pipewire-pulse (or PulseAudio)"
                )
            raise PlatformError(pulse_connection.NO_SERVER)
        return pulse_server.server_info().kind

    def paths(self) -> Paths:
        return user_paths()

    def make_realtime(self, thread: ThreadHandle) -> None:
        from entrain.platform import realtime_kit  # imported late, since few systems need it

        realtime_kit.make_realtime(thread)

    def move_to_own_group(self, process_id: int) -> None:
        from entrain.platform import service_manager  # imported late, only for PulseAudio

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


def _pulse_sockets() -> list[Path]:
    """Return the sockets of a local PulseAudio-compatible server; remote servers are left out."""
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
