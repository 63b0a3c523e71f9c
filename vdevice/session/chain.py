"""A protocol in the engine: keeps the names of layers beside the engine's numbers."""

from collections.abc import Collection, Mapping
from contextlib import suppress

from entrain.engine import OWN_LAYERS, Engine, Way, blocks
from entrain.errors import EngineError
from entrain.vdevice.protocol.address import parse_address
from entrain.vdevice.protocol.check import is_own
from entrain.vdevice.protocol.model import Breakpoint, Layer, Protocol
from entrain.vdevice.protocol.timeline import compiled


class Ways:
    """The automation of a protocol as the engine reads it; to make it may take long.

    Made on any thread, and never changed.
    """

    def __init__(self, protocol: Protocol) -> None:
        layers = (*protocol.layers, *(protocol.without_headphones or ()))
        # By id(): to compare thousands of points takes long.  They are kept, so that it is theirs.
        self._made = {
            id(automation.points): (automation.points, _way(automation.points))
            for layer in layers
            for automation in layer.automation.values()
        }

    def of(self, points: tuple[Breakpoint, ...]) -> Way:
        """Return what was made of these points, or make it now: ramps change some of them."""
        made = self._made.get(id(points))
        return made[1] if made else _way(points)


def _way(points: tuple[Breakpoint, ...]) -> Way:
    return Way([(each.at_s, each.value, each.curve) for each in points])


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

    def use(self, protocol: Protocol, ways: Ways | None = None, *, restart: bool = True) -> None:
        """Cross-fade to a protocol that has been checked against the blocks.

        A layer of the same id and kind goes on where it is, and glides to its new values, unless it
        changes places with another processor; the others come up in the protocol's ramp.

        Parameters
        ----------
        protocol : Protocol
            Its ramps and its loop become automation.
        ways : Ways, optional
            Made beforehand, of this protocol or of one of which it was made.
        restart : bool
            Its session begins; else the session that runs goes on.

        Raises
        ------
        EngineError
            The engine refuses it; then what was heard goes on.

        """
        ways = ways or Ways(protocol)
        stays = self._staying(protocol)
        layers = {}
        try:
            for layer in compiled(protocol, blocks, stays):
                if layer.id in stays:
                    before, number = self._layers[layer.id]
                    self._glide(layer, number)
                    self._automate(before, layer, number, ways)
                else:
                    number = self._engine.add_layer(layer.kind, layer.params)
                    self._automate(None, layer, number, ways)
                layers[layer.id] = (layer, number)
            self._engine.route([number for _, number in layers.values()], restart=restart)
        except EngineError:
            # Layers that were added and are not heard are freed by any route.
            with suppress(EngineError):
                self._engine.route([number for _, number in self._layers.values()])
            raise
        self._engine.set_standalone(protocol.standalone)
        self._layers = layers

    def clear(self) -> None:
        """Fade all layers out; the session's clock goes on."""
        self._engine.route([])
        self._engine.set_standalone(False)
        self._layers = {}

    def fade(self, over_s: float) -> None:
        """Let all layers go down to nothing, each in the way that suits it."""
        for layer, number in self._layers.values():
            self._engine.set_parameter(number, blocks()[layer.kind].strength, 0.0, over_s)

    def fades_by(self, address: str) -> bool:
        """Tell whether `fade` moves this parameter."""
        layer_id, symbol = parse_address(address)
        running = self._layers.get(layer_id)
        return running is not None and blocks()[running[0].kind].strength == symbol

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
        if is_own(layer_id, blocks()):
            number = OWN_LAYERS[blocks()[layer_id].group]
        else:
            number = self._layers[layer_id][1]
        self._engine.set_parameter(number, symbol, value, over_s)

    def _staying(self, protocol: Protocol) -> Collection[str]:
        """Return the ids of the layers that go on; processors in another order would click."""
        places = {layer_id: place for place, layer_id in enumerate(self._layers)}
        stays, last = set[str](), -1
        for layer in protocol.layers:
            if layer.id not in places or self._layers[layer.id][0].kind != layer.kind:
                continue
            if blocks()[layer.kind].group == "processor":
                if places[layer.id] < last:
                    continue
                last = places[layer.id]
            stays.add(layer.id)
        return stays

    def _glide(self, layer: Layer, number: int) -> None:
        for symbol, parameter in blocks()[layer.kind].parameters.items():
            value = layer.params.get(symbol, parameter.initial)
            if self._engine.parameter(number, symbol) != value:
                self._engine.set_parameter(number, symbol, value)

    def _automate(self, before: Layer | None, layer: Layer, number: int, ways: Ways) -> None:
        former: Mapping[str, object] = before.automation if before else {}
        for symbol in former:
            if symbol not in layer.automation:
                self._engine.automate(number, symbol, ())
        for symbol, automation in layer.automation.items():
            self._engine.automate(number, symbol, ways.of(automation.points), automation.loop_s)
