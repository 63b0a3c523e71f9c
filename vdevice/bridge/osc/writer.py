"""Writes OSC 1.0 packets: numbers, texts and truths.

These few lines take the place of python-osc's builder, the only part of that library that Entrain
would use (see `osc_reader`).
"""

import struct
from collections.abc import Iterable, Iterator

Argument = float | int | str | bool

MAX_BUNDLE_BYTES = 1400
"""A packet of this size passes every network in one piece."""
MAX_MESSAGE_BYTES = 65000

_BUNDLE_HEAD = b"#bundle\0" + struct.pack(">Q", 1)


def message(address: str, *arguments: Argument) -> bytes:
    """Return a message; numbers have 32 bits."""
    tags, body = ",", b""
    for each in arguments:
        if isinstance(each, bool):
            tags += "T" if each else "F"
        elif isinstance(each, int):
            tags, body = f"{tags}i", body + struct.pack(">i", each)
        elif isinstance(each, float):
            tags, body = f"{tags}f", body + struct.pack(">f", each)
        else:
            tags, body = f"{tags}s", body + _text(each)
    return _text(address) + _text(tags) + body


def packets(messages: Iterable[bytes]) -> Iterator[bytes]:
    """Put messages into packets: one as it is, more of them in bundles of limited size."""
    held: list[bytes] = []
    size = len(_BUNDLE_HEAD)
    for each in messages:
        if held and size + 4 + len(each) > MAX_BUNDLE_BYTES:
            yield _packet(held)
            held, size = [], len(_BUNDLE_HEAD)
        held.append(each)
        size += 4 + len(each)
    if held:
        yield _packet(held)


def _packet(messages: list[bytes]) -> bytes:
    if len(messages) == 1:
        return messages[0]
    return _BUNDLE_HEAD + b"".join(struct.pack(">i", len(each)) + each for each in messages)


def _text(text: str) -> bytes:
    data = text.replace("\0", "").encode(errors="replace")
    return data + b"\0" * (4 - len(data) % 4)
