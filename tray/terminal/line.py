"""A row of the screen: pieces of text with a style, never wider than the screen."""

from collections.abc import Sequence
from typing import Self

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

PLAIN = Style.null()
BOLD = Style(bold=True)
DIM = Style(dim=True)
GOOD = Style(color="green")
SOUND = Style(color="cyan")
TROUBLE = Style(color="red", bold=True)

Row = Sequence[Segment]


class Line:
    """Builds a row from left to right.

    Parameters
    ----------
    width : int
        Number of columns; text that does not fit ends with ``…``.

    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._used = 0
        self._segments: list[Segment] = []

    @property
    def room(self) -> int:
        """Number of free columns."""
        return self._width - self._used

    @property
    def row(self) -> Row:
        """The row, without the free columns."""
        return self._segments

    def add(self, text: str, style: Style = PLAIN, width: int | None = None) -> Self:
        """Add text; with a width, text of so many columns."""
        most = self.room if width is None else min(width, self.room)
        fitted = fit(text, most)
        if fitted:
            self._segments.append(Segment(fitted, style))
            self._used += cell_len(fitted)
        if width is not None:
            self.skip(most - cell_len(fitted))
        return self

    def skip(self, columns: int) -> Self:
        """Leave columns empty."""
        columns = min(columns, self.room)
        if columns > 0:
            self._segments.append(Segment(" " * columns, PLAIN))
            self._used += columns
        return self

    def right(self, text: str, style: Style = PLAIN) -> Self:
        """Add text at the right edge, where it leaves a gap of two columns; otherwise, add none."""
        width = cell_len(text)
        if width + 2 <= self.room:
            self.skip(self.room - width).add(text, style)
        return self


def fit(text: str, width: int) -> str:
    """Shorten text to a number of columns; ``…`` stands for the rest."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…"
