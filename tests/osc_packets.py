"""Packets as OSC programs and senders of head poses make them, and broken ones."""

import random
import struct
from collections.abc import Sequence


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


def mutated(
    rng: random.Random, seeds: Sequence[bytes], words: Sequence[int], counts: Sequence[int]
) -> bytes:
    """Take one of the packets and change it in a few places.

    Parameters
    ----------
    rng
        Chooses.
    seeds
        Good packets.
    words
        Numbers of 32 bits to put in.
    counts
        The number of changes is one of these.

    """
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice(counts)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(6):
            case 0:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del data[at : at + rng.choice((1, 4, 16))]
            case 2:
                at -= at % 4
                data[at : at + 4] = struct.pack(">i", rng.choice(words))
            case 3:
                at -= at % 4
                data[at:at] = rng.choice(seeds)
            case 4:
                data[at:at] = data[at : at + rng.choice((4, 40))] * rng.choice((2, 50))
            case 5:
                data = bytearray(bundle(bytes(data), rng.choice(seeds)))
        del data[20_000:]
    return bytes(data)
