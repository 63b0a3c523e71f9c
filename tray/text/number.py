"""Command-line argument: a number within limits."""

import math
from typing import Any

import click


class Number(click.ParamType[float]):
    """Converts the argument to a number.

    Without limits, NaN and infinity are accepted, too: the running Entrain refuses them with the
    range of the parameter.

    Parameters
    ----------
    minimum, maximum : float, optional
        The limits, both allowed.
    whole : bool
        Accept only whole numbers, and convert them to int.

    """

    name = "number"

    def __init__(
        self, minimum: float = -math.inf, maximum: float = math.inf, *, whole: bool = False
    ) -> None:
        self._minimum = minimum
        self._maximum = maximum
        self._whole = whole

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            number = int(str(value)) if self._whole else float(value)
        except ValueError:
            kind = "a whole number" if self._whole else "a number"
            self.fail(f"{str(value)!r} is not {kind}", param, ctx)
        if number < self._minimum or number > self._maximum or self._refuses_nan(number):
            limits = f"{self._minimum:g} … {self._maximum:g}"
            self.fail(f"{number:g} is not within {limits}", param, ctx)
        return number

    def _refuses_nan(self, number: float) -> bool:
        return math.isnan(number) and math.isfinite(self._minimum)
