"""Layers as they are typed on a command line."""

import math

from entrain.vdevice.names import SPEC, is_id
from entrain.vdevice.protocol.check import kind_problem
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Layer
from entrain.vdevice.protocol.values import BlockSource, check_value, not_finite
from entrain.vdevice.protocol.wording import quote


def parse_spec(text: str, blocks: BlockSource | None = None) -> Layer:
    """Read one layer.

    Parameters
    ----------
    text : str
        ``kind``, ``kind:key=value,...`` or ``id=kind:key=value,...``
    blocks : callable, optional
        Gives the blocks to check against.

    Raises
    ------
    ProtocolError
        Not a SPEC, or not possible with these blocks.

    """
    match = SPEC.fullmatch(text)
    if match is None:
        raise ProtocolError(f"{quote(text)} is not kind:key=value,... (binaural:beat_hz=10)")
    name, kind, values = match[1] or match[2], match[2], match[3]
    block = blocks().get(kind) if blocks else None
    params: dict[str, float] = {}
    for item in values.split(",") if values else ():
        symbol, equals, number = (part.strip() for part in item.partition("="))
        if not equals or not is_id(symbol):
            raise ProtocolError(f"{name}: {quote(item)} is not key=value")
        if symbol in params:
            raise ProtocolError(f"{name}: {symbol} is given twice")
        params[symbol] = parse_number(number, f"{name}: {symbol}")
        if not math.isfinite(params[symbol]):
            raise ProtocolError(f"{name}: {not_finite(block, symbol, params[symbol])}")
    layer = Layer(kind=kind, id=name, params=params)
    if blocks:
        if problem := kind_problem(layer, blocks()):
            raise ProtocolError(f"{name}: {problem}")
        for symbol, value in params.items():
            check_value(blocks()[kind], symbol, value, name)
    return layer


def parse_number(text: str, what: str) -> float:
    """Read a number, NaN and infinity too: only `check_value` knows the range to name."""
    try:
        return float(text)
    except ValueError:
        raise ProtocolError(f"{what} = {quote(text)} is not a number") from None
