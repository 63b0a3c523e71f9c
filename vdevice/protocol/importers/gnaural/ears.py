"""Converts the volume curves of both ears to one volume and one balance."""

from collections.abc import Sequence
from itertools import pairwise

from entrain.vdevice.protocol.importers.gnaural.curves import JUMP_S, Point, merged, values_at

_MOST_HALVINGS = 8


def louder(left: Sequence[Point], right: Sequence[Point]) -> tuple[list[Point], list[Point]]:
    """Return the volume of the louder ear, and the balance of both ears.

    Parameters
    ----------
    left, right : sequence of Point
        Volumes of both ears, from 0 to the same end.

    Returns
    -------
    (list of Point, list of Point)
        The higher of both volumes, and the balance: -1 is left alone, 1 right alone; empty if the
        ears are equally loud.  Between breakpoints the softer ear is exact within 0.05 dB or
        1/10000 of full volume.

    """
    times = sorted({at_s for points in (left, right) for at_s, _ in points})
    both = list(zip(times, values_at(left, times), values_at(right, times), strict=True))
    if all(abs(one - other) <= 1e-6 for _, one, other in both):
        return merged(left), []
    split, balance = [both[0]], list[Point]()
    for first, last in pairwise(both):
        inside = _turns(first, last)
        split += [*inside, last]
        # Silence has no balance, so use the balance at the other end of the line.
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
    """Return where a line between two pairs of volumes needs breakpoints in its balance."""
    if last[0] - first[0] <= 1.001 * JUMP_S:
        return []
    if (first[1] - first[2]) * (last[1] - last[2]) < 0:
        share = (first[1] - first[2]) / ((first[1] - first[2]) - (last[1] - last[2]))
        at_s, one, _ = _between(first, last, share)
        middle = (at_s, one, one)
    elif max(first[1:]) <= 0 or max(last[1:]) <= 0 or depth == _MOST_HALVINGS:
        return []  # on a line from or to silence, the balance is constant
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
    """Return 1 - softer / louder volume; negative if left is louder."""
    loud = max(left, right)
    return round((right - left) / loud, 6) if loud > 0 else 0.0
