"""The whole screen: which sections fit, and the help page.  Pure functions."""

from collections.abc import Iterator, Sequence

from entrain.tray.terminal import sections
from entrain.tray.terminal.actions import KEYS
from entrain.tray.terminal.line import BOLD, DIM, PLAIN, Line, Row
from entrain.tray.terminal.scene import MAX_SLOTS, Scene
from entrain.tray.text.text_layout import clean

MAX_SPECTRUM_ROWS = 25
_MAX_GAPS = 3


class Screen:
    """A screen of one size.

    Parameters
    ----------
    columns, rows : int
        The size.

    """

    def __init__(self, columns: int, rows: int) -> None:
        self._columns, self._rows = columns, rows
        self._version = -1
        self._still: dict[str, list[Row]] = {}
        self._heights: dict[str, int] = {}
        self._bands_db: Sequence[float] = ()
        self._spectrum: list[Row] = []

    def drawn(self, scene: Scene) -> list[Row]:
        """Return the rows, exactly as many as the screen has.

        Sound moves the meters and the spectrum only: the other rows are drawn anew when the
        scene's version has changed.
        """
        if scene.version != self._version:
            self._version = scene.version
            self._still = self._drawn_still(scene)
        return _padded([*self._live(scene)], self._rows)

    def _live(self, scene: Scene) -> Iterator[Row]:
        still, heights, width = self._still, self._heights, self._columns
        yield from still["top"]
        if heights["meters"]:
            yield from sections.meters(scene, width)
        yield from still["middle"]
        if heights["spectrum"]:
            bands_db = scene.heard.bands_db if scene.heard else ()
            if not self._spectrum or bands_db is not self._bands_db:
                self._bands_db = bands_db
                self._spectrum = sections.spectrum(bands_db, width, heights["spectrum"])
            yield from self._spectrum
        yield from still["bottom"]

    def _drawn_still(self, scene: Scene) -> dict[str, list[Row]]:
        width, self._spectrum = self._columns, []
        if scene.shows_help:
            self._heights = dict.fromkeys(("meters", "spectrum"), 0)
            return {"top": self._help(scene), "middle": [], "bottom": []}
        rhythms = sections.rhythms(scene, width)
        found = shared_rows(self._rows - 4 - len(rhythms), len(scene.layers))
        self._heights = found
        reason = [sections.reason(scene, width)][: found["reason"]]
        top = [sections.header(scene, width), *reason, sections.protocol(scene, width), *rhythms]
        bottom: list[Row] = []
        for name, draw in (("layers", sections.layers), ("log", sections.log)):
            if found[name]:
                bottom += _padded(draw(scene, width, found[name]), found[name])
        bottom += [sections.message(scene, width), sections.key_row(scene, width)]
        empty: list[Row] = [[]]
        gaps = [empty * (found["gap"] > number) for number in range(_MAX_GAPS)]
        return {"top": top + gaps[0], "middle": gaps[1], "bottom": gaps[2] + bottom}

    def _help(self, scene: Scene) -> list[Row]:
        rows = [sections.header(scene, self._columns), []]
        for key, effect in KEYS:
            line = Line(self._columns).add(key, BOLD, sections.LABEL_COLUMNS)
            rows.append(line.add(effect).row)
        rows += [[], *self._slots(scene)]
        return [*_padded(rows, self._rows - 1), sections.message(scene, self._columns)]

    def _slots(self, scene: Scene) -> Iterator[Row]:
        """Name the protocols of the keys 1 to 9, in two columns."""
        width, label = self._columns, sections.LABEL_COLUMNS
        half = (MAX_SLOTS + 1) // 2
        protocol = scene.status["protocol"] if scene.status else None
        for number in range(half):
            line = Line(width)
            for place in range(number, len(scene.slots), half):
                slot = scene.slots[place]
                runs = protocol is not None and protocol["id"] == slot.id
                line.add(str(place + 1), BOLD, label if place < half else 3)
                line.add(
                    clean(slot.name), BOLD if runs else PLAIN, max(20, (width - label) // 2 - 2)
                )
            yield line.row
        text = "Protocols, the last used first. They keep their keys while the screen is open."
        yield Line(width).add(text, DIM).row


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
    """Return exactly so many rows."""
    return rows[:height] + [[]] * (height - len(rows))
