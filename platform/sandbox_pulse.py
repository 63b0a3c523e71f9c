"""A private PulseAudio, with the important modules of a desktop."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

from entrain.platform import sandbox
from entrain.platform.socket_probe import listens

assert sys.platform == "linux"

# The distributions' setting.  With flat volumes, an app's volume would move the device's volume.
_DAEMON_CONF = "flat-volumes = no\n"

_CHANNELS = {
    "MONO": "mono",
    "FL": "front-left",
    "FR": "front-right",
    "FC": "front-center",
    "LFE": "lfe",
    "RL": "rear-left",
    "RR": "rear-right",
    "SL": "side-left",
    "SR": "side-right",
}

# PulseAudio computes a sink's priority from these properties, and adds these numbers.  (In fact it
# adds 9000 instead of 1000 for the first one.)
_MERITS: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = (
    ("device.class", (("sound", 1000),)),
    ("device.form_factor", (("headphone", 900), ("hifi", 600), ("speaker", 500))),
    ("device.bus", (("bluetooth", 50), ("usb", 40), ("pci", 30))),
    ("device.profile.name", (("analog-stereo", 9), ("iec958-stereo", 7))),
)


class PulseSandbox(sandbox.Sandbox):
    """A private PulseAudio."""

    kind: ClassVar[Literal["pipewire", "pulse"]] = "pulse"
    _packages: ClassVar[Mapping[str, str]] = {
        "pulseaudio": "pulseaudio",
        "pactl": "pulseaudio-utils",
    }

    def _start_server(self) -> None:
        if "pulseaudio" not in self._processes:
            options = [option for load in self._modules() for option in ("--load", load)]
            self._start("pulseaudio", *self._options(), *options)
        self._await(lambda: listens(self._socket))

    def _settings(self) -> Mapping[Path, str]:
        return {self._folder / "config" / "pulse" / "daemon.conf": _DAEMON_CONF}

    @property
    def environment(self) -> Mapping[str, str]:
        return {**super().environment, "PULSE_STATE_PATH": str(self._folder / "state")}

    def _server_environment(self) -> dict[str, str]:
        return {
            **super()._server_environment(),
            "PULSE_CONFIG": str(self._folder / "config" / "pulse" / "daemon.conf"),
        }

    def _options(self) -> list[str]:
        """Return the server's options, except the modules."""
        return ["-n", "--daemonize=no", "--exit-idle-time=-1", "--log-target=stderr"]

    def _modules(self) -> list[str]:
        """Return the modules with their arguments, in a desktop's order; the socket is last."""
        return [
            "module-device-restore",
            "module-stream-restore",
            *(null_sink(device) for device in self._devices),
            # The default source, as on a desktop.  Otherwise the default sink's monitor would be
            # the default source, and recording apps would move with each change of that sink.
            "module-null-source source_name=microphone",
            "module-default-device-restore",
            "module-always-sink",
            "module-intended-roles",
            "module-suspend-on-idle",
            f"module-native-protocol-unix socket={self._socket}"
            f" auth-cookie={self.environment['PULSE_COOKIE']}",
        ]

    @property
    def _socket(self) -> Path:
        return self._folder / "pulse" / "native"


def null_sink(device: sandbox.VirtualDevice) -> str:
    """Return the module, with arguments, that creates a device."""
    properties = {
        "device.description": device.description,
        **_merits(device.priority),
        **dict(device.properties),
    }
    text = " ".join(f'{key}="{value}"' for key, value in properties.items())
    return (
        f"module-null-sink sink_name={device.name} format=float32le rate={device.rate_hz}"
        f" channels={len(device.positions)}"
        f" channel_map={','.join(_CHANNELS[position] for position in device.positions)}"
        f" sink_properties='{text}'"
    )


def _merits(priority: int) -> dict[str, str]:
    """Choose properties whose priorities add up to this number, or to a little less."""
    chosen = {}
    for key, values in _MERITS:
        for value, worth in values:
            if worth <= priority:
                chosen[key] = value
                priority -= worth
                break
    return chosen
