"""Command-line argument: a number within limits."""

from typing import Any

import click


class Number(click.FloatRange):
    """Converts the argument to a number.

    Parameters
    ----------
    minimum, maximum : float, optional
        The limits, both allowed.  Without them, the running Entrain checks the number, which may be
        NaN or infinity.
    whole : bool
        Accept only whole numbers, and convert them to int.

    """

    name = "number"

    def __init__(
        self, minimum: float | None = None, maximum: float | None = None, *, whole: bool = False
    ) -> None:
        super().__init__(minimum, maximum)
        self._whole = whole

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        text = str(value)
        try:
            number = int(text) if self._whole else float(text)
        except ValueError:
            self.fail(f"{text!r} is not {'a whole' if self._whole else 'a'} number", param, ctx)
        if self.min is not None and self.max is not None and not self.min <= number <= self.max:
            self.fail(f"{text!r} is not within {self.min:,g} … {self.max:,.10g}", param, ctx)
        return number
