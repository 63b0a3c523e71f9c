"""The way of a control: positions from 0 to 1, and the values of a parameter.  Pure."""

import math
from dataclasses import dataclass
from typing import Self

from entrain.vdevice.bridge.app_mirror import Parameter

STEPS_PER_SPAN = 200
"""Steps of an encoder from one end of a parameter to the other; each is 0.5 %."""


@dataclass(frozen=True, slots=True)
class Span:
    """The values that a control reaches.  It runs backwards where `low` is the greater value."""

    low: float
    """Value at position 0, in the parameter's unit."""
    high: float
    """Value at position 1."""
    step: float = 0.0
    """Values are multiples of this, counted from `low`; 0: any value."""
    is_log: bool = False
    """Equal ways are equal ratios."""
    choices: tuple[float, ...] = ()
    """The only values, in the order of their positions; empty: any value."""
    period: float = 0.0
    """Two values that differ by this are the same; 0: none."""

    @classmethod
    def of(cls, parameter: Parameter, low: float | None = None, high: float | None = None) -> Self:
        """Return the way of a control over a parameter.

        Parameters
        ----------
        parameter : Parameter
            Its own value does not count.
        low, high : float, optional
            Ends of the way, limited to the parameter's range; where left out, the ends that the
            parameter has for knobs, or else the ends of its range.

        """
        least, most, period = parameter.minimum, parameter.maximum, parameter.period
        if period:  # one turn is enough
            least, most = max(least, -period / 2), min(most, period / 2)
        ends = parameter.knob or (least, most)
        first, last = (
            min(max(default if given is None else given, least), most)
            for given, default in zip((low, high), ends, strict=True)
        )
        choices = sorted(parameter.choices)
        choices = [each for each in choices if min(first, last) <= each <= max(first, last)]
        is_ratio = parameter.scale == "log" or parameter.knob is not None
        is_log = is_ratio and min(first, last) > 0
        ordered = tuple(choices if first <= last else reversed(choices))
        return cls(first, last, parameter.step, is_log, ordered, period)

    @classmethod
    def whole(cls, parameter: Parameter) -> Self:
        """Return the way over the whole range of a parameter."""
        return cls.of(parameter, parameter.minimum, parameter.maximum)

    def reaches(self, value: float) -> bool:
        """Tell whether a value lies on the way."""
        least, most = min(self.low, self.high), max(self.low, self.high)
        return least <= value <= most or (self.period > 0 and most - least >= self.period)

    def value(self, position: float) -> float:
        """Return the value at a position, which is limited to 0 … 1."""
        position = min(max(position, 0.0), 1.0)
        if self.choices:
            return self.choices[round(position * (len(self.choices) - 1))]
        if self.is_log:
            raw = self.low * (self.high / self.low) ** position
        else:
            raw = self.low + (self.high - self.low) * position
        return self._rounded(raw)

    def position(self, value: float) -> float:
        """Return the position of a value, 0 … 1: the nearest end if it is out of reach."""
        least = min(self.low, self.high)
        if self.period:
            value = least + (value - least) % self.period
        if self.choices:
            nearest = min(self.choices, key=lambda each: abs(each - value))
            return self.choices.index(nearest) / max(1, len(self.choices) - 1)
        if self.low == self.high:
            return 0.0
        value = min(max(value, least), max(self.low, self.high))
        if self.is_log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def moved(self, value: float, steps: int) -> float:
        """Return the value after some steps of an encoder, each of which has an effect."""
        if self.choices:
            return self.value(self.position(value) + steps / max(1, len(self.choices) - 1))
        moved = self.value(self.position(value) + steps / STEPS_PER_SPAN)
        if moved == value and steps and self.step:
            upwards = (steps > 0) == (self.low <= self.high)
            moved = self._rounded(value + (self.step if upwards else -self.step))
        return moved

    def _rounded(self, value: float) -> float:
        if self.step:
            value = self.low + round((value - self.low) / self.step) * self.step
        least, most = min(self.low, self.high), max(self.low, self.high)
        return min(max(round(value, 9), least), most)
