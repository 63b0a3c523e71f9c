"""Values that a user sets, written into the protocol.  Pure functions."""

from collections.abc import Iterable, Mapping
from contextlib import suppress

from entrain.vdevice.protocol.address import parse_address
from entrain.vdevice.protocol.check import find_layer, with_value
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.parts.movement import PATH_SYMBOLS
from entrain.vdevice.protocol.parts.places import SPACE_ID
from entrain.vdevice.protocol.speakers import same_value
from entrain.vdevice.protocol.values import BlockSource


def with_heard_value(
    protocol: Protocol, address: str, value: float, is_replaced: bool, blocks: BlockSource
) -> Protocol:
    """Change a value of the audible layers, and its twin for the other kind of output.

    Parameters
    ----------
    protocol : Protocol
        The running protocol.
    address : str
        A parameter of an audible layer, or of the protocol's space.
    value : float
        Its new value.
    is_replaced : bool
        Whether the layers for loudspeakers are the audible ones.
    blocks : callable
        Returns the blocks.

    Raises
    ------
    ProtocolError
        There is no such parameter, or the value is out of its range.

    """
    layer_id, symbol = parse_address(address)
    if layer_id == SPACE_ID:
        return with_value(protocol, address, value, blocks)
    field, other = "layers", "without_headphones"
    if is_replaced:
        field, other = other, field
    heard = protocol.model_copy(update={"layers": getattr(protocol, field) or ()})
    changed = {field: with_value(heard, address, value, blocks).layers}
    layer = find_layer(heard.layers, layer_id)
    twins = protocol.model_copy(update={"layers": getattr(protocol, other) or ()})
    for twin in twins.layers:
        if twin.id == layer_id and (same := same_value(layer, twin, symbol, value, blocks())):
            with suppress(ProtocolError):  # the twin may have narrower ranges
                its = f"{layer_id}.{same[0]}"
                changed[other] = with_value(twins, its, same[1], blocks).layers
    return protocol.model_copy(update=changed)


def concerns_movement(addresses: Iterable[str]) -> bool:
    """Return whether one of these parameters decides how fast a source moves."""
    return any(parse_address(address).symbol in PATH_SYMBOLS for address in addresses)


def check_movement(protocol: Protocol, values: Mapping[str, float], blocks: BlockSource) -> None:
    """Refuse values with which a source would move too fast; raises `ProtocolError`."""
    for address, value in values.items():
        protocol = with_heard_value(protocol, address, value, False, blocks)
    if problem := next(protocol.movement_problems(), ""):
        raise ProtocolError(problem)
