"""Command-line argument: a time as seconds, minutes:seconds or hours:minutes:seconds."""

import re
from typing import Any

import click


class Position(click.ParamType[float]):
    """Converts the argument to seconds."""

    name = "[[h:]min:]s"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        match = re.fullmatch(r"(?:(?:(\d{1,3}):)?(\d{1,4}):)?(\d{1,6}(?:\.\d{1,6})?)", str(value))
        if match is None:
            self.fail(f"{str(value)!r} is not a time (90, 1:30, 1:02:30)", param, ctx)
        hours, minutes, seconds = (float(part or 0) for part in match.groups())
        return 3600 * hours + 60 * minutes + seconds
