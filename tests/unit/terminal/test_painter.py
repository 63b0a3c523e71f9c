"""Bytes that change a terminal, checked with a small terminal."""

import random
import re

import made_scene
import pytest
from rich.cells import cell_len
from rich.segment import Segment

from entrain.tray.terminal.line import BOLD, DIM, PLAIN, SOUND, TROUBLE, Row
from entrain.tray.terminal.painter import Painter
from entrain.tray.terminal.screen import Screen

CODES = re.compile(rb"\x1b\[([0-9;]*)([A-Za-z])")


class Paper:
    """A terminal that knows the sequences of a painter."""

    def __init__(self, columns: int, rows: int) -> None:
        self.cells = [[" "] * columns for _ in range(rows)]
        self._row = self._column = 0

    def take(self, data: bytes) -> None:
        place = 0
        while place < len(data):
            if code := CODES.match(data, place):
                place = code.end()
                if code[2] == b"H":
                    self._row, self._column = (int(each) - 1 for each in code[1].split(b";"))
                elif code[2] == b"J":
                    self.cells = [[" "] * len(row) for row in self.cells]
                else:
                    assert code[2] == b"m"
                continue
            end = data.find(b"\x1b", place)
            end = len(data) if end < 0 else end
            for char in data[place:end].decode():
                wide = cell_len(char)
                row = self.cells[self._row]
                row[self._column : self._column + wide] = [char, ""][:wide]
                self._column += wide
                assert self._column <= len(row), "text beyond the right edge"
            place = end

    @property
    def lines(self) -> list[str]:
        return ["".join(row).rstrip() for row in self.cells]


def text_of(row: Row) -> str:
    return "".join(segment.text for segment in row).rstrip()


@pytest.mark.parametrize("seed", range(20))
def test_after_any_changes_the_terminal_shows_the_last_rows(seed):
    chance = random.Random(seed)

    def row() -> Row:
        line, room = [], 30
        while room > 2 and chance.random() < 0.8:
            text = "".join(chance.choice("ab █▄漢字") for _ in range(chance.randrange(1, 6)))
            while cell_len(text) > room:
                text = text[:-1]
            line.append(Segment(text, chance.choice((PLAIN, BOLD, DIM, SOUND))))
            room -= cell_len(text)
        return line

    painter, paper = Painter(True), Paper(30, 6)
    paper.take(painter.clear(30, 6))
    rows = [row() for _ in range(6)]
    for _ in range(60):
        rows[chance.randrange(6)] = row()
        paper.take(painter.paint(rows))
        assert paper.lines == [text_of(each) for each in rows]
        assert painter.paint(rows) == b""


def test_only_changed_cells_are_sent():
    painter = Painter(True)
    painter.clear(80, 2)
    painter.paint([[Segment("a" * 80, PLAIN)], [Segment("level  -24 dB", PLAIN)]])
    sent = painter.paint([[Segment("a" * 80, PLAIN)], [Segment("level  -25 dB", PLAIN)]])
    assert sent == b"\x1b[2;10H5"


def test_neighbouring_changes_are_one_run():
    painter = Painter(True)
    painter.clear(80, 1)
    painter.paint([[Segment("a..a", PLAIN)]])
    assert painter.paint([[Segment("b..b", PLAIN)]]) == b"\x1b[1;1Hb..b"


def test_a_new_style_alone_is_a_change():
    painter = Painter(True)
    painter.clear(80, 1)
    painter.paint([[Segment("a", PLAIN)]])
    assert painter.paint([[Segment("a", BOLD)]]) == b"\x1b[1;1H\x1b[1ma\x1b[0m"


def test_without_colour_bold_and_dim_stay():
    rows = [[Segment("a", SOUND), Segment("b", TROUBLE), Segment("c", DIM)]]
    painter = Painter(False)
    painter.clear(80, 1)
    assert painter.paint(rows) == b"\x1b[1;1Ha\x1b[1mb\x1b[0m\x1b[2mc\x1b[0m"
    painter = Painter(True)
    painter.clear(80, 1)
    assert b"\x1b[1;31mb" in painter.paint(rows)


def test_a_still_scene_sends_no_byte_and_moving_meters_few():
    painter, screen, scene = Painter(True), Screen(80, 24), made_scene.scene()
    painter.clear(80, 24)
    assert painter.paint(screen.drawn(scene))
    scene.version += 1  # news without a visible change
    assert painter.paint(screen.drawn(scene)) == b""
    louder = made_scene.METER._replace(rms_db=-22.0)
    assert scene.heard
    scene.heard = scene.heard._replace(before=(louder, louder))
    assert 0 < len(painter.paint(screen.drawn(scene))) < 120
