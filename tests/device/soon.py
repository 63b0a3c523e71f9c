"""How soon a front end must show a change of another one, on a machine that may be busy."""

from collections.abc import Sequence

SHOWN_S = 0.3
"""Three times the 0.1 s within which a change is to be seen: other programs disturb it."""
SHARE, SHARE_OF_FEW = 0.99, 0.8
"""Share of a thousand changes, and of ten, for which this must hold.

A busy machine may stop a program for longer.
"""


def delay_s(delays_s: Sequence[float], share: float) -> float:
    """Return the delay that this share of the delays does not exceed."""
    return sorted(delays_s)[round(share * len(delays_s)) - 1]
