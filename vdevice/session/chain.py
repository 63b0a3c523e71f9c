"""Runs a protocol in the engine, and maps the names of layers to the engine's numbers."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress

from entrain.engine import OWN_LAYERS, Engine, Way, blocks
from entrain.errors import EngineError
from entrain.vdevice.protocol.address import parse_address
from entrain.vdevice.protocol.check import block_of, check, is_own, values_of
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.parts.automation import Breakpoint
from entrain.vdevice.protocol.timeline import compiled


class Ways:
    """The automation of a protocol in the engine's form; making it may take long.

    Immutable; it may be made on any thread.
    """

    def __init__(self, protocol: Protocol) -> None:
        layers = (*protocol.all_layers, *(protocol.without_headphones or ()))
        # Keys are id()s, since comparing thousands of points is slow.  The values keep the points
        # alive, so that no other object gets their ids.
        self._made = {
            id(automation.points): (automation.points, _way(automation.points))
            for layer in layers
            for automation in layer.automation.values()
        }

    def of(self, points: tuple[Breakpoint, ...]) -> Way:
        """Return the prepared form of these points; convert points that a ramp has changed."""
        made = self._made.get(id(points))
        return made[1] if made else _way(points)


def _way(points: tuple[Breakpoint, ...]) -> Way:
    return Way([(each.at_s, each.value, each.curve) for each in points])


def prepare(protocol: Protocol) -> Ways:
    """Check a protocol against the blocks and make its automation; on any thread.

    This is the slow part of `Player.use` and `Player.refresh`.

    Raises
    ------
    ProtocolError
        The protocol does not fit the blocks.

    """
    check(protocol, blocks)
    return Ways(protocol)


class Chain:
    """Runs one protocol at a time.  Called on the main thread only.

    Parameters
    ----------
    engine : Engine
        No other object may route layers in this engine.

    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._layers: dict[str, tuple[Layer, int]] = {}  # by id: the running layer, its number

    def use(
        self,
        protocol: Protocol,
        ways: Ways | None = None,
        *,
        restart: bool = True,
        space: Layer | None = None,
    ) -> None:
        """Cross-fade to a protocol that was checked against the blocks.

        A layer with the id and kind of a running layer continues and glides to its new values,
        unless it changes places with another processor.  New layers fade in with the protocol's
        ramp.

        Parameters
        ----------
        protocol : Protocol
            Its ramps and its loop become automation; its space acts after its layers.
        ways : Ways, optional
            Prepared for this protocol, or for an earlier state of it.
        restart : bool
            Start the session again; otherwise the running session continues.
        space : Layer, optional
            A space that does not belong to the protocol, and therefore has none of its ramps.

        Raises
        ------
        EngineError
            The engine refuses the protocol; then the former one continues.

        """
        ways = ways or Ways(protocol)
        more = (space,) if space else ()
        stays = self._staying((*protocol.all_layers, *more))
        leaving = [each for layer_id, each in self._layers.items() if layer_id not in stays]
        layers = {}
        try:
            self._place(leaving, False)  # makes room for the others
            for layer in (*compiled(protocol, blocks, stays), *more):
                if layer.id in stays:
                    before, number = self._layers[layer.id]
                    self._glide(layer, number)
                    self._automate(before, layer, number, ways)
                    if before.place and not layer.place:
                        self._engine.place(number, False)
                else:
                    number = self._engine.add_layer(layer.kind, values_of(layer))
                    self._automate(None, layer, number, ways)
                layers[layer.id] = (layer, number)
            self._place(layers.values(), True)
            self._engine.route([number for _, number in layers.values()], restart=restart)
        except EngineError:
            # Any route frees the layers that were added but are not in it.
            with suppress(EngineError):
                self._place(layers.values(), False)
                self._place(self._layers.values(), True)
                self._engine.route([number for _, number in self._layers.values()])
            raise
        self._engine.set_standalone(protocol.standalone)
        self._layers = layers

    def fade(self, over_s: float, but: Collection[str] = ()) -> None:
        """Fade out the effect of all layers, each through its strength parameter.

        Parameters
        ----------
        over_s : float
            Time until silence.
        but : collection of str
            Ids of layers that do not fade.

        """
        for layer_id, (layer, number) in self._layers.items():
            if layer_id not in but:
                strength = blocks()[layer.kind].strength
                self._engine.set_parameter(number, strength, 0.0, over_s)

    def fades_by(self, address: str) -> bool:
        """Return whether `fade` moves this parameter."""
        layer_id, symbol = parse_address(address)
        running = self._layers.get(layer_id)
        return running is not None and blocks()[running[0].kind].strength == symbol

    def can_set(self, address: str) -> bool:
        """Return whether this is a parameter of a running layer."""
        layer_id, symbol = parse_address(address)
        running = self._layers.get(layer_id)
        return running is not None and symbol in block_of(running[0], blocks()).parameters

    def layers(self) -> Collection[tuple[Layer, int]]:
        """Return the running layers with the engine's numbers."""
        return self._layers.values()

    def set(self, address: str, value: float, over_s: float) -> None:
        """Move one parameter of the running protocol or of the engine's own layers.

        The caller has checked the value.

        Raises
        ------
        EngineError
            The engine refuses the value.

        """
        layer_id, symbol = parse_address(address)
        if is_own(layer_id, blocks()):
            number = OWN_LAYERS[blocks()[layer_id].group]
        else:
            number = self._layers[layer_id][1]
        self._engine.set_parameter(number, symbol, value, over_s)

    def _place(self, layers: Iterable[tuple[Layer, int]], placed: bool) -> None:
        """Let the space hear the layers that have a place, or stop this."""
        for layer, number in layers:
            if layer.place:
                self._engine.place(number, placed)

    def _staying(self, layers: Iterable[Layer]) -> Collection[str]:
        """Return the ids of layers that continue; processors in a new order would click."""
        places = {layer_id: place for place, layer_id in enumerate(self._layers)}
        stays, last = set[str](), -1
        for layer in layers:
            if layer.id not in places or self._layers[layer.id][0].kind != layer.kind:
                continue
            if blocks()[layer.kind].group == "processor":
                if places[layer.id] < last:
                    continue
                last = places[layer.id]
            stays.add(layer.id)
        return stays

    def _glide(self, layer: Layer, number: int) -> None:
        values = values_of(layer)
        for symbol, parameter in block_of(layer, blocks()).parameters.items():
            if symbol in layer.automation:
                continue  # a glide would be heard if the callback came before the route
            value = values.get(symbol, parameter.initial)
            if self._engine.parameter(number, symbol) != value:
                self._engine.set_parameter(number, symbol, value)

    def _automate(self, before: Layer | None, layer: Layer, number: int, ways: Ways) -> None:
        former: Mapping[str, object] = before.automation if before else {}
        for symbol in former:
            if symbol not in layer.automation:
                self._engine.automate(number, symbol, ())
        for symbol, automation in layer.automation.items():
            self._engine.automate(number, symbol, ways.of(automation.points), automation.loop_s)
