"""Packets as senders of head poses make them."""

import struct


def text(value: str) -> bytes:
    """An OSC string."""
    data = value.encode()
    return data + b"\0" * (4 - len(data) % 4)


def message(address: str, *arguments: float | int | str) -> bytes:
    """An OSC message."""
    tags, body = ",", b""
    for value in arguments:
        if isinstance(value, str):
            tags, body = f"{tags}s", body + text(value)
        elif isinstance(value, int):
            tags, body = f"{tags}i", body + struct.pack(">i", value)
        else:
            tags, body = f"{tags}f", body + struct.pack(">f", value)
    return text(address) + text(tags) + body


def bundle(*elements: bytes) -> bytes:
    """An OSC bundle that is to be carried out at once."""
    sized = (struct.pack(">i", len(each)) + each for each in elements)
    return b"#bundle\0" + struct.pack(">q", 1) + b"".join(sized)


def opentrack(yaw: float, pitch: float, roll: float) -> bytes:
    """Make a packet of opentrack's output "UDP over network"."""
    return struct.pack("<6d", 1.0, -2.0, 30.0, yaw, pitch, roll)
