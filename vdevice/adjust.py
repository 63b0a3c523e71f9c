"""Faster or slower, stronger or weaker: one step for all layers of what runs.  Pure."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Layer
from entrain.vdevice.protocol.timeline import STRENGTHS

if TYPE_CHECKING:
    from entrain.engine import Block, Parameter

GLIDE_S = 1.0
"""In which a step is made."""

LEVEL_STEP_DB = 3.0

_RATES = ("beat_hz", "rate_hz", "am_rate_hz", "breaths_per_minute")
_PER_MINUTE = ("breaths_per_minute",)

Value = Callable[[Layer, str], float]
"""Tells what a layer's parameter is now."""

Change = tuple[str, float]
"""An address and a value."""


def rate_hz(layers: Sequence[Layer], blocks: Mapping[str, "Block"], value: Value) -> float | None:
    """Find the rate that is meant: of the first layer that has one.

    Parameters
    ----------
    layers : sequence of Layer
        What runs.
    blocks : mapping
        Those that are compiled in, by kind.
    value : callable
        Tells a parameter's value.

    """
    for layer, symbol in _rates(layers, blocks, value):
        return abs(value(layer, symbol)) / (60 if symbol in _PER_MINUTE else 1)
    return None


def faster(
    steps: int, layers: Sequence[Layer], blocks: Mapping[str, "Block"], value: Value
) -> list[Change]:
    """Move all rates by one factor: the first of them goes from one round value to the next.

    Raises
    ------
    ProtocolError
        Nothing has a rate, or the last possible one is reached.

    """
    found = _rates(layers, blocks, value)
    if not found:
        raise ProtocolError("nothing that runs has a rate")
    first = abs(value(*found[0]))
    factor = stepped(first, steps) / first
    changes = []
    for layer, symbol in found:
        parameter = blocks[layer.kind].parameters[symbol]
        wanted = round(value(layer, symbol) * factor, 6)
        changes.append((f"{layer.id}.{symbol}", _within(parameter, wanted), value(layer, symbol)))
    return _changing(changes, "rate", steps)


def stronger(
    steps: int, layers: Sequence[Layer], blocks: Mapping[str, "Block"], value: Value
) -> list[Change]:
    """Move all levels and depths by steps of `LEVEL_STEP_DB`.

    Raises
    ------
    ProtocolError
        Nothing has a level or a depth, or the last possible one is reached.

    """
    change_db = steps * LEVEL_STEP_DB
    changes = []
    for layer in layers:
        symbol = _strength(blocks[layer.kind])
        if symbol is None:
            continue
        parameter, now = blocks[layer.kind].parameters[symbol], value(layer, symbol)
        wanted = now + change_db if symbol == "level_db" else now * 10 ** (change_db / 20)
        changes.append((f"{layer.id}.{symbol}", _within(parameter, round(wanted, 4)), now))
    if not changes:
        raise ProtocolError("nothing that runs has a level")
    return _changing(changes, "level", steps)


def stepped(value: float, steps: int) -> float:
    """Go on to the next round value, as often as it says: 15.5 → 16 → 17, 4 → 3.5, 1 → 0.9."""
    for _ in range(abs(steps)):
        if steps > 0:
            step = 0.1 if value < 2 else 0.5 if value < 8 else 1.0
            value = (math.floor(value / step + 1e-6) + 1) * step
        else:
            step = 0.1 if value <= 2 else 0.5 if value <= 8 else 1.0
            value = max(0.1, (math.ceil(value / step - 1e-6) - 1) * step)
    return round(value, 6)


def _rates(
    layers: Sequence[Layer], blocks: Mapping[str, "Block"], value: Value
) -> list[tuple[Layer, str]]:
    return [
        (layer, symbol)
        for layer in layers
        for symbol in _RATES
        if symbol in blocks[layer.kind].parameters
        and value(layer, symbol)
        and not (symbol == "am_rate_hz" and not value(layer, "am_depth"))  # nobody hears it
    ]


def _strength(block: "Block") -> str | None:
    if block.group == "generator":
        return "level_db"
    symbol = STRENGTHS.get(block.kind, "amount")
    if symbol in _RATES:
        return "amount"
    return None if symbol == "gain_db" else symbol  # only turns down what is played


def _within(parameter: "Parameter", value: float) -> float:
    return float(min(max(value, parameter.minimum), parameter.maximum))


def _changing(found: Sequence[tuple[str, float, float]], what: str, steps: int) -> list[Change]:
    changes = [(address, wanted) for address, wanted, now in found if wanted != now]
    if steps and not changes:
        raise ProtocolError(f"the {what} can go no {'higher' if steps > 0 else 'lower'}")
    return changes
