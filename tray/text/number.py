"""Command-line argument: a number within limits."""

import math
from typing import Any

import click


class Number(click.ParamType[float]):
    """Converts the argument to a number; infinity too, where a limit is infinite.

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
            number = math.nan
        if math.isnan(number):
            kind = "a whole number" if self._whole else "a number"
            self.fail(f"{str(value)!r} is not {kind}", param, ctx)
        if not self._minimum <= number <= self._maximum:
            self.fail(f"{number:g} is not within {self._limits()}", param, ctx)
        return number

    def _limits(self) -> str:
        return f"{self._minimum:g} … {self._maximum:g}"
