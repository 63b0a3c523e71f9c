"""A protocol's course over time: its end, its ramps and its loop as automation."""

from collections.abc import Collection
from itertools import pairwise

from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.parts.automation import Automation, Breakpoint
from entrain.vdevice.protocol.values import BlockSource


def end_s(protocol: Protocol) -> float | None:
    """Return when the session ends, or None; only `max_minutes` ends a loop."""
    ends = [] if protocol.loop or protocol.duration_s is None else [protocol.duration_s]
    if protocol.max_minutes is not None:
        ends.append(60.0 * protocol.max_minutes)
    return min(ends, default=None)


def value_at(automation: Automation, at_s: float) -> float:
    """Return a parameter's value at a time in the first round, as the engine calculates it."""
    points = automation.points
    if at_s <= points[0].at_s:
        return points[0].value
    for one, other in pairwise(points):
        if at_s < other.at_s:
            part = (at_s - one.at_s) / (other.at_s - one.at_s)
            if one.curve == "step":
                return one.value
            if one.curve == "exponential":
                return float(one.value * (other.value / one.value) ** part)
            if one.curve == "smooth":
                part = part * part * (3 - 2 * part)
            return one.value + (other.value - one.value) * part
    return points[-1].value


def compiled(
    protocol: Protocol, blocks: BlockSource, stays: Collection[str] = ()
) -> tuple[Layer, ...]:
    """Return all layers with the protocol's loop and ramps as automation.

    Parameters
    ----------
    protocol : Protocol
        A protocol that has been checked against the blocks.
    blocks : callable
        Returns the blocks.
    stays : collection of str
        Ids of layers that are heard already and need no ramp in.

    """
    return tuple(
        _with_ramps(_looped(layer, protocol), protocol, blocks, layer.id in stays)
        for layer in protocol.all_layers
    )


def _looped(layer: Layer, protocol: Protocol) -> Layer:
    if not protocol.loop or protocol.duration_s is None:
        return layer
    automation = {
        symbol: each if each.loop_s else each.model_copy(update={"loop_s": protocol.duration_s})
        for symbol, each in layer.automation.items()
    }
    return layer.model_copy(update={"automation": automation})


def _with_ramps(layer: Layer, protocol: Protocol, blocks: BlockSource, stays: bool) -> Layer:
    block = blocks()[layer.kind]
    symbol = block.strength
    if symbol in layer.automation:  # the protocol has its own ramp
        return layer
    value = layer.params.get(symbol, block.parameters[symbol].initial)
    points: list[Breakpoint] = []
    if protocol.ramp_in_s and not stays:
        points.append(Breakpoint(at_s=0, value=0, curve="smooth"))
        points.append(Breakpoint(at_s=protocol.ramp_in_s, value=value))
    end = None if protocol.loop else end_s(protocol)
    if protocol.ramp_out_s and end is not None:
        begin_s = end - protocol.ramp_out_s
        if points and begin_s <= points[-1].at_s:  # one ramp leads straight into the other
            begin_s = points.pop().at_s
        points.append(Breakpoint(at_s=begin_s, value=value, curve="smooth"))
        points.append(Breakpoint(at_s=end, value=0))
    if not points:
        return layer
    automation = {**layer.automation, symbol: Automation(points=tuple(points))}
    return layer.model_copy(update={"automation": automation})
