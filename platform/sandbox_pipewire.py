"""A private PipeWire, with its session manager and its PulseAudio face."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from entrain.platform import sandbox
from entrain.platform.socket_probe import listens

assert sys.platform == "linux"

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


class PipeWireSandbox(sandbox.Sandbox):
    """PipeWire, WirePlumber and pipewire-pulse."""

    kind: ClassVar[Literal["pipewire", "pulse"]] = "pipewire"
    _packages: ClassVar[Mapping[str, str]] = {
        "pipewire": "pipewire",
        "pw-cli": "pipewire-bin",
        "wireplumber": "wireplumber",
        "pipewire-pulse": "pipewire-pulse",
    }

    def __init__(self, devices: Sequence[sandbox.VirtualDevice] = (sandbox.SPEAKERS,)) -> None:
        self._present: set[str] = set()
        super().__init__(devices)

    def _start_server(self) -> None:
        if "pipewire" not in self._processes:
            self._start("pipewire")
            self._present = {device.name for device in self._devices}
            self._await(lambda: listens(self._folder / "pipewire-0"))
        for name in ("wireplumber", "pipewire-pulse"):
            if name not in self._processes:
                self._start(name)
        self._await(self._ready)
        for number in self._sinks().values():
            self._rouse(number)

    def _settings(self) -> Mapping[Path, str]:
        config = self._folder / "config"
        objects = "\n".join(
            "  { factory = adapter args = { " + node_properties(device) + " } }"
            for device in self._devices
        )
        devices = config / "pipewire" / "pipewire.conf.d" / "devices.conf"
        return {
            devices: f"context.objects = [\n{objects}\n]\n",
            **{config / "wireplumber" / name: text for name, text in _WIREPLUMBER_SETTINGS.items()},
        }

    def _ready(self) -> bool:
        """Tell whether there are devices, one is the default, and PulseAudio programs get in."""
        return (
            listens(self._folder / "pulse" / "native")
            and self._present <= set(self._sinks())
            and (not self._present or self._has_default())
        )

    def _has_default(self) -> bool:
        """Tell whether the session manager has chosen a default; look for a second.

        PipeWire 0.3 keeps a change from all that look at the metadata while it tells a newcomer
        what there is, and for good if that one leaves meanwhile: so this one stays a moment, and
        is followed by another one.
        """
        with (
            tempfile.TemporaryFile() as said,
            subprocess.Popen(
                ["pw-metadata", "-m", "0", "default.audio.sink"],
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=said,
            ) as watch,
        ):
            try:
                deadline = time.monotonic() + 1
                while b"name" not in os.pread(said.fileno(), 4096, 0):
                    if time.monotonic() > deadline:
                        return False
                    time.sleep(0.01)
                time.sleep(0.1)
                return True
            finally:
                watch.terminate()

    def _rouse(self, number: int) -> None:
        """Start a device once: PipeWire 1.4 keeps volumes from one that has never run.

        Not before the session manager has given it ports: then it could not any more.
        """
        self._await(lambda: f'node.id = "{number}"' in self._command("pw-cli", "ls", "Port"))
        for command in ("Start", "Pause"):
            self._command("pw-cli", "send-command", str(number), command, "{}")
        if 'state: "running"' in self._command("pw-cli", "info", str(number)):
            # Something plays to it by now: paused, it would run without a clock.
            self._command("pw-cli", "send-command", str(number), "Start", "{}")

    def _sinks(self) -> dict[str, int]:
        """Ask for the sinks' numbers by name; not with pw-dump, see `_has_default`."""
        found = {}
        for item in self._command("pw-cli", "ls", "Node").split("\tid ")[1:]:
            properties = dict(re.findall(r'([\w.]+) = "(.*)"', item))
            if properties.get("media.class") == "Audio/Sink":
                found[properties["node.name"]] = int(item.split(",", 1)[0])
        return found


def node_properties(device: sandbox.VirtualDevice) -> str:
    """Return the properties of the node that is a device."""
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
        **dict(device.properties),
    }
    return " ".join(
        f"{key} = {value if value[0] == '[' else json.dumps(value)}"
        for key, value in values.items()
    )
