"""What comes of importing a file made for another program."""

from dataclasses import dataclass

from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.user_folder import slug


@dataclass(frozen=True)
class Note:
    """Something that could not be represented, or was approximated, and how."""

    line: int
    """1-based; 0: of the whole file."""
    text: str


@dataclass(frozen=True)
class Imported:
    """A protocol, and what it does not keep of its file."""

    protocol: Protocol
    notes: tuple[Note, ...]


class ImportRefused(ProtocolError):
    """A file that cannot be imported; one ``file:line: reason`` per line."""


def id_of_file(name: str) -> str:
    """Make an id of a file's name, which may have nothing in it that an id can have."""
    try:
        return slug(name)
    except ProtocolError:
        return "imported"
