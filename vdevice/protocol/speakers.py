"""Replacements on loudspeakers for layers that need headphones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from entrain.block import RATE_UNITS, Block, Parameter, Substitute, shared
from entrain.vdevice.protocol.model import Layer
from entrain.vdevice.protocol.parts.automation import Automation


def need_headphones(layers: Sequence[Layer], blocks: Mapping[str, Block]) -> bool:
    """Whether one of the layers needs headphones; layers of unknown kinds do not."""
    return any(_is_dichotic(layer, blocks) for layer in layers)


def for_speakers(layers: Sequence[Layer], blocks: Mapping[str, Block]) -> tuple[Layer, ...]:
    """Replace or remove the layers that need headphones; keep the others, without a place."""
    return tuple(_for_speakers(layers, blocks))


def same_value(
    layer: Layer, twin: Layer, symbol: str, value: float, blocks: Mapping[str, Block]
) -> tuple[str, float] | None:
    """Return how to set the twin of a layer when a value of the layer is set.

    Parameters
    ----------
    layer, twin : Layer
        The layer for headphones and the layer for loudspeakers, or the reverse.
    symbol : str
        The layer's parameter.
    value : float
        Its new value.
    blocks : mapping
        The engine's blocks, by kind.

    Returns
    -------
    tuple of str and float, or None
        Parameter and value of the twin; None if it has no corresponding parameter.

    """
    if twin.kind not in blocks:
        return None
    block, other = blocks[layer.kind], blocks[twin.kind]
    if _stand_in(block) == _stand_in(other):
        return symbol, value
    if symbol == block.rate and other.rate:
        rate = other.parameters[other.rate]
        its_value = abs(block.in_hz(value)) * RATE_UNITS[rate.unit]
        return other.rate, max(its_value, rate.minimum)
    return None


def _stand_in(block: Block) -> str:
    """Return the kind that shares all parameters with this block; its own kind if none does."""
    other = block.without_headphones
    return other.kind if other and not other.values else block.kind


def _is_dichotic(layer: Layer, blocks: Mapping[str, Block]) -> bool:
    return layer.kind in blocks and blocks[layer.kind].dichotic


def _for_speakers(layers: Sequence[Layer], blocks: Mapping[str, Block]) -> Iterator[Layer]:
    for layer in layers:
        if not _is_dichotic(layer, blocks):
            yield _without_place(layer, blocks)
        elif (other := blocks[layer.kind].without_headphones) is not None:
            yield _replaced(layer, blocks[layer.kind], other, blocks[other.kind])


def _without_place(layer: Layer, blocks: Mapping[str, Block]) -> Layer:
    if layer.place is None:
        return layer
    own = blocks[layer.kind].parameters if layer.kind in blocks else {}
    automation = {symbol: each for symbol, each in layer.automation.items() if symbol in own}
    return layer.model_copy(update={"place": None, "automation": automation})


def _replaced(layer: Layer, block: Block, other: Substitute, its_block: Block) -> Layer:
    params: dict[str, float] = {}
    automation: dict[str, Automation] = {}
    for symbol, value in (other.values or shared(block, its_block)).items():
        parameter = its_block.parameters[symbol]
        if not isinstance(value, str):
            params[symbol] = value
            continue
        initial = block.parameters[value].initial
        if value in layer.params or initial != parameter.initial:
            params[symbol] = _fitting(parameter, layer.params.get(value, initial))
        if value in layer.automation:
            moving = layer.automation[value]
            points = tuple(replace(p, value=_fitting(parameter, p.value)) for p in moving.points)
            automation[symbol] = Automation(points=points, loop_s=moving.loop_s)
    return layer.model_copy(update={"kind": other.kind, "params": params, "automation": automation})


def _fitting(parameter: Parameter, value: float) -> float:
    """Bring a value into the parameter's range; drop the sign if the range has no negatives."""
    return parameter.within(abs(value) if parameter.minimum >= 0 else value)
