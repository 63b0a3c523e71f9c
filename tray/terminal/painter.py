"""Turns rows into the bytes that change a terminal from the former rows to these."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.style import Style

from entrain.tray.terminal.line import PLAIN, Row

_GAP_CELLS = 6
"""Shortest gap between two changes that is left out; moving the cursor costs as many bytes."""


class _Cells(NamedTuple):
    """A row as one text and one number of a style for each column."""

    texts: list[str]
    """A wide character has an empty text behind it."""
    styles: list[int]


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
        self._numbers: dict[Style, int] = {}
        self._styles: list[Style] = []
        self._shown: list[Row] = []
        self._cells: list[_Cells] = []

    def clear(self, columns: int, rows: int) -> bytes:
        """Return the bytes that empty a terminal of this size."""
        self._columns = columns
        self._shown = [[] for _ in range(rows)]
        self._cells = [self._flat([]) for _ in range(rows)]
        return b"\x1b[0m\x1b[2J"

    def paint(self, rows: Sequence[Row]) -> bytes:
        """Return the bytes that show these rows; empty if they are shown already."""
        written = []
        for number, row in enumerate(rows[: len(self._shown)]):
            if row == self._shown[number]:
                continue
            cells = self._flat(row)
            for begin, end in _changes(self._cells[number], cells):
                written.append(f"\x1b[{number + 1};{begin + 1}H")
                written += self._drawn(cells, begin, end)
            self._shown[number], self._cells[number] = row, cells
        return "".join(written).encode()

    def _flat(self, row: Row) -> _Cells:
        texts: list[str] = []
        styles: list[int] = []
        for segment in row:
            number = self._number(segment.style or PLAIN)
            found = [*segment.text]
            if cell_len(segment.text) != len(found):
                found = _columns(segment.text)
            texts += found
            styles += [number] * len(found)
        rest = self._columns - len(texts)
        texts += [" "] * rest
        styles += [self._number(PLAIN)] * rest
        return _Cells(texts[: self._columns], styles[: self._columns])

    def _number(self, style: Style) -> int:
        number = self._numbers.get(style)
        if number is None:
            number = self._numbers[style] = len(self._styles)
            self._styles.append(style if self._has_colour else style.without_color)
        return number

    def _drawn(self, cells: _Cells, begin: int, end: int) -> Iterator[str]:
        place = begin
        for number, run in groupby(cells.styles[begin:end]):
            after = place + len([*run])
            text = "".join(cells.texts[place:after])
            yield self._styles[number].render(text, color_system=ColorSystem.STANDARD)
            place = after


def _columns(text: str) -> list[str]:
    """Cut a text with wide or combining characters into columns."""
    found: list[str] = []
    for char in text:
        wide = cell_len(char)
        if wide:
            found += [char, ""][:wide]
        elif found:
            found[-1] += char
    return found


def _changes(before: _Cells, after: _Cells) -> Iterator[tuple[int, int]]:
    """Yield begin and end of each run of changed columns."""
    pairs = zip(before.texts, after.texts, before.styles, after.styles, strict=True)
    changed = [place for place, (a, b, c, d) in enumerate(pairs) if a != b or c != d]
    begin = end = -_GAP_CELLS
    for place in changed:
        if place - end >= _GAP_CELLS:
            if end > 0:
                yield _whole(begin, end, before.texts, after.texts)
            begin = place
        end = place + 1
    if end > 0:
        yield _whole(begin, end, before.texts, after.texts)


def _whole(begin: int, end: int, before: Sequence[str], after: Sequence[str]) -> tuple[int, int]:
    """Widen a run so that it cuts no wide character, neither an old one nor a new one."""
    while begin > 0 and "" in (before[begin], after[begin]):
        begin -= 1
    while end < len(after) and "" in (before[end], after[end]):
        end += 1
    return begin, end
