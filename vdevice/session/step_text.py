"""Describes a step of the history in one line, for menus and messages.  Pure functions."""

from collections.abc import Callable, Sequence

from entrain.block import Block, Parameter
from entrain.vdevice.protocol.address import parse_address
from entrain.vdevice.protocol.check import block_of, is_own, values_of
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.parts.places import HEAD_SIZE, SPACE_ID
from entrain.vdevice.protocol.values import BlockSource
from entrain.vdevice.session.history import Sound, Step

MODE = "space.mode"
"""Stands for the mode of the user's space in the `Step.moved_s`; it is not a parameter."""

HEAD = f"{SPACE_ID}.{HEAD_SIZE}"

LayersOf = Callable[[Protocol], Sequence[Layer]]
"""Returns the audible layers of a protocol."""


def describe(
    step: Step, before: Sound, after: Sound, layers_of: LayersOf, blocks: BlockSource
) -> str:
    """Return for example ``Beat of tone: 10 Hz → 6.5 Hz``.

    Parameters
    ----------
    step : Step
        The step.
    before, after : Sound
        The sound without the step, and with it.
    layers_of : callable
        Returns the audible layers of a protocol.
    blocks : callable
        Returns the blocks.

    """
    if step.replaces:
        return _replaced(before.played.edited.protocol, after.played.edited.protocol)
    lines = []
    for address in step.moved_s:
        name, former = _value(before, address, layers_of, blocks)
        _, value = _value(after, address, layers_of, blocks)
        if value != former:
            lines.append(f"{name}: {former} → {value}")
    if not lines:  # the layer has changed its kind meanwhile, in an edited file
        return ", ".join(step.moved_s)
    return lines[0] + (f" and {len(lines) - 1} more" if lines[1:] else "")


def _replaced(before: Protocol, after: Protocol) -> str:
    """Return both names; of one name, what else is different."""
    if before.name != after.name:
        return f"{before.name} → {after.name}"
    former, layers = (
        ", ".join(each.id for each in protocol.layers) or "no layers"
        for protocol in (before, after)
    )
    if former != layers:
        return f"{after.name}: {former} → {layers}"
    return f"{after.name}, used again" if before == after else f"{after.name}, with other values"


def _value(sound: Sound, address: str, layers_of: LayersOf, blocks: BlockSource) -> tuple[str, str]:
    """Return a value with its unit, and before it the value's name."""
    if address == MODE:
        return "Space", sound.space.mode
    layer_id, symbol = parse_address(address)
    protocol = sound.played.edited.protocol
    if is_own(layer_id, blocks()):
        return _named(blocks()[layer_id], layer_id, symbol, sound.settings.get(address))
    if layer_id == SPACE_ID and (symbol == HEAD_SIZE or protocol.space is None):
        block = blocks()["speakers" if sound.space.mode == "off" else sound.space.mode]
        return _named(block, layer_id, symbol, sound.space.params.get(symbol))
    for layer in (*layers_of(protocol), *filter(None, (protocol.space,))):
        if layer.id == layer_id:
            if symbol in layer.automation:
                return _named(block_of(layer, blocks()), layer_id, symbol, None)[0], "its course"
            value = values_of(layer).get(symbol)
            return _named(block_of(layer, blocks()), layer_id, symbol, value)
    return address, "none"


def _named(block: Block, layer_id: str, symbol: str, value: float | None) -> tuple[str, str]:
    parameter = block.parameters.get(symbol)
    if parameter is None:
        return f"{layer_id}.{symbol}", "none"
    shown = parameter.initial if value is None else value
    return f"{parameter.name} of {layer_id}", _with_unit(parameter, shown)


def _with_unit(parameter: Parameter, value: float) -> str:
    for name, meant in parameter.choices:
        if meant == value:
            return name
    return f"{value:g}" + ("" if parameter.unit in ("", "1") else f" {parameter.unit}")
