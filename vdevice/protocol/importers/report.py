"""What comes of importing a file made for another program."""

from dataclasses import dataclass

from entrain.vdevice.protocol.document import write_protocol
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.user_folder import MAX_FILE_BYTES, slug


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


TOO_LONG = "changes more often than a protocol can hold"
_FEW_POINTS = 2_000  # that fit into a file without a look


def fitting(protocol: Protocol, notes: list[Note]) -> Protocol | None:
    """The protocol as it can be saved and read again; None: not at all.

    What is used without headphones goes first, with a note.
    """
    if _fits(protocol):
        return protocol
    protocol = protocol.model_copy(update={"without_headphones": None})
    notes.append(Note(0, "it is so long that there is no room for its form without headphones"))
    return protocol if _fits(protocol) else None


def _fits(protocol: Protocol) -> bool:
    layers = (*protocol.layers, *(protocol.without_headphones or ()))
    points = sum(len(a.points) for layer in layers for a in layer.automation.values())
    return points < _FEW_POINTS or len(write_protocol(protocol)) <= MAX_FILE_BYTES


class ImportRefused(ProtocolError):
    """A file that cannot be imported; one ``file:line: reason`` per line."""


def id_of_file(name: str) -> str:
    """Make an id of a file's name, which may have nothing in it that an id can have."""
    try:
        return slug(name)
    except ProtocolError:
        return "imported"
