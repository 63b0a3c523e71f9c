"""The straight lines of Gnaural's schedules, as breakpoints."""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

Point = tuple[float, float]
"""Time in s, value."""


JUMP_S = 0.001
"""A jump takes so long: two breakpoints cannot have the same time."""


def starts_of(durations_s: Iterable[float]) -> list[float]:
    """When each entry begins and, last, when the voice ends, in whole microseconds."""
    return [round(t, 6) for t in accumulate(durations_s, initial=0.0)]


def points_of(starts_s: Sequence[float], values: Sequence[float], end_s: float) -> list[Point]:
    """Breakpoints of one parameter.

    Parameters
    ----------
    starts_s : sequence of float
        As `starts_of` gives them: one more than there are values.
    values : sequence of float
        At these times; from each one a straight line leads to the next, from the last one to
        the first.
    end_s : float
        When the schedule ends, not after the voice does.

    Returns
    -------
    list of Point
        From 0 to `end_s`; no two at the same time.

    """
    corners: list[list[float]] = []  # time, value just before it, value from it on
    for at_s, value in zip(starts_s, [*values, values[0]], strict=True):
        if corners and at_s == corners[-1][0]:
            corners[-1][2] = value
        else:
            corners.append([at_s, value, value])
    points: list[Point] = [(0.0, corners[0][2])]
    for (last_s, _, last), (at_s, before, after) in pairwise(corners):
        if at_s >= end_s:
            points.append((end_s, last + (before - last) * (end_s - last_s) / (at_s - last_s)))
            break
        points.append((at_s, before))
        if before != after:
            points.append((math.inf, after))
    return _pinned(points)


def mirrored(points: Sequence[Point]) -> list[Point]:
    """The curve's absolute value, with a breakpoint where it goes through 0."""
    return [(at_s, abs(value)) for at_s, value in _crossing(points, 0.0)]


def clipped(points: Sequence[Point], low: float, high: float) -> list[Point]:
    """The curve held within bounds, with breakpoints where it reaches and leaves them."""
    if all(low <= value <= high for _, value in points):
        return list(points)
    inside = _crossing(_crossing(points, low), high)
    return [(at_s, min(max(value, low), high)) for at_s, value in inside]


def merged(points: Sequence[Point], tolerance: float = 1e-6) -> list[Point]:
    """The same curve without the breakpoints that lie on the lines between others.

    Parameters
    ----------
    points : sequence of Point
        In order.
    tolerance : float
        How far one that is left out may lie off the line, in the values' unit.

    """
    kept = [points[0]]
    candidate = points[0]
    low, high = -math.inf, math.inf  # slopes that pass all points since the last one kept
    for at_s, value in points[1:]:
        run, rise = at_s - kept[-1][0], value - kept[-1][1]
        if not low <= rise / run <= high:
            kept.append(candidate)
            run, rise = at_s - candidate[0], value - candidate[1]
            low, high = -math.inf, math.inf
        low = max(low, (rise - tolerance) / run)
        high = min(high, (rise + tolerance) / run)
        candidate = (at_s, value)
    if len(points) > 1:
        kept.append(candidate)
    return kept


def values_at(points: Sequence[Point], times_s: Sequence[float]) -> Iterator[float]:
    """The curve's values at times in order, all of its own among them."""
    following = iter(points)
    before = after = next(following)
    for at_s in times_s:
        while after[0] < at_s:
            before, after = after, next(following)
        share = (at_s - before[0]) / (after[0] - before[0]) if after[0] > at_s else 1.0
        yield before[1] + (after[1] - before[1]) * share if share < 1 else after[1]


def loudest(curves: Sequence[Sequence[Point]]) -> float:
    """The highest value that the sum of curves from 0 to one end reaches."""
    turns: list[Point] = []  # times at which the sum's slope changes, and by how much
    total = 0.0
    for points in curves:
        total += points[0][1]
        slope = 0.0
        for (start_s, start), (end_s, end) in pairwise(points):
            turns.append((start_s, (end - start) / (end_s - start_s) - slope))
            slope += turns[-1][1]
    highest, slope, last_s = total, 0.0, 0.0
    for at_s, change in sorted(turns):
        total += slope * (at_s - last_s)
        highest = max(highest, total)
        slope, last_s = slope + change, at_s
    return max(highest, sum(points[-1][1] for points in curves))


def _pinned(points: Sequence[Point]) -> list[Point]:
    """Set the times of those after a jump: 1 ms on, or half of the way to the next one."""
    result: list[Point] = []
    for number, (at_s, value) in enumerate(points):
        if at_s == math.inf:
            before_s, next_s = points[number - 1][0], points[number + 1][0]
            at_s = round(before_s + min(JUMP_S, (next_s - before_s) / 2), 7)
        result.append((at_s, value))
    return result


def _crossing(points: Sequence[Point], bound: float) -> list[Point]:
    result = [points[0]]
    for (start_s, start), (end_s, end) in pairwise(points):
        if (start - bound) * (end - bound) < 0:
            at_s = round(start_s + (end_s - start_s) * (bound - start) / (end - start), 7)
            if start_s < at_s < end_s:
                result.append((at_s, bound))
        result.append((end_s, end))
    return result
