"""The layout of the file of a prepared head; docs/spatial.md describes it."""

import struct
from typing import NamedTuple

MAGIC = b"ENTRHEAD"
VERSION = 2
ALIGNMENT_BYTES = 64
"""Each array begins at a multiple of this."""
MAX_FILE_BYTES = 64 << 20
"""Largest file; one with 256 taps and all decoders has 5.6 MB."""
FLOAT_BYTES = 4
HEADER = struct.Struct("<8s9I20x")
"""Magic, version and `Counts`."""


class Counts(NamedTuple):
    """The numbers in a file's header, behind magic and version."""

    rate_hz: int
    taps: int
    azimuths: int
    """Columns of the grid, from 0° counterclockwise."""
    elevations: int
    """Rows of the grid, from -90° to 90°."""
    widths: int
    """Columns of `gain_db`, from 0° to 360°."""
    order: int
    """Order of the larger decoder; 0: the file has no decoder."""
    decoder_taps: int
    first_order_taps: int
    """Taps of the decoder for order 1; 0: the file has none."""

    @property
    def lengths(self) -> dict[str, int]:
        """The arrays in the order of the file, each with its number of floats."""
        nodes = self.elevations * self.azimuths
        channels = (self.order + 1) ** 2 if self.order else 0
        return {
            "responses": nodes * 2 * self.taps,
            "delays_s": nodes * 2,
            "gain_db": 3 * self.widths,
            "decoder": 2 * channels * self.decoder_taps,
            "first_order_decoder": 2 * 4 * self.first_order_taps,
        }

    @property
    def offsets(self) -> dict[str, int]:
        """The beginning of each array, in bytes."""
        found: dict[str, int] = {}
        end = HEADER.size
        for name, length in self.lengths.items():
            found[name] = end + -end % ALIGNMENT_BYTES
            end = found[name] + length * FLOAT_BYTES
        return found

    @property
    def file_bytes(self) -> int:
        """Size of the whole file."""
        last = "first_order_decoder"
        return self.offsets[last] + self.lengths[last] * FLOAT_BYTES
