"""Steps for all running layers together: faster or slower, stronger or weaker.  Pure functions."""

import math
from collections.abc import Callable, Mapping, Sequence

from entrain.block import AMOUNT, Block
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Layer

GLIDE_S = 1.0
"""Duration of the glide of one step, in seconds."""

LEVEL_STEP_DB = 3.0

Value = Callable[[Layer, str], float]
"""Returns the present value of a layer's parameter."""

Change = tuple[str, float]
"""An address and its new value."""


def rate_hz(layers: Sequence[Layer], blocks: Mapping[str, Block], value: Value) -> float | None:
    """Return the rate of the first layer that has one, or None.

    Parameters
    ----------
    layers : sequence of Layer
        The running layers.
    blocks : mapping
        All compiled blocks, by kind.
    value : callable
        Returns a parameter's value.

    """
    for layer, symbol in _rates(layers, blocks, value):
        return abs(blocks[layer.kind].in_hz(value(layer, symbol)))
    return None


def faster(
    steps: int, layers: Sequence[Layer], blocks: Mapping[str, Block], value: Value
) -> list[Change]:
    """Change all rates by one factor, so that the first rate reaches its next round value.

    Raises
    ------
    ProtocolError
        No layer has a rate, or the rates are at their limits.

    """
    found = _rates(layers, blocks, value)
    if not found:
        raise ProtocolError("the running protocol has no rate")
    first = abs(value(*found[0]))
    factor = stepped(first, steps) / first
    changes = []
    for layer, symbol in found:
        parameter = blocks[layer.kind].parameters[symbol]
        wanted = round(value(layer, symbol) * factor, 6)
        changes.append((f"{layer.id}.{symbol}", parameter.within(wanted), value(layer, symbol)))
    return _changing(changes, "rate", steps)


def stronger(
    steps: int, layers: Sequence[Layer], blocks: Mapping[str, Block], value: Value
) -> list[Change]:
    """Change all levels and depths by steps of `LEVEL_STEP_DB`.

    Raises
    ------
    ProtocolError
        No layer has a level or a depth, or they are at their limits.

    """
    change_db = steps * LEVEL_STEP_DB
    changes = []
    for layer in layers:
        block = blocks[layer.kind]
        if not block.level:
            continue
        parameter, now = block.parameters[block.level], value(layer, block.level)
        is_depth = block.level in (block.strength, AMOUNT.symbol)
        wanted = now * 10 ** (change_db / 20) if is_depth else now + change_db
        changes.append((f"{layer.id}.{block.level}", parameter.within(round(wanted, 4)), now))
    if not changes:
        raise ProtocolError("the running protocol has no level")
    return _changing(changes, "level", steps)


def stepped(value: float, steps: int) -> float:
    """Return a later or earlier round value, `steps` away: 15.5 → 16 → 17, 4 → 3.5, 1 → 0.9."""
    for _ in range(abs(steps)):
        if steps > 0:
            step = 0.1 if value < 2 else 0.5 if value < 8 else 1.0
            value = (math.floor(value / step + 1e-6) + 1) * step
        else:
            step = 0.1 if value <= 2 else 0.5 if value <= 8 else 1.0
            value = max(0.1, (math.ceil(value / step - 1e-6) - 1) * step)
    return round(value, 6)


def _rates(
    layers: Sequence[Layer], blocks: Mapping[str, Block], value: Value
) -> list[tuple[Layer, str]]:
    """Return each layer whose rhythm is audible, with the parameter of its rate."""
    found = []
    for layer in layers:
        block = blocks[layer.kind]
        is_heard = not block.rate_depth or value(layer, block.rate_depth)
        if block.rate and is_heard and value(layer, block.rate):
            found.append((layer, block.rate))
    return found


def _changing(found: Sequence[tuple[str, float, float]], what: str, steps: int) -> list[Change]:
    changes = [(address, wanted) for address, wanted, now in found if wanted != now]
    if steps and not changes:
        raise ProtocolError(f"the {what} cannot go {'higher' if steps > 0 else 'lower'}")
    return changes
