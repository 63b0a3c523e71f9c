"""One loudness and one balance for both ears, from a curve for each."""

from collections.abc import Sequence
from itertools import pairwise

from entrain.vdevice.protocol.importers.gnaural.curves import JUMP_S, Point, merged, values_at

_MOST_HALVINGS = 8


def louder(left: Sequence[Point], right: Sequence[Point]) -> tuple[list[Point], list[Point]]:
    """The louder ear's volume, and how much softer the other one is.

    Parameters
    ----------
    left, right : sequence of Point
        Volumes of both ears, from 0 to one end.

    Returns
    -------
    (list of Point, list of Point)
        The higher one of both volumes, and the balance: -1 is left alone, 1 right alone; no points
        if the ears are equally loud.  Between breakpoints the softer ear is right within 0.05 dB,
        or within 1/10000 of full volume.

    """
    times = sorted({at_s for points in (left, right) for at_s, _ in points})
    both = list(zip(times, values_at(left, times), values_at(right, times), strict=True))
    if all(abs(one - other) <= 1e-6 for _, one, other in both):
        return merged(left), []
    split, balance = [both[0]], list[Point]()
    for first, last in pairwise(both):
        inside = _turns(first, last)
        split += [*inside, last]
        # Where both are silent they have no balance; it is that of the line which is looked at.
        begin = _balance(*(first if max(first[1:]) > 0 else last)[1:])
        end = _balance(*(last if max(last[1:]) > 0 else first)[1:])
        begin_s = first[0]
        if balance and balance[-1][1] != begin:
            begin_s = round(begin_s + min(JUMP_S, (last[0] - begin_s) / 2), 7)
            inside = [each for each in inside if each[0] > begin_s]
        if not balance or begin_s > balance[-1][0]:
            balance.append((begin_s, begin))
        balance += [(at_s, _balance(one, other)) for at_s, one, other in inside]
        balance.append((last[0], end))
    return merged([(at_s, max(one, other)) for at_s, one, other in split]), merged(balance)


_Ears = tuple[float, float, float]
"""Time in s, volume left, volume right."""


def _turns(first: _Ears, last: _Ears, depth: int = 0) -> list[_Ears]:
    """Where a line from one pair of volumes to another needs breakpoints in its balance."""
    if last[0] - first[0] <= 1.001 * JUMP_S:
        return []
    if (first[1] - first[2]) * (last[1] - last[2]) < 0:
        share = (first[1] - first[2]) / ((first[1] - first[2]) - (last[1] - last[2]))
        at_s, one, _ = _between(first, last, share)
        middle = (at_s, one, one)
    elif max(first[1:]) <= 0 or max(last[1:]) <= 0 or depth == _MOST_HALVINGS:
        return []  # from or to silence their ratio is always the same
    else:
        middle = _between(first, last, 0.5)
        straight = (_balance(*first[1:]) + _balance(*last[1:])) / 2
        loud, soft = max(middle[1:]), min(middle[1:])
        if abs(loud * (1 - abs(straight)) - soft) <= max(0.005 * soft, 1e-4):
            return []
    if not first[0] < middle[0] < last[0]:
        return []
    return [*_turns(first, middle, depth + 1), middle, *_turns(middle, last, depth + 1)]


def _between(first: _Ears, last: _Ears, share: float) -> _Ears:
    at_s, one, other = (a + (b - a) * share for a, b in zip(first, last, strict=True))
    return round(at_s, 7), one, other


def _balance(left: float, right: float) -> float:
    """1 - the softer one / the louder one; negative where left is louder."""
    loud = max(left, right)
    return round((right - left) / loud, 6) if loud > 0 else 0.0
