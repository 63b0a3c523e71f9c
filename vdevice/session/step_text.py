"""Describes a step of the history in one line, for menus and messages.  Pure functions."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from entrain.block import Block
from entrain.vdevice.protocol.address import parse_address
from entrain.vdevice.protocol.check import block_of, is_own, values_of
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.parts.places import HEAD_SIZE, SPACE_ID
from entrain.vdevice.protocol.values import BlockSource, rounded
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
    lines, others = [], []
    for address in step.moved_s:
        former = _value(before, address, layers_of, blocks)
        value = _value(after, address, layers_of, blocks)
        if value.exact != former.exact:
            is_clear = value.shown != former.shown
            old, new = (each.shown if is_clear else each.exact for each in (former, value))
            lines.append(f"{former.name}: {old} → {new}")
        elif value.exact == _NONE:  # the layer has changed its kind meanwhile, in an edited file
            others.append(address)
        else:  # only now it is named, with its initial value
            others.append(f"{value.name}: {value.exact}, as before")
    if not lines:
        return ", ".join(others)
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


class _Value(NamedTuple):
    """A value with its name and unit."""

    name: str
    exact: str
    shown: str
    """As `exact`, but rounded."""


_NONE = "none"


def _value(sound: Sound, address: str, layers_of: LayersOf, blocks: BlockSource) -> _Value:
    if address == MODE:
        return _Value("Space", sound.space.mode, sound.space.mode)
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
                name = _named(block_of(layer, blocks()), layer_id, symbol, None).name
                return _Value(name, "its course", "its course")
            value = values_of(layer).get(symbol)
            return _named(block_of(layer, blocks()), layer_id, symbol, value)
    return _Value(address, _NONE, _NONE)


def _named(block: Block, layer_id: str, symbol: str, value: float | None) -> _Value:
    parameter = block.parameters.get(symbol)
    if parameter is None:
        return _Value(f"{layer_id}.{symbol}", _NONE, _NONE)
    present = parameter.initial if value is None else value
    name = f"{parameter.name} of {layer_id}"
    for choice, meant in parameter.choices:
        if meant == present:
            return _Value(name, choice, choice)
    unit = "" if parameter.unit in ("", "1") else f" {parameter.unit}"
    return _Value(name, f"{present:g}{unit}", rounded(present, parameter.unit) + unit)
