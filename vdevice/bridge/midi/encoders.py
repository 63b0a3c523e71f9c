"""Endless knobs: the three usual ways to write signed steps in seven bits, and how to tell them.

Pure functions.
"""

from collections.abc import Sequence
from itertools import pairwise

from entrain.vdevice.limits import MidiEncoding

LARGEST_STEP = 15
"""Encoders that turn fast report several steps in one message; no known one reports more."""
_ENOUGH = 4
"""Messages from which an encoding can be told."""


def steps(encoding: MidiEncoding, value: int) -> int:
    """Return the signed steps in the value of a message, 0 … 127; 0 for ``absolute``."""
    match encoding:
        case "twos":
            return value if value < 64 else value - 128
        case "offset":
            return value - 64
        case "sign":
            return value if value < 64 else 64 - value
    return 0


def fits(encoding: MidiEncoding, values: Sequence[int]) -> bool:
    """Tell whether an encoder could have sent all these values."""
    return all(0 < abs(steps(encoding, value)) <= LARGEST_STEP for value in values)


def detect(values: Sequence[int], is_last: bool) -> MidiEncoding | None:
    """Tell how a control writes its values; None: more messages are needed.

    A knob with an end sends a value only when it differs from the last one.  An encoder repeats
    itself.  Steps in one direction do not tell two's complement from a sign bit; steps in both
    directions do.

    Parameters
    ----------
    values : sequence of int
        The values that one control has sent, 0 … 127.
    is_last : bool
        No more messages will come, so the likeliest encoding is the answer.

    """
    if len(values) < (2 if is_last else _ENOUGH):
        return None
    possible: list[MidiEncoding] = ["twos", "offset", "sign"]
    possible = [each for each in possible if fits(each, values)]
    if not possible or not _repeats(values):
        return "absolute"
    is_clear = len(possible) == 1
    has_both = len({steps(possible[0], value) > 0 for value in values}) == 2
    if is_last or (is_clear and has_both):
        return possible[0]
    return None


def _repeats(values: Sequence[int]) -> bool:
    """Tell whether a control repeats itself, as only encoders do."""
    equal = sum(one == other for one, other in pairwise(values))
    return 3 * equal >= len(values) - 1
