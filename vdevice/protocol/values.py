"""Checks the values of parameters."""

import math
from collections.abc import Callable, Mapping

from entrain.block import Block
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.wording import choices, plain

BlockSource = Callable[[], Mapping[str, Block]]
"""Returns the blocks by kind; the engine's library is loaded only when it is called."""


def value_problem(block: Block, symbol: str, value: float) -> str:
    """Return why a parameter cannot have this value.

    Parameters
    ----------
    block : Block
        The layer's block.
    symbol : str
        The parameter's permanent name.
    value : float
        In the parameter's own unit.

    Returns
    -------
    str
        One line that begins with the symbol; empty if the value is valid.

    """
    parameter = block.parameters.get(symbol)
    if parameter is None:
        return f"{plain(symbol)} is not a parameter; {choices(block.parameters)}"
    if not math.isfinite(value):
        return not_finite(block, symbol, value)
    if not parameter.minimum <= value <= parameter.maximum:
        return f"{symbol} = {value:.10g} is outside {_range(block, symbol)}"
    return ""


def rounded(value: float, unit: str) -> str:
    """Write a value for people: shares with two decimals, levels with one, others with four digits.

    Parameters
    ----------
    value : float
        In the parameter's own unit.
    unit : str
        The unit, which the text does not name; "1" for a share.

    """
    decimals = {"": 2, "1": 2, "dB": 1}.get(unit)
    if decimals is None:
        text = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    else:
        text = f"{round(value, decimals) + 0.0:g}"
    return f"{value:.1g}" if value and float(text) == 0 else text


def check_value(block: Block, symbol: str, value: float, layer_id: str = "") -> None:
    """Raise `ProtocolError` with the `value_problem`, if there is one.

    Its line begins with the layer's id, or the block's kind if the id is empty.
    """
    if problem := value_problem(block, symbol, value):
        raise ProtocolError(f"{layer_id or block.kind}: {problem}")


def not_finite(block: Block | None, symbol: str, value: float) -> str:
    """Return that NaN and infinity are not allowed, with the range if the block is known."""
    line = f"{plain(symbol)} = {value} is not a finite number"
    allowed = _range(block, symbol)
    return f"{line}; allowed is {allowed}" if allowed else line


def _range(block: Block | None, symbol: str) -> str:
    parameter = block.parameters.get(symbol) if block else None
    if parameter is None:
        return ""
    unit = "" if parameter.unit in ("", "1") else f" {parameter.unit}"
    return f"{parameter.minimum:.10g} … {parameter.maximum:.10g}{unit}"
