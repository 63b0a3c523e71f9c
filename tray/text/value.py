"""Command-line argument: the value of a parameter, as a number or as the name of a choice."""

from typing import Any

import click

from entrain.tray.text.number import Number


class Value(Number):
    """Converts the argument to a number; the argument ``address`` names the parameter."""

    name = "value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        text = str(value)
        symbol = str(ctx.params.get("address", "") if ctx else "").rpartition(".")[2]
        try:
            float(text)
        except ValueError:
            named = _choices(symbol)
            if text in named:
                return named[text]
            if named:
                listed = ", ".join(named)
                self.fail(f"{text!r} is neither a number nor one of {listed}", param, ctx)
        return super().convert(value, param, ctx)


def _choices(symbol: str) -> dict[str, float]:
    """Return the names of a parameter's values; they are the same in every kind of layer."""
    from entrain.engine import blocks

    found: dict[str, float] = {}
    for block in blocks().values():
        if parameter := block.placed().parameters.get(symbol):
            found |= dict(parameter.choices)
    return found
