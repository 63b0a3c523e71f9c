"""Reads OSC 1.0 packets.  Knows neither sockets nor addresses.

Work and memory are bounded by the size of the packet, whatever is in it.

Why not python-osc, which is well kept: on hostile packets its parser also raises
UnicodeDecodeError, and RecursionError on nested bundles (63 ms for one packet), and it logs the
bytes of packets as warnings.  The guards around it would be as long as this module.
"""

import struct
from typing import NamedTuple

MAX_PACKET_BYTES = 16384
"""Enough for a bundle with every bone of a body."""
MAX_MESSAGES = 256
"""Most messages of one packet."""
MAX_DEPTH = 4
"""Deepest nesting of bundles."""

_BUNDLE = b"#bundle\0"
_BUNDLE_HEAD_BYTES = 16
_NUMBERS = {tag: struct.Struct(f">{tag}") for tag in "ifd"} | {"h": struct.Struct(">q")}
_TRUTHS = {"T": 1.0, "F": 0.0}
_SKIPPED_BYTES = {"t": 8, "c": 4, "r": 4, "m": 4, "N": 0, "I": 0, "[": 0, "]": 0}
_size = struct.Struct(">i")
_time_tag = struct.Struct(">Q")


class MalformedPacket(ValueError):
    """The packet is not what its sender should send."""


IMMEDIATELY = 1
"""The time tag of bundles that have no time, and of messages outside of bundles."""


class Message(NamedTuple):
    """One OSC message.  Arguments of types without a number or a text are left out."""

    address: str
    arguments: tuple[float | str, ...]
    """True and false are 1 and 0."""
    time_tag: int = IMMEDIATELY
    """When to carry it out: seconds since 1900, times 2 to the 32."""


def read_packet(packet: bytes) -> list[Message]:
    """Read all messages of a packet, also those in bundles.

    Raises
    ------
    MalformedPacket
        The packet is not OSC, is cut short, or is too long.

    """
    if len(packet) > MAX_PACKET_BYTES:
        raise MalformedPacket("too long")
    messages: list[Message] = []
    _read_element(packet, messages, MAX_DEPTH, IMMEDIATELY)
    return messages


def _read_element(data: bytes, messages: list[Message], depth: int, time_tag: int) -> None:
    if not data.startswith(_BUNDLE):
        if len(messages) == MAX_MESSAGES:
            raise MalformedPacket("too many messages")
        messages.append(_message(data, time_tag))
        return
    if depth == 0 or len(data) < _BUNDLE_HEAD_BYTES:
        raise MalformedPacket("bundle")
    (time_tag,) = _time_tag.unpack_from(data, len(_BUNDLE))
    at = _BUNDLE_HEAD_BYTES
    while at < len(data):
        size = _int(data, at)
        at += 4
        if size <= 0 or size % 4 or size > len(data) - at:
            raise MalformedPacket("size of an element")
        _read_element(data[at : at + size], messages, depth - 1, time_tag)
        at += size


def _message(data: bytes, time_tag: int) -> Message:
    address, at = _text(data, 0)
    if not address.startswith("/"):
        raise MalformedPacket("address")
    tags, at = _text(data, at)
    if not tags.startswith(","):
        raise MalformedPacket("type tags")
    arguments: list[float | str] = []
    for tag in tags[1:]:
        if number := _NUMBERS.get(tag):
            if at + number.size > len(data):
                raise MalformedPacket("cut short")
            arguments.append(float(number.unpack_from(data, at)[0]))
            at += number.size
        elif tag in "sS":
            text, at = _text(data, at)
            arguments.append(text)
        elif tag == "b":
            size = _int(data, at)
            if size < 0:
                raise MalformedPacket("size of a blob")
            at += 4 + _padded(size)
        elif tag in _TRUTHS:
            arguments.append(_TRUTHS[tag])
        elif tag in _SKIPPED_BYTES:
            at += _SKIPPED_BYTES[tag]
        else:
            raise MalformedPacket("type tag")
    if at != len(data):
        raise MalformedPacket("length")
    return Message(address, tuple(arguments), time_tag)


def _text(data: bytes, at: int) -> tuple[str, int]:
    """Read a text, and return it with the place after its padding."""
    end = data.find(b"\0", at)
    if end < 0:
        raise MalformedPacket("text without an end")
    return data[at:end].decode(errors="replace"), _padded(end + 1)


def _int(data: bytes, at: int) -> int:
    if at + 4 > len(data):
        raise MalformedPacket("cut short")
    return int(_size.unpack_from(data, at)[0])


def _padded(size: int) -> int:
    return (size + 3) & ~3
