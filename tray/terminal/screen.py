"""The whole screen: which sections fit, and the help page.  Pure functions."""

from collections.abc import Iterator
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment

from entrain.tray.terminal import sections
from entrain.tray.terminal.actions import KEYS
from entrain.tray.terminal.line import BOLD, DIM, Line, Row
from entrain.tray.terminal.scene import MAX_SLOTS, Scene
from entrain.tray.text.text_layout import clean

MAX_SPECTRUM_ROWS = 17
_MAX_GAPS = 3


class Screen(NamedTuple):
    """A scene at a size; rich can print it."""

    scene: Scene
    columns: int
    rows: int

    def drawn(self) -> list[Row]:
        """Return the rows: exactly as many as the screen has."""
        drawn = [*(self._help() if self.scene.shows_help else self._live())][: self.rows]
        return drawn + [[]] * (self.rows - len(drawn))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for row in self.drawn():
            yield from row
            yield Segment.line()

    def _live(self) -> Iterator[Row]:
        scene, width = self.scene, self.columns
        rhythms = sections.rhythms(scene, width)
        heights = shared_rows(self.rows - 4 - len(rhythms), len(scene.layers))
        gaps = heights["gap"]
        yield sections.header(scene, width)
        if heights["reason"]:
            yield sections.reason(scene, width)
        yield sections.protocol(scene, width)
        yield from rhythms
        if gaps > 0:
            yield []
        if heights["meters"]:
            yield from sections.meters(scene, width)
        if gaps > 1:
            yield []
        if heights["spectrum"]:
            yield from sections.spectrum(scene, width, heights["spectrum"])
        if gaps > 2:
            yield []
        if heights["layers"]:
            yield from _padded(sections.layers(scene, width, heights["layers"]), heights["layers"])
        if heights["log"]:
            yield from _padded(sections.log(scene, width, heights["log"]), heights["log"])
        yield sections.message(scene, width)
        yield sections.key_row(width)

    def _help(self) -> Iterator[Row]:
        width = self.columns
        yield sections.header(self.scene, width)
        yield []
        for key, effect in KEYS:
            yield Line(width).skip(1).add(key, BOLD, 13).add(effect).row
        yield []
        slots = [
            (str(number), clean(slot.name)) for number, slot in enumerate(self.scene.slots, 1)
        ]
        for number in range((MAX_SLOTS + 1) // 2):
            line = Line(width).skip(1)
            for key, name in slots[number :: (MAX_SLOTS + 1) // 2]:
                line.add(key, BOLD, 3).add(name, width=max(20, width // 2 - 4))
            yield line.row
        yield Line(width).skip(1).add("The last used protocols come first; they keep their keys", DIM).row


def shared_rows(free: int, layers: int) -> dict[str, int]:
    """Share the free rows among the sections.

    Parameters
    ----------
    free : int
        Number of rows beside header, protocol, rhythm, message and keys.
    layers : int
        Number of layers.

    Returns
    -------
    dict
        Height of ``reason``, ``meters``, ``spectrum`` (0 or at least 4), ``layers`` and ``log``,
        and the number of empty rows, ``gap``.

    """
    heights = dict.fromkeys(("reason", "meters", "spectrum", "layers", "log", "gap"), 0)
    most = {"spectrum": MAX_SPECTRUM_ROWS, "layers": max(layers, 1), "gap": _MAX_GAPS}

    def grant(name: str, rows: int) -> None:
        nonlocal free
        if rows <= free and heights[name] + rows <= most.get(name, free + heights[name]):
            heights[name] += rows
            free -= rows

    for name, rows in (("reason", 1), ("meters", 4), ("layers", 1), ("log", 1), ("spectrum", 4)):
        grant(name, rows)
    for _ in range(_MAX_GAPS):
        grant("gap", 1)
    while free > 0:
        grant("layers", 1)
        if heights["spectrum"]:
            grant("spectrum", 1)
        grant("log", 1)
    return heights


def _padded(rows: list[Row], height: int) -> list[Row]:
    return rows[:height] + [[]] * (height - len(rows))
