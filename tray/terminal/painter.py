"""Turns rows into the bytes that change a terminal from the former rows to these."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.style import Style

from entrain.tray.terminal.line import PLAIN, Row

_GAP_CELLS = 6
"""Unchanged cells between two changed ones that are drawn again; to leave them out costs more."""

_Cell = tuple[str, Style]
_BLANK: _Cell = (" ", PLAIN)


class Painter:
    """Remembers what the terminal shows.

    Parameters
    ----------
    has_colour : bool
        Whether colours may be used, beside bold and dim.

    """

    def __init__(self, has_colour: bool) -> None:
        self._has_colour = has_colour
        self._columns = 0
        self._shown: list[Row] = []
        self._cells: list[list[_Cell]] = []

    def clear(self, columns: int, rows: int) -> bytes:
        """Return the bytes that empty a terminal of this size."""
        self._columns = columns
        self._shown = [[] for _ in range(rows)]
        self._cells = [[_BLANK] * columns for _ in range(rows)]
        return b"\x1b[0m\x1b[2J"

    def paint(self, rows: Sequence[Row]) -> bytes:
        """Return the bytes that show these rows; empty if they are shown already."""
        written = []
        for number, row in enumerate(rows[: len(self._shown)]):
            if row == self._shown[number]:
                continue
            cells = _cells(row, self._columns)
            for begin, end in _changes(self._cells[number], cells):
                written.append(f"\x1b[{number + 1};{begin + 1}H")
                written += self._drawn(cells[begin:end])
            self._shown[number], self._cells[number] = row, cells
        return "".join(written).encode()

    def _drawn(self, cells: Sequence[_Cell]) -> Iterator[str]:
        for style, run in groupby(cells, lambda cell: cell[1]):
            text = "".join(char for char, _ in run)
            shown = style if self._has_colour else style.without_color
            yield shown.render(text, color_system=ColorSystem.STANDARD)


def _cells(row: Row, columns: int) -> list[_Cell]:
    """Return one entry per column; a wide character has an empty one behind it."""
    cells: list[_Cell] = []
    for segment in row:
        style = segment.style or PLAIN
        if cell_len(segment.text) == len(segment.text):
            cells += [(char, style) for char in segment.text]
            continue
        for char in segment.text:
            wide = cell_len(char)
            if wide:
                cells += [(char, style), ("", style)][:wide]
            elif cells:  # a combining character
                cells[-1] = (cells[-1][0] + char, style)
    cells += [_BLANK] * (columns - len(cells))
    return cells[:columns]


def _changes(before: Sequence[_Cell], after: Sequence[_Cell]) -> Iterator[tuple[int, int]]:
    """Yield begin and end of each run of changed cells."""
    begin = end = -1
    for place, (old, new) in enumerate(zip(before, after, strict=True)):
        # Identity first: comparing styles takes time.
        if old is new or (old[0] == new[0] and (old[1] is new[1] or old[1] == new[1])):
            continue
        if begin >= 0 and place - end > _GAP_CELLS:
            yield _whole(begin, end, before, after)
            begin = -1
        if begin < 0:
            begin = place
        end = place + 1
    if begin >= 0:
        yield _whole(begin, end, before, after)


def _whole(
    begin: int, end: int, before: Sequence[_Cell], after: Sequence[_Cell]
) -> tuple[int, int]:
    """Widen a run so that it cuts no wide character, neither an old one nor a new one."""
    while begin > 0 and "" in (before[begin][0], after[begin][0]):
        begin -= 1
    while end < len(after) and "" in (before[end][0], after[end][0]):
        end += 1
    return begin, end
