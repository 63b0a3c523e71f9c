"""Command-line argument: a number of minutes, or "off"."""

from typing import Any

import click

from entrain.vdevice.limits import MAX_SLEEP_MINUTES


class MinutesOrOff(click.ParamType[float | None]):
    """Converts the argument to minutes, or to None for "off"."""

    name = "minutes|off"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        if value == "off":
            return None
        try:
            minutes = float(value)
        except ValueError:
            minutes = float("nan")
        if not 0 < minutes <= MAX_SLEEP_MINUTES:  # this form also refuses NaN
            self.fail(
                f"{str(value)!r} is neither off nor a number of minutes, which must be more than 0 "
                f"and at most {MAX_SLEEP_MINUTES:g}",
                param,
                ctx,
            )
        return minutes
