"""Parameters of layers, with their names, units and present values.  Pure functions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from entrain.tray.text.text_layout import clean
from entrain.vdevice.protocol.values import rounded

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import Block, Layer, Parameter, Status


def parameters(block: "Block") -> dict[str, "Parameter"]:
    """Return the parameters of a block by symbol."""
    return {each["symbol"]: each for each in block["parameters"]}


def amount(layer: "Layer") -> float:
    """Return how much of a layer is heard, 0 … 1."""
    return layer["params"].get("amount", 1.0)


def present(status: "Status", layer: "Layer", parameter: "Parameter") -> float:
    """Return a parameter's value: the value that was set last, or where it is on its way."""
    symbol = parameter["symbol"]
    set_last = layer["params"].get(symbol, parameter["initial"])
    return status["moving"].get(f"{layer['id']}.{symbol}", set_last)


def named(parameter: "Parameter", value: float) -> str:
    """Return for example ``Beat 10 Hz``."""
    name = clean(parameter["name"])
    for choice in parameter["choices"]:
        if choice["value"] == value:
            return f"{name} {clean(choice['name'])}"
    unit = "" if parameter["unit"] == "1" else f" {clean(parameter['unit'])}"
    return f"{name} {rounded(value, parameter['unit'])}{unit}"


def level(status: "Status", blocks: "Mapping[str, Block]") -> str:
    """Return the value that the levels' keys move in the first layer that has one, or nothing."""
    protocol = status["protocol"]
    for layer in protocol["layers"] if protocol else ():
        block = blocks.get(layer["kind"])
        parameter = parameters(block).get(block["level"]) if block else None
        if parameter is not None:
            value = layer["params"].get(parameter["symbol"], parameter["initial"])
            return f"{named(parameter, value)} of {clean(layer['id'])}"
    return ""
