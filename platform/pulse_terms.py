"""Translates PulseAudio's sinks and streams into the terms of `adapter`.

PipeWire speaks PulseAudio's protocol, too, and differs only in a few properties.
"""

import re
from collections.abc import Mapping
from typing import Any

from entrain.platform.adapter import OWN_DEVICE, Device, Purpose, Stream, Volume
from entrain.platform.device_form import device_form

SINK_NAME = OWN_DEVICE
"""Name of Entrain's sink, which is also the name of Entrain's device."""

_STATES = ("running", "idle", "suspended")
_OWNER = "entrain.pid"
"""Property that distinguishes Entrain's sink from other sinks with the same name."""
_PORTAL_ID = "pipewire.access.portal.app_id"

_PURPOSES: dict[str, Purpose] = {
    **dict.fromkeys(("phone", "communication"), "call"),
    **dict.fromkeys(("event", "notification", "a11y", "accessibility"), "notification"),
}
"""Purpose of a stream, by its ``media.role``."""

# "Dummy Output" in PulseAudio, pipewire-pulse and WirePlumber.  A number is appended if the name
# was taken.
_DUMMY = re.compile(r"auto_null(\.\d+)?")

# Priorities that PulseAudio's function device_init_priority() adds for a sink's properties.
_PULSE_PRIORITIES = {
    "device.form_factor": {"headphone": 900, "hifi": 600, "speaker": 500, "portable": 450},
    "device.bus": {"bluetooth": 50, "usb": 40, "pci": 30},
}


def sort_by_preference(sinks: list[Any], *, on_pipewire: bool) -> None:
    """Sort sinks by priority, unplugged ones last; equal sinks keep the server's order."""
    priority = _pipewire_priority if on_pipewire else _pulse_priority
    sinks.sort(key=lambda sink: (_is_unplugged(sink), -priority(sink.proplist)))


def device_of(sink: Any) -> Device:
    """Describe a sink."""
    return Device(
        name=sink.name,
        description=sink.description,
        volume=volume_of(sink),
        own=sink.name == SINK_NAME and _OWNER in sink.proplist,
        state=next((state for state in _STATES if sink.state == state), "unknown"),
        rate_hz=sink.sample_spec.rate,
        channels=len(sink.volume.values),
        form=device_form(sink.proplist, _port(sink), len(sink.volume.values)),
        dummy=_DUMMY.fullmatch(sink.name) is not None,
        headphones_in=_headphones_in(sink),
        owner=_owner(sink.proplist) if sink.name == SINK_NAME else None,
    )


def volume_of(sink: Any) -> Volume:
    """Return a sink's volume, which has the scale of `Volume`."""
    return Volume(tuple(sink.volume.values), bool(sink.mute))


def stream_of(item: Any, properties: Mapping[str, str], devices: Mapping[int, str]) -> Stream:
    """Describe a sink input.

    Parameters
    ----------
    item : sink input
        Object of pulsectl.
    properties : mapping of str
        Properties of the stream and of its client.
    devices : mapping of str
        Names of the sinks by number.

    """
    names = (properties.get(key) for key in ("application.name", "node.name", "media.name"))
    target = properties.get("target.object", properties.get("node.target", "-1"))
    role = properties.get("media.role", "").lower()
    return Stream(
        index=item.index,
        device=devices.get(item.sink, ""),
        app_id=properties.get("application.id", properties.get(_PORTAL_ID, "")),
        binary=properties.get("application.process.binary", ""),
        name=next((name for name in names if name), ""),
        purpose=_PURPOSES.get(role, "other"),
        kind=role,
        pinned=target not in ("", "-1"),
    )


def _is_unplugged(sink: Any) -> bool:
    port = getattr(sink, "port_active", None)
    return port is not None and port.available_state == "no"


def _pipewire_priority(properties: Mapping[str, str]) -> int:
    priority = properties.get("priority.session", properties.get("priority.driver", "0"))
    return int(priority) if priority.isdigit() else 0


def _pulse_priority(properties: Mapping[str, str]) -> int:
    """Compute PulseAudio's priority of a sink, since PulseAudio does not report it."""
    priority = 10_000 if properties.get("device.api") == "jack" else 0
    if kind := properties.get("device.class"):
        priority += {"sound": 9000, "modem": 0}.get(kind, 1000)
    for key, values in _PULSE_PRIORITIES.items():
        priority += values.get(properties.get(key, ""), 0)
    profile = properties.get("device.profile.name", "")
    return priority + 9 * profile.startswith("analog-") + 7 * profile.startswith("iec958-")


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
