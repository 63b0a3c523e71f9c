"""Results of importing a file of another program."""

from dataclasses import dataclass

from entrain.vdevice.protocol.document import write_protocol
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.user_folder import MAX_FILE_BYTES, slug


@dataclass(frozen=True)
class Note:
    """A part of the file that the protocol approximates or does not keep."""

    line: int
    """Line number from 1; 0: the whole file."""
    text: str


@dataclass(frozen=True)
class Imported:
    """A protocol, and notes on the parts of its file that it does not keep."""

    protocol: Protocol
    notes: tuple[Note, ...]


TOO_LONG = "it changes more often than a protocol can hold"
_FEW_POINTS = 2_000  # fit into a file in any case


def fitting(protocol: Protocol, notes: list[Note]) -> Protocol | None:
    """Return the protocol if it can be saved and read again, else None.

    If it is too long, its layers for loudspeakers are removed, with a note.
    """
    if _fits(protocol):
        return protocol
    protocol = protocol.model_copy(update={"without_headphones": None})
    notes.append(Note(0, "it is too long to have layers for loudspeakers"))
    return protocol if _fits(protocol) else None


def _fits(protocol: Protocol) -> bool:
    layers = (*protocol.layers, *(protocol.without_headphones or ()))
    points = sum(len(a.points) for layer in layers for a in layer.automation.values())
    return points < _FEW_POINTS or len(write_protocol(protocol)) <= MAX_FILE_BYTES


class ImportRefused(ProtocolError):
    """A file cannot be imported; the text has one ``file:line: reason`` per line."""


def id_of_file(name: str) -> str:
    """Make an id from a file name, which may lack usable characters."""
    try:
        return slug(name)
    except ProtocolError:
        return "imported"
