"""Charts of block characters, each an eighth of a cell high or wide.  Pure functions."""

import math
from collections.abc import Sequence

_UP = " ▁▂▃▄▅▆▇█"
_MAX_HEIGHT = 64
_CELLS = " " * 8 * _MAX_HEIGHT + _UP + "█" * 8 * _MAX_HEIGHT
"""Character of a cell by how many eighths of it are full, from ``-8 * _MAX_HEIGHT`` on."""
_RIGHT = " ▏▎▍▌▋▊▉█"
_PEAK = "▏"


def meter(rms: float, peak: float, width: int) -> str:
    """Draw a level as a bar, and the peak as a thin line beyond it.

    Parameters
    ----------
    rms, peak : float
        Shares of the width, 0 … 1.
    width : int
        Number of columns.

    """
    eighths = round(_share(rms) * width * 8)
    whole, rest = divmod(eighths, 8)
    cells = (_RIGHT[8] * whole + _RIGHT[rest]).ljust(width)[:width]
    place = min(round(_share(peak) * width), width - 1)
    if place > whole and peak > 0:
        cells = cells[:place] + _PEAK + cells[place + 1 :]
    return cells


def columns(shares: Sequence[float], height: int) -> list[str]:
    """Draw values, 0 … 1 each, as columns; returns the rows from top to bottom."""
    eighths = [round(_share(share) * height * 8) for share in shares]
    zeros = (8 * (_MAX_HEIGHT - row) for row in reversed(range(height)))
    return ["".join([_CELLS[zero + value] for value in eighths]) for zero in zeros]


def axis(lowest_hz: float, highest_hz: float, width: int) -> str:
    """Return frequencies below the columns of a spectrum, each below its place."""
    cells = [" "] * width
    free = 0
    for hz in (50, 100, 200, 500, 1000, 2000, 5000, 10_000):
        label = f"{hz // 1000}k" if hz >= 1000 else str(hz)
        if hz == 10_000:
            label += " Hz"
        place = math.floor(width * math.log(hz / lowest_hz) / math.log(highest_hz / lowest_hz))
        if free <= place and place + len(label) <= width:
            cells[place : place + len(label)] = label
            free = place + len(label) + 1
    return "".join(cells).rstrip()


def _share(value: float) -> float:
    return 0.0 if value < 0.0 else 1.0 if value > 1.0 else value
