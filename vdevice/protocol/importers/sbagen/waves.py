"""The envelopes that a sequence may define, as pulses."""

from collections.abc import Sequence
from typing import NamedTuple


class Shape(NamedTuple):
    """A pulse, in parts of its period."""

    duty: float
    """Edges included."""
    attack: float
    release: float


_EDGE_MEAN_SQUARE = 181 / 462
"""Of a smootherstep, whose mean is a half: what the block's edges are."""


def shape_of(samples: Sequence[float]) -> Shape:
    """The pulse with the same mean and mean square, and as much rise as fall.

    Parameters
    ----------
    samples : sequence of float
        One period; whatever their range, the least is silence and the most is full.

    """
    low, high = min(samples), max(samples)
    if high == low:
        return Shape(1.0, 0.0, 0.0)
    gains = [(x - low) / (high - low) for x in samples]
    mean = sum(gains) / len(gains)
    mean_square = sum(x * x for x in gains) / len(gains)
    edges = (mean - mean_square) / (0.5 - _EDGE_MEAN_SQUARE)
    duty = min(max(mean + edges / 2, 0.0), 1.0)
    edges = min(edges, duty)
    steps = [b - a for a, b in zip(gains, [*gains[1:], gains[0]], strict=True)]
    rising, falling = sum(x > 0 for x in steps), sum(x < 0 for x in steps)
    attack = edges * rising / (rising + falling)
    return Shape(duty, attack, edges - attack)
