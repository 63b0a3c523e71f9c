"""The short way from the present value to the value at a knob's position, after a pick-up.  Pure.

A fast turn crosses the value between two messages, so the knob may be far away when it takes hold.
"""

GLIDE_S = 0.25
"""Time in which the value comes to the knob, in seconds; the knob may move meanwhile."""


class Glide:
    """The way of one value.

    Parameters
    ----------
    start : float
        The value at the pick-up, in the parameter's unit.
    period : float
        Two values that differ by this are the same; 0: none.

    """

    def __init__(self, start: float, period: float) -> None:
        self._start = start
        self._period = period
        self._since_s: float | None = None
        self._offset = 0.0
        """The value without its knob's at the beginning of the way."""

    def begin(self, target: float, now_s: float) -> None:
        """Let the value leave its start for the knob's, `target`.  Idempotent."""
        if self._since_s is None:
            self._since_s = now_s
            self._offset = self._start - target
            if self._period:  # the short way round
                self._offset -= self._period * round(self._offset / self._period)

    @property
    def has_begun(self) -> bool:
        """Whether the value has left its start."""
        return self._since_s is not None

    def is_over(self, now_s: float) -> bool:
        """Tell whether the value has come to the knob."""
        return self._since_s is not None and now_s - self._since_s >= GLIDE_S

    def value(self, target: float, now_s: float) -> float:
        """Return the present value on the way to the knob's, `target`."""
        if self._since_s is None:
            return self._start
        share = min(max((now_s - self._since_s) / GLIDE_S, 0.0), 1.0)
        if share == 1.0:
            return target
        found = round(target + (1.0 - share) * self._offset, 9)
        if self._period:
            return found
        return min(max(found, min(self._start, target)), max(self._start, target))
