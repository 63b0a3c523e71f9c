"""Keys in the bytes that a terminal sends."""

from collections.abc import Iterator
from typing import Final

MAX_SEQUENCE_BYTES: Final = 32
"""Longest escape sequence; a longer one is dropped."""

_ESCAPE = 0x1B
_NAMES = {b"A": "up", b"B": "down", b"C": "right", b"D": "left", b"Z": "back-tab"}
_SINGLE = {0x09: "tab", 0x0D: "enter", 0x0A: "enter", 0x20: "space"}


class KeyReader:
    """Turns bytes into keys, however they are cut into pieces.

    A key is a printable ASCII character, or ``up``, ``down``, ``left``, ``right``, ``tab``,
    ``back-tab``, ``enter``, ``space`` or ``escape``.  Other keys are left out.
    """

    def __init__(self) -> None:
        self._begun = bytearray()
        self._is_overlong = False

    @property
    def is_waiting(self) -> bool:
        """Whether an escape sequence has begun; if no byte follows, call `end`."""
        return bool(self._begun)

    def feed(self, data: bytes) -> Iterator[str]:
        """Yield the keys that these bytes complete."""
        for byte in data:
            if byte == _ESCAPE:
                yield from self.end()
                self._begun.append(byte)
            elif self._begun:
                yield from self._sequence(byte)
            elif byte in _SINGLE:
                yield _SINGLE[byte]
            elif 0x20 < byte < 0x7F:
                yield chr(byte)

    def end(self) -> Iterator[str]:
        """Yield ``escape`` if that key alone was pressed, and forget what has begun."""
        if bytes(self._begun) == b"\x1b":
            yield "escape"
        self._forget()

    def _sequence(self, byte: int) -> Iterator[str]:
        """Take one more byte of a sequence: ESC [ parameters letter, or ESC O letter."""
        if len(self._begun) == 1:
            if byte in b"[O":
                self._begun.append(byte)
            else:  # Alt with a key has no meaning
                self._forget()
            return
        if 0x40 <= byte <= 0x7E:
            name = _NAMES.get(bytes([byte]))
            is_plain = len(self._begun) == 2 and not self._is_overlong
            self._forget()
            if name and is_plain:
                yield name
        elif not 0x20 <= byte < 0x40:  # not a part of any sequence
            self._forget()
        elif len(self._begun) < MAX_SEQUENCE_BYTES:
            self._begun.append(byte)
        else:
            self._is_overlong = True

    def _forget(self) -> None:
        self._begun.clear()
        self._is_overlong = False
