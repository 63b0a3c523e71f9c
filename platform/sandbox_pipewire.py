"""A private PipeWire, with its session manager and its PulseAudio server."""

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

# Keep the session manager away from the computer's hardware and message buses.  WirePlumber 0.4
# reads the Lua files and 0.5 the others; each ignores the other's files.
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
        """Return whether devices and a default exist, and PulseAudio clients can connect."""
        return (
            listens(self._folder / "pulse" / "native")
            and self._present <= set(self._sinks())
            and (not self._present or self._has_default())
        )

    def _has_default(self) -> bool:
        """Return whether the session manager has chosen a default, within one second.

        While PipeWire 0.3 sends the metadata to a new client, it reports no changes to any client.
        If that client leaves too early, it never reports them.  So this client stays for a moment,
        and a second client follows.
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
        """Start a device once, since PipeWire 1.4 accepts no volume before a device has run.

        This must wait until the session manager has made its ports, which is impossible afterwards.
        """
        self._await(lambda: f'node.id = "{number}"' in self._command("pw-cli", "ls", "Port"))
        for command in ("Start", "Pause"):
            self._command("pw-cli", "send-command", str(number), command, "{}")
        if 'state: "running"' in self._command("pw-cli", "info", str(number)):
            # An app plays on the device already; paused, it would run without a clock.
            self._command("pw-cli", "send-command", str(number), "Start", "{}")

    def _sinks(self) -> dict[str, int]:
        """Return the sinks' numbers by name.  `_has_default` explains why pw-dump is not used."""
        found = {}
        for item in self._command("pw-cli", "ls", "Node").split("\tid ")[1:]:
            properties = dict(re.findall(r'([\w.]+) = "(.*)"', item))
            if properties.get("media.class") == "Audio/Sink":
                found[properties["node.name"]] = int(item.split(",", 1)[0])
        return found


def node_properties(device: sandbox.VirtualDevice) -> str:
    """Return the properties of a device's node."""
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
