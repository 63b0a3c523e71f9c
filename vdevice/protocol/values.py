"""What value a parameter of a block can have."""

import math
from collections.abc import Callable, Mapping

from entrain.block import Block
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.wording import plain

BlockSource = Callable[[], Mapping[str, Block]]
"""Gives the blocks by kind; the engine's library is loaded only when somebody calls it."""


def value_problem(block: Block, symbol: str, value: float) -> str:
    """Say why a parameter cannot have this value.

    Parameters
    ----------
    block : Block
        What the layer is made of.
    symbol : str
        The parameter's permanent name.
    value : float
        In the parameter's own unit.

    Returns
    -------
    str
        One line that begins with the symbol; empty if it can.

    """
    parameter = block.parameters.get(symbol)
    if parameter is None:
        known = ", ".join(block.parameters) or "none"
        return f"{plain(symbol)} is no parameter; there is {known}"
    if not math.isfinite(value):
        return not_finite(block, symbol, value)
    if not parameter.minimum <= value <= parameter.maximum:
        return f"{symbol} = {value:.10g} is outside {_range(block, symbol)}"
    return ""


def check_value(block: Block, symbol: str, value: float, layer_id: str = "") -> None:
    """Raise `ProtocolError` with the `value_problem`, if there is one.

    Its line begins with the layer's id; the block's kind if that is empty.
    """
    if problem := value_problem(block, symbol, value):
        raise ProtocolError(f"{layer_id or block.kind}: {problem}")


def not_finite(block: Block | None, symbol: str, value: float) -> str:
    """Say that NaN and infinity are no values, with the range where the block is known."""
    line = f"{plain(symbol)} = {value} is not a finite number"
    allowed = _range(block, symbol)
    return f"{line}; allowed is {allowed}" if allowed else line


def _range(block: Block | None, symbol: str) -> str:
    parameter = block.parameters.get(symbol) if block else None
    if parameter is None:
        return ""
    unit = "" if parameter.unit in ("", "1") else f" {parameter.unit}"
    return f"{parameter.minimum:.10g} … {parameter.maximum:.10g}{unit}"
