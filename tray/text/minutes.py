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
            most = f"{MAX_SLEEP_MINUTES:g} minutes"
            self.fail(f"{str(value)!r} is neither 0 … {most} nor off", param, ctx)
        return minutes
