"""The level of a whole sound, measured block by block."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class RmsMeter:
    """RMS over a whole file."""

    def __init__(self) -> None:
        self._in = 0.0
        self._out = 0.0

    def add(self, before: "npt.NDArray[np.float32]", after: "npt.NDArray[np.float32]") -> None:
        self._in += float((before.astype("f8") ** 2).sum())
        self._out += float((after.astype("f8") ** 2).sum())

    def in_db(self, frames: int) -> float | None:
        return _decibels(self._in, frames)

    def out_db(self, frames: int) -> float | None:
        return _decibels(self._out, frames)


def _decibels(square_sum: float, frames: int) -> float | None:
    from math import log10

    return 10.0 * log10(square_sum / (2 * frames)) if square_sum else None
