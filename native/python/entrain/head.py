"""Prepared heads: how a head and its ears change sound from every direction.

docs/spatial.md describes the files.  They are read without numpy, since the running app has none.
"""

import mmap
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from entrain._native import check, ffi, load
from entrain.errors import EntrainError
from entrain.file_copy import file_copy
from entrain.head_layout import HEADER, MAGIC, MAX_FILE_BYTES, VERSION, Counts


@dataclass(frozen=True, slots=True)
class Space:
    """State of the space; see ``entrain_space`` in the interface."""

    turn: tuple[float, float, float, float]
    """Turn of the head as the ears have it: w, x, y, z, from the room to the head."""
    age_s: float
    sources: int
    has_head: bool


class Head:
    """A head for the engine; see ``entrain_head_data`` in the native interface.

    Parameters
    ----------
    data : mapping of str to int or C pointer
        The fields of ``entrain_head_data``; they are copied.

    Raises
    ------
    EngineError
        A count or a number is out of range.

    """

    def __init__(self, **data: Any) -> None:
        library = load("entrain")
        made = ffi.new("entrain_head **")
        check(library.entrain_head_create(ffi.new("entrain_head_data *", data), made), "head")
        self._own(made[0], data["rate_hz"])

    def _own(self, native: Any, rate_hz: int) -> None:
        self._head = ffi.gc(native, load("entrain").entrain_head_destroy)
        self.rate_hz = rate_hz
        """Sample rate of the filters, in Hz."""

    @property
    def native(self) -> Any:
        """The C pointer."""
        return self._head

    def at_rate(self, rate_hz: int) -> "Head":
        """Return the same head at another sample rate; takes up to 0.2 s, on any thread.

        Raises
        ------
        EngineError
            The rate is out of range, or the memory is exhausted.

        """
        if rate_hz == self.rate_hz:
            return self
        made = ffi.new("entrain_head **")
        check(load("entrain").entrain_head_at_rate(self._head, rate_hz, made), "head")
        other = Head.__new__(Head)
        other._own(made[0], rate_hz)
        return other

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read a prepared head.

        Raises
        ------
        EntrainError
            The file cannot be read, is not a prepared head, or has numbers that make no sense.

        """
        try:
            with closing(file_copy(path, MAX_FILE_BYTES)) as copy:
                return cls(**_fields(copy, path))
        except (OSError, ValueError) as error:
            raise EntrainError(f"cannot read the head {path}: {error}") from error


def _fields(copy: mmap.mmap, path: Path) -> dict[str, Any]:
    """Return the fields of ``entrain_head_data``, with pointers into the copy of the file."""
    if len(copy) < HEADER.size:
        raise EntrainError(f"{path} is not a prepared head: it is too short")
    magic, version, *numbers = HEADER.unpack_from(copy)
    if magic != MAGIC:
        raise EntrainError(f"{path} is not a prepared head")
    if version != VERSION:
        raise EntrainError(f"{path} is of version {version} of prepared heads, not {VERSION}")
    counts = Counts(*numbers)
    if len(copy) != counts.file_bytes:
        raise EntrainError(f"{path} has {len(copy)} bytes instead of {counts.file_bytes}")
    start = ffi.from_buffer("char[]", copy)
    offsets = counts.offsets
    arrays = {
        name: ffi.cast("float *", start + offsets[name]) if length else ffi.NULL
        for name, length in counts.lengths.items()
    }
    return {**counts._asdict(), **arrays}
