"""Converts text files from other operating systems."""

_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_END_OF_FILE = b"\x1a"
"""Ctrl-Z, which ends text files on DOS."""


def is_utf16(text: bytes) -> bool:
    """Whether the text has a byte order mark of UTF-16."""
    return text[:2] in _BYTE_ORDER_MARKS


def as_utf8(text: bytes) -> bytes:
    """Convert UTF-16 with a byte order mark to UTF-8, and remove a Ctrl-Z at the end.

    Other texts are returned unchanged, with or without a byte order mark of UTF-8.
    """
    if is_utf16(text):
        text = text[2:].decode(_BYTE_ORDER_MARKS[text[:2]], "replace").encode()
    if text.rstrip().endswith(_END_OF_FILE):
        text = text.rstrip(_END_OF_FILE + b" \t\r\n")
    return text
