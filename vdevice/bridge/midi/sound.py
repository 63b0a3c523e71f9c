"""The sound as MIDI controls need it: values and parameters by address.  Pure."""

from collections.abc import Mapping
from typing import Any, Protocol

from entrain.vdevice.bridge.app_mirror import Layers, Parameter

FRESH_S = 0.3
"""Age up to which the value of a parameter that moves by itself counts as its present value."""
_USE = "use:"


class Mirror(Protocol):
    """Knows what Entrain does; see `AppMirror`."""

    @property
    def status(self) -> Mapping[str, Any]: ...

    @property
    def layers(self) -> Layers: ...

    def present(self, layer: str, symbol: str) -> float: ...


class Sound:
    """The values of the running layers, of the space and of the engine's own layers.

    Parameters
    ----------
    mirror : Mirror
        Has the values.

    """

    def __init__(self, mirror: Mirror) -> None:
        self.moved_at_s = -1e9
        """Time at which news of moving values came last."""
        self._mirror = mirror
        self._layers: Layers = {}
        self._controllers: dict[int, str] = {}

    def value(self, address: str) -> float | None:
        """Return a parameter's present value; None: the sound has no such parameter."""
        if self.parameter(address) is None:
            return None
        layer, _, symbol = address.partition(".")
        return self._mirror.present(layer, symbol)

    def parameter(self, address: str) -> Parameter | None:
        """Return the description of a parameter."""
        layer, _, symbol = address.partition(".")
        return self._mirror.layers.get(layer, {}).get(symbol)

    def is_uncertain(self, address: str, now_s: float) -> bool:
        """Tell whether a parameter moves by itself and its last value is old."""
        moving = self._mirror.status.get("moving", {})
        return address in moving and now_s - self.moved_at_s > FRESH_S

    @property
    def controllers(self) -> Mapping[int, str]:
        """Addresses by the MIDI controllers that move them by default, in the first such layer."""
        layers = self._mirror.layers
        if layers is not self._layers:
            self._layers, self._controllers = layers, {}
            for name, parameters in layers.items():
                for each in parameters.values():
                    if each.controller is not None:
                        self._controllers.setdefault(each.controller, f"{name}.{each.symbol}")
        return self._controllers

    def is_lit(self, target: str) -> bool | None:
        """Tell whether the lamp of an action is lit; None: the action has no state."""
        status = self._mirror.status
        if target in ("bypass", "on"):
            return bool(status.get(target))
        if target == "off":
            return not status.get("on")
        if target.startswith(_USE):
            protocol = status.get("protocol") or {"id": None}
            return bool(protocol["id"] == target.removeprefix(_USE))
        return None
