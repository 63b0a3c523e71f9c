"""A protocol in the engine: keeps the names of layers beside the engine's numbers."""

from entrain.engine import Engine, blocks
from entrain.vdevice.model import Layer, Protocol, parse_address


class Chain:
    """Runs one protocol at a time.  Called on the main thread only.

    Parameters
    ----------
    engine : Engine
        Nobody else routes layers in it.

    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._layers: dict[str, tuple[str, int]] = {}  # id -> kind, number

    def use(self, protocol: Protocol) -> None:
        """Cross-fade to a protocol that has been checked against the blocks.

        A layer of the same id and kind goes on where it is, and glides to its new values.

        Raises
        ------
        EngineError
            The engine refuses it; then what was heard goes on.

        """
        layers = {}
        for layer in protocol.layers:
            kind, number = self._layers.get(layer.id, ("", 0))
            if kind != layer.kind:
                number = self._engine.add_layer(layer.kind, layer.params)
            layers[layer.id] = (layer.kind, number)
        for layer in protocol.layers:
            self._glide(layer, layers[layer.id][1])
        self._engine.route([number for _, number in layers.values()])
        self._layers = layers

    def set(self, address: str, value: float, over_s: float) -> None:
        """Move one parameter of the running protocol; the value has been checked.

        Raises
        ------
        EngineError
            The engine refuses it.

        """
        layer_id, symbol = parse_address(address)
        self._engine.set_parameter(self._layers[layer_id][1], symbol, value, over_s)

    def _glide(self, layer: Layer, number: int) -> None:
        for symbol, parameter in blocks()[layer.kind].parameters.items():
            value = layer.params.get(symbol, parameter.initial)
            if self._engine.parameter(number, symbol) != value:
                self._engine.set_parameter(number, symbol, value)
