"""The file of a prepared head: writing, and checks without numpy.

docs/spatial.md describes the format, and entrain/head_layout.py holds it.
"""

import math
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from entrain.file_copy import file_copy
from entrain.head_layout import FLOAT_BYTES, HEADER, MAGIC, MAX_FILE_BYTES, VERSION, Counts
from entrain.platform.whole_file import replace_file
from entrain.vdevice.hrtf.errors import HrtfError

MAX_DELAY_S = 0.002
"""Longest delay of an ear behind the other ear, in seconds."""
MAX_RESPONSE = 64.0
"""Largest absolute sample of a response."""
MAX_GAIN_DB = 20.0

_LIMITS = Counts(
    rate_hz=192_000,
    taps=4096,
    azimuths=360,
    elevations=181,
    widths=361,
    order=3,
    decoder_taps=4096,
    first_order_taps=4096,
)
_LEAST = Counts(
    rate_hz=8_000,
    taps=16,
    azimuths=4,
    elevations=3,
    widths=2,
    order=0,
    decoder_taps=0,
    first_order_taps=0,
)


def write(path: Path, counts: Counts, arrays: Sequence[bytes]) -> None:
    """Write a prepared head; the file appears under its name when it is complete.

    Parameters
    ----------
    path : Path
        Its folder is made if it is missing.
    counts : Counts
        The header.
    arrays : sequence of bytes
        The arrays as little-endian floats, in the order of `Counts.lengths`.

    Raises
    ------
    ValueError
        The lengths do not fit the header.
    OSError
        The file cannot be written.

    """
    content = bytearray(HEADER.pack(MAGIC, VERSION, *counts))
    for (name, length), array in zip(counts.lengths.items(), arrays, strict=True):
        if len(array) != length * FLOAT_BYTES:
            raise ValueError(f"{name} has {len(array)} bytes instead of {length * FLOAT_BYTES}")
        content += bytes(counts.offsets[name] - len(content)) + array
    replace_file(path, bytes(content))


def check(path: Path) -> Counts:
    """Read the header of a prepared head, and check sizes and all numbers.

    Raises
    ------
    HrtfError
        The file is not a prepared head, is damaged, or belongs to another version.
    OSError
        The file cannot be read.

    """
    try:
        copy = file_copy(path, MAX_FILE_BYTES)
    except ValueError as error:
        raise HrtfError(f"{path.name} is not a prepared head: {error}") from error
    with closing(copy):
        head = copy[: HEADER.size]
        if len(head) < HEADER.size or head[: len(MAGIC)] != MAGIC:
            raise HrtfError(f"{path.name} is not a prepared head")
        _, version, *numbers = HEADER.unpack(head)
        if version != VERSION:
            raise HrtfError(f"{path.name} has version {version} instead of {VERSION}")
        counts = Counts(*numbers)
        for name, number, least, most in zip(Counts._fields, counts, _LEAST, _LIMITS, strict=True):
            if not least <= number <= most:
                raise HrtfError(f"{path.name} is damaged: {name} is {number}")
        if len(copy) != counts.file_bytes:
            raise HrtfError(
                f"{path.name} is damaged: {len(copy)} bytes instead of {counts.file_bytes}"
            )
        for name, length in counts.lengths.items():
            offset = counts.offsets[name]
            with (
                memoryview(copy) as whole,
                whole[offset : offset + length * FLOAT_BYTES] as part,
                part.cast("f") as numbers_,
            ):
                _check_numbers(path.name, name, numbers_)
    return counts


def _check_numbers(file: str, name: str, numbers: Sequence[float]) -> None:
    if not numbers:
        return
    low, high = {
        "delays_s": (0.0, MAX_DELAY_S * (1 + 1e-6)),
        "gain_db": (-MAX_GAIN_DB, MAX_GAIN_DB),
    }.get(name, (-MAX_RESPONSE, MAX_RESPONSE))
    # A sum of floats is finite in double precision if, and only if, each of them is.
    if not math.isfinite(sum(numbers)):
        raise HrtfError(f"{file} is damaged: {name} holds values that are not numbers")
    least, most = min(numbers), max(numbers)
    if name == "responses" and least == most == 0.0:
        raise HrtfError(f"{file} is damaged: all responses are silent")
    if least < low or most > high:
        raise HrtfError(f"{file} is damaged: {name} holds values outside {low:g} … {high:g}")
