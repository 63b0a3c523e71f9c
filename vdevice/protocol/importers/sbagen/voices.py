"""One kind of sound in one channel of an SBaGen schedule."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from entrain.vdevice.protocol.importers.sbagen.curves import Line
from entrain.vdevice.protocol.importers.sbagen.schedule import Piece, between
from entrain.vdevice.protocol.importers.sbagen.tones import Tone


@dataclass
class Voice:
    """One type of tone on one channel, over the whole session."""

    id: str
    type: str
    pieces: list[Piece]

    def lines(self, of: str, factor: float = 1.0) -> list[Line]:
        return [
            Line(p.begin, p.end, factor * getattr(p.first, of), factor * getattr(p.last, of))
            for p in self.pieces
        ]

    def tones(self) -> Iterator[Tone]:
        for piece in self.pieces:
            yield piece.first
            if piece.last is not piece.first:
                yield piece.last


def parts_of(piece: Piece, of: str, low: float, high: float, even: bool) -> Iterator[Piece]:
    """The parts of a piece in which one of its numbers is within a range."""
    first, last = getattr(piece.first, of), getattr(piece.last, of)
    limits = (low, high, -low, -high) if even else (low, high)
    cuts = {0.0, 1.0}
    cuts |= {
        (x - first) / (last - first) for x in limits if min(first, last) < x < max(first, last)
    }
    for left, right in pairwise(sorted(cuts)):
        middle = first + (last - first) * (left + right) / 2
        if low <= (abs(middle) if even else middle) <= high:
            if (left, right) == (0.0, 1.0):
                yield piece
                continue
            length = piece.end - piece.begin
            begin, end = piece.begin + left * length, piece.begin + right * length
            if end > begin:
                ends = (between(piece.first, piece.last, share) for share in (left, right))
                yield Piece(begin, end, *ends)
