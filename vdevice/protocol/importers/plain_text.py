"""Files as text editors of other systems leave them."""

_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_END_OF_FILE = b"\x1a"
"""Ctrl-Z, with which DOS ends a text."""


def is_utf16(text: bytes) -> bool:
    """Whether a byte order mark says so."""
    return text[:2] in _BYTE_ORDER_MARKS


def as_utf8(text: bytes) -> bytes:
    """Make UTF-8 of UTF-16 that has a byte order mark, and take a Ctrl-Z away from the end.

    Other texts come back as they are, with or without a byte order mark of UTF-8.
    """
    if is_utf16(text):
        text = text[2:].decode(_BYTE_ORDER_MARKS[text[:2]], "replace").encode()
    if text.rstrip().endswith(_END_OF_FILE):
        text = text.rstrip(_END_OF_FILE + b" \t\r\n")
    return text
