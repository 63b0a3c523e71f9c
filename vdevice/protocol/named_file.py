"""Protocols in files that the user has named."""

import shlex
from pathlib import Path

from entrain.platform.files import UnfitFile, read_file
from entrain.vdevice.protocol.document import parse_protocol
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.user_folder import MAX_FILE_BYTES, shown
from entrain.vdevice.protocol.values import BlockSource


def load_file(path: Path, blocks: BlockSource | None = None) -> Protocol:
    """Load a protocol from a file of at most `MAX_FILE_BYTES`.

    Raises
    ------
    ProtocolError
        The file cannot be read or does not hold a protocol.

    """
    text = read_bytes(path)
    if program := _other_program(path, text):
        raise ProtocolError(
            f"{shown(path)} is a file of {program}; "
            f"`entrain import {shlex.quote(shown(path))}` makes a protocol of it"
        )
    return parse_protocol(text, shown(path), blocks)


def _other_program(path: Path, text: bytes) -> str:
    """Tell whose file it is, if one of a program's whose files can be imported."""
    suffix, begin = path.suffix.lower(), text[:4096]
    if suffix == ".sbg":
        return "SBaGen"
    if suffix == ".gnaural" or (b"<schedule" in begin and b"<voice" in text):
        return "Gnaural"
    return ""


def read_bytes(path: Path, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """Read a file of at most `max_bytes` that the user has named.

    Raises
    ------
    ProtocolError
        The file cannot be read.

    """
    try:
        return read_file(path, max_bytes)
    except UnfitFile as error:
        raise ProtocolError(f"{shown(path)} {error.strerror}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ProtocolError(f"cannot read {shown(path)}: {reason}") from error
