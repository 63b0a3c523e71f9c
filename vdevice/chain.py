"""A protocol in the engine: keeps the names of layers beside the engine's numbers."""

from collections.abc import Collection, Mapping

from entrain.engine import INPUT_LAYER, OUTPUT_LAYER, Engine, Point, blocks
from entrain.vdevice.protocol.address import parse_address
from entrain.vdevice.protocol.check import OWN_LAYERS
from entrain.vdevice.protocol.model import Layer, Protocol

_OWN = dict(zip(OWN_LAYERS, (INPUT_LAYER, OUTPUT_LAYER), strict=True))


class Chain:
    """Runs one protocol at a time.  Called on the main thread only.

    Parameters
    ----------
    engine : Engine
        Nobody else routes layers in it.

    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._layers: dict[str, tuple[Layer, int]] = {}  # id -> as it runs, number

    def use(self, protocol: Protocol) -> None:
        """Cross-fade to a protocol that has been checked against the blocks; its session begins.

        A layer of the same id and kind goes on where it is, and glides to its new values.

        Raises
        ------
        EngineError
            The engine refuses it; then what was heard goes on.

        """
        layers = {}
        for layer in protocol.layers:
            before, number = self._layers.get(layer.id, (None, 0))
            if before is None or before.kind != layer.kind:
                before, number = None, self._engine.add_layer(layer.kind, layer.params)
            else:
                self._glide(layer, number)
            self._automate(before, layer, number)
            layers[layer.id] = (layer, number)
        self._engine.route([number for _, number in layers.values()], restart=True)
        self._engine.set_standalone(protocol.standalone)
        self._layers = layers

    def layers(self) -> Collection[tuple[Layer, int]]:
        """What runs, with the engine's numbers."""
        return self._layers.values()

    def set(self, address: str, value: float, over_s: float) -> None:
        """Move one parameter of the running protocol or of the engine; the value was checked.

        Raises
        ------
        EngineError
            The engine refuses it.

        """
        layer_id, symbol = parse_address(address)
        number = _OWN.get(layer_id) or self._layers[layer_id][1]
        self._engine.set_parameter(number, symbol, value, over_s)

    def _glide(self, layer: Layer, number: int) -> None:
        for symbol, parameter in blocks()[layer.kind].parameters.items():
            value = layer.params.get(symbol, parameter.initial)
            if self._engine.parameter(number, symbol) != value:
                self._engine.set_parameter(number, symbol, value)

    def _automate(self, before: Layer | None, layer: Layer, number: int) -> None:
        former: Mapping[str, object] = before.automation if before else {}
        for symbol in former:
            if symbol not in layer.automation:
                self._engine.automate(number, symbol, ())
        for symbol, automation in layer.automation.items():
            points = [Point(p.at_s, p.value, p.curve) for p in automation.points]
            self._engine.automate(number, symbol, points, automation.loop_s)
