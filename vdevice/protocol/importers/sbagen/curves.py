"""Piecewise linear curves of SBaGen's sequences, as breakpoints."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Literal, NamedTuple

from entrain.vdevice.protocol.parts.automation import Automation, Breakpoint


class Line(NamedTuple):
    """A straight line from `first` at `begin` to `last` at `end`; times in ms."""

    begin: float
    end: float
    first: float
    last: float


def clipped(lines: Iterable[Line], low: float, high: float) -> Iterator[Line]:
    """Yield the lines, limited to a range."""
    for line in lines:
        begin, end, first, last = line
        if low <= first <= high and low <= last <= high:
            yield line
            continue
        cuts = [begin, end]
        for limit in (low, high):
            if min(first, last) < limit < max(first, last):
                cuts.append(begin + (end - begin) * (limit - first) / (last - first))
        cuts.sort()
        for left, right in pairwise(cuts):
            if right > left:
                ends = (value_at(line, left), value_at(line, right))
                yield Line(left, right, *(min(max(x, low), high) for x in ends))


def value_at(line: Line, at: float) -> float:
    """Return the value of a line at a time between its ends."""
    if at <= line.begin:
        return line.first
    if at >= line.end:
        return line.last
    return line.first + (line.last - line.first) * (at - line.begin) / (line.end - line.begin)


def resting(lines: Iterable[Line], end: float) -> Iterator[Line]:
    """Fill the gaps between lines, and before and after them, with 0."""
    at = 0.0
    for line in lines:
        if line.begin > at:
            yield Line(at, line.begin, 0.0, 0.0)
        yield line
        at = line.end
    if end > at:
        yield Line(at, end, 0.0, 0.0)


def summed(voices: list[list[Line]], end: float) -> Iterator[Line]:
    """Yield the sum of several curves; a curve is 0 in its gaps."""
    times = sorted({0.0, end, *(t for lines in voices for line in lines for t in line[:2])})
    ahead = [0] * len(voices)
    for begin, stop in pairwise(times):
        first = last = 0.0
        for number, lines in enumerate(voices):
            while ahead[number] < len(lines) and lines[ahead[number]].end <= begin:
                ahead[number] += 1
            line = lines[ahead[number]] if ahead[number] < len(lines) else None
            if line and line.begin <= begin:
                first += value_at(line, begin)
                last += value_at(line, stop)
        yield Line(begin, stop, first, last)


def automation(lines: Iterable[Line], ms_per_s: float) -> Automation | float | None:
    """Convert lines to breakpoints, as few as possible.

    Where lines do not meet, the value jumps; in a gap it holds.  A slope that ends in a jump ends
    1 ms earlier, so that the jump has breakpoints on both sides.

    Parameters
    ----------
    lines : iterable of Line
        Lines in the order of time.
    ms_per_s : float
        Milliseconds of the lines per second of the session.

    Returns
    -------
    Automation, float or None
        A number if the value is constant; None without lines.

    """
    points: list[tuple[float, float, bool]] = []  # time, value, whether the value holds
    before: Line | None = None
    for line in lines:
        begin, _, first, last = line
        if before is not None:
            sloped = before.first != before.last
            if sloped and (before.end < begin or before.last != first):
                early = min(1.0, (before.end - before.begin) / 2) if before.end == begin else 0.0
                points.append((before.end - early, before.last, True))
        if first == last:
            if not (points and points[-1][1:] == (first, True)):
                points.append((begin, first, True))
        elif not (before and _goes_on(before, line)):
            points.append((begin, first, False))
        before = line
    if before is None:
        return None
    if before.first != before.last:
        points.append((before.end, before.last, True))
    if all(value == points[0][1] for _, value, _ in points):
        return round(points[0][1], 6)
    kept: list[Breakpoint] = []
    for (at, value, holds), (_, value_after, _) in zip(
        points, [*points[1:], points[-1]], strict=True
    ):
        at_s = round(at / ms_per_s, 9)
        if kept and at_s <= kept[-1].at_s:
            kept.pop()
        # A linear curve to the same value holds, too, and is shorter in a file.
        curve: Literal["step", "linear"] = "step" if holds and value != value_after else "linear"
        kept.append(Breakpoint(at_s=at_s, value=round(value, 6), curve=curve))
    return Automation(points=tuple(kept))


def _goes_on(before: Line, line: Line) -> bool:
    """Whether two lines form one straight line."""
    if before.end != line.begin or before.last != line.first or before.first == before.last:
        return False
    whole = Line(before.begin, line.end, before.first, line.last)
    return abs(value_at(whole, before.end) - before.last) < 1e-9
