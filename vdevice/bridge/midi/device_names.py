"""Names of MIDI devices, from the names of their ports.  Pure.

A device keeps its name over restarts, so numbers that a system deals out are left out.  The name
of a device's input port and the name of its output port lead to the same name.
"""

import re
from collections.abc import Sequence

from entrain.vdevice.limits import MAX_MIDI_NAME_CHARS

OWN_NAME = "Entrain"
"""Name of our client, and of the virtual port to which other programs connect."""

_DEALT_OUT = re.compile(r" \d+:\d+$| \[\d+\]")
"""ALSA's numbers of client and port, and the number of a card."""
_DIRECTION = re.compile(
    r"\((?:capture|playback)(?:_\d+)?\)"
    r"|(?<![a-z])(?:midi_)?(?:in|out|input|output|capture|playback)(?![a-z])",
    re.IGNORECASE,
)
_COPY = re.compile(r"-\d\d$")  # JACK numbers clients of the same name
_LOOPS = ("midi through", "rtmidi")
"""Beginnings of ports that give back what they get."""


def device_name(port: str) -> str:
    """Return the name of the device of a port; empty for ports that are not devices."""
    name = "".join(each for each in _DEALT_OUT.sub("", port) if each.isprintable())
    name = name.removeprefix("Midi-Bridge:")
    client, _, rest = name.partition(":")
    client = _COPY.sub("", client.strip())
    rest = " ".join(_DIRECTION.sub(" ", rest).split()).strip(" _-:")
    if client == OWN_NAME or name.lower().startswith(_LOOPS):
        return ""
    if rest.startswith(client):  # ALSA writes the client's name once more
        client, rest = rest, ""
    return (f"{client}: {rest}" if rest else client)[:MAX_MIDI_NAME_CHARS]


def by_device(ports: Sequence[str]) -> dict[str, int]:
    """Return the number of each device's port, by the device's name.

    Further devices of the same name are told apart by a number, in the order of their ports.
    """
    found: dict[str, int] = {}
    for number, port in enumerate(ports):
        if not (base := device_name(port)):
            continue
        name, copy = base, 1
        while name in found:
            copy += 1
            name = f"{base} {copy}"
        found[name] = number
    return found
