"""The sound as MIDI controls need it: values and parameters by address.  Pure."""

from collections.abc import Mapping
from typing import Any

PARTS = ("protocol", "space", "settings", "moving", "bypass", "on")
"""Fields of the status from which `Sound` reads."""

Parameter = Mapping[str, Any]


class Sound:
    """The values of the running layers, and of the engine's own.

    Parameters
    ----------
    blocks : mapping
        The answer to the command ``blocks``.

    """

    def __init__(self, blocks: Mapping[str, Any]) -> None:
        place = {each["symbol"]: each for each in blocks["place"]}
        self._kinds = {
            each["kind"]: {parameter["symbol"]: parameter for parameter in each["parameters"]}
            | (place if each["group"] == "generator" else {})
            for each in blocks["blocks"]
        }
        self._own = [
            each["kind"] for each in blocks["blocks"] if each["group"] in ("input", "output")
        ]
        self._told: dict[str, Any] = {}
        self._values: dict[str, float] = {}
        self._parameters: dict[str, Parameter] = {}
        self._controllers: dict[int, str] = {}

    def take(self, news: Mapping[str, Any]) -> None:
        """Take the fields of the status that have changed."""
        self._told |= {name: news[name] for name in PARTS if name in news}
        self._values, self._parameters, self._controllers = {}, {}, {}
        protocol, space = self._told.get("protocol"), self._told.get("space")
        for layer in protocol["layers"] if protocol else ():
            self._add(layer["id"], layer["kind"], layer["params"] | (layer.get("place") or {}))
        if space and space["mode"] != "off":
            self._add("space", space["mode"], space["params"])
        settings = self._told.get("settings", {})
        for kind in self._own:
            own = {
                address.partition(".")[2]: value
                for address, value in settings.items()
                if address.startswith(f"{kind}.")
            }
            self._add(kind, kind, own)
        moving = self._told.get("moving", {})
        self._values |= {each: value for each, value in moving.items() if each in self._values}

    def _add(self, layer: str, kind: str, values: Mapping[str, Any]) -> None:
        for symbol, parameter in self._kinds.get(kind, {}).items():
            address, value = f"{layer}.{symbol}", values.get(symbol, parameter["initial"])
            if not isinstance(value, int | float):  # the name of a path
                value = _value_of(parameter, value)
            self._values[address], self._parameters[address] = value, parameter
            if parameter["controller"] is not None:
                self._controllers.setdefault(parameter["controller"], address)

    def value(self, address: str) -> float | None:
        """Return a parameter's present value; None: the sound has no such parameter."""
        return self._values.get(address)

    def parameter(self, address: str) -> Parameter | None:
        """Return the description of a parameter, as the command ``blocks`` has it."""
        return self._parameters.get(address)

    def of_controller(self, number: int) -> str | None:
        """Return the address that a MIDI controller moves by default, in the first such layer."""
        return self._controllers.get(number)

    @property
    def controllers(self) -> Mapping[int, str]:
        """Addresses by their default MIDI controllers."""
        return self._controllers

    def is_lit(self, target: str) -> bool | None:
        """Tell whether the lamp of an action is lit; None: the action has no state."""
        if target in ("bypass", "on"):
            return bool(self._told.get(target))
        if target == "off":
            return not self._told.get("on")
        protocol = self._told.get("protocol")
        if target.startswith("use:"):
            return bool(protocol) and protocol["id"] == target.removeprefix("use:")
        return None


def _value_of(parameter: Parameter, name: str) -> float:
    found = {each["name"]: each["value"] for each in parameter["choices"]}
    return float(found.get(name, parameter["initial"]))
