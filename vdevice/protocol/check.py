"""Checks protocols and values against the blocks of the engine."""

import logging
from collections.abc import Iterable, Iterator, Mapping

from entrain.block import LAYER_GROUPS, OWN_GROUPS, Block, Parameter
from entrain.vdevice.protocol.address import parse_address
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.names import OSC_WORDS
from entrain.vdevice.protocol.parts.places import HEAD_SIZE, SPACE_ID, Spatial
from entrain.vdevice.protocol.values import BlockSource, check_value, value_problem
from entrain.vdevice.protocol.wording import choices

_log = logging.getLogger(__name__)


def check(protocol: Protocol, blocks: BlockSource) -> None:
    """Raise `ProtocolError` with all `problems`, if there are any."""
    if found := list(problems(protocol, blocks)):
        raise ProtocolError("\n".join(found))


def problems(protocol: Protocol, blocks: BlockSource) -> Iterator[str]:
    """Yield everything that these blocks cannot do, one line each, with its place."""
    for field in ("layers", "without_headphones"):
        for number, layer in enumerate(getattr(protocol, field) or ()):
            yield from layer_problems(layer, blocks(), f"{field}[{number}]")
    if space := protocol.space:
        yield from space_problems(space, blocks(), "spatial")
    known = {
        (layer.id, symbol) for layer in protocol.all_layers for symbol in _symbols(layer, blocks)
    }
    for number, text in enumerate(protocol.evidence.our_choices if protocol.evidence else ()):
        if parse_address(text) not in known:
            yield f"evidence.our_choices[{number}] = '{text}' is not a parameter of this protocol"


def layer_problems(layer: Layer, blocks: Mapping[str, Block], where: str) -> Iterator[str]:
    """Yield everything that these blocks cannot do for one layer, one line each.

    Parameters
    ----------
    layer : Layer
        A layer of any kind.
    blocks : mapping
        The engine's blocks, by kind.
    where : str
        The layer's place in a document; each line begins with it.


    """
    if problem := kind_problem(layer, blocks):
        yield f"{where}: {problem}"
        return
    if problem := place_problem(layer, blocks):
        yield f"{where}.place: {problem}"
        return
    yield from _value_problems(layer, block_of(layer, blocks), where)


def space_problems(space: Layer, blocks: Mapping[str, Block], where: str) -> Iterator[str]:
    """Yield everything that these blocks cannot do for the layer of the space, one line each."""
    block = blocks.get(space.kind)
    if block is None or block.group != "space":
        kinds = sorted(each.kind for each in blocks.values() if each.group == "space")
        yield f"{where}: there is no space {space.kind!r}; {choices(kinds)}"
        return
    yield from _value_problems(space, block, where)
    if HEAD_SIZE in space.params or HEAD_SIZE in space.automation:
        yield f"{where}: {HEAD_SIZE} belongs to the listener, not to a protocol"


def _value_problems(layer: Layer, block: Block, where: str) -> Iterator[str]:
    for symbol, value in layer.params.items():
        if problem := value_problem(block, symbol, value):
            yield f"{where}.params.{problem}"
    for symbol, automation in layer.automation.items():
        for number, point in enumerate(automation.points):
            if problem := value_problem(block, symbol, point.value):
                yield f"{where}.automation.{symbol}.points[{number}]: {problem}"


def place_problem(layer: Layer, blocks: Mapping[str, Block]) -> str:
    """Return why a layer of a known kind cannot have its place, or ``""``."""
    block = blocks[layer.kind]
    if layer.place is None:
        return ""
    if block.group != "generator":
        return f"{layer.kind} processes your music; only generators have a place"
    if block.dichotic:
        return f"{layer.kind} needs both ears, so it has no place"
    return ""


def block_of(layer: Layer, blocks: Mapping[str, Block]) -> Block:
    """Return a layer's block, with the parameters of its place if it is placed."""
    block = blocks[layer.kind]
    return block.placed() if layer.place else block


def values_of(layer: Layer) -> dict[str, float]:
    """Return the values that a layer sets, including its place."""
    return {**layer.params, **layer.place.values} if layer.place else layer.params


def kind_problem(layer: Layer, blocks: Mapping[str, Block]) -> str:
    """Return why no layer can have this kind or id, or ``""``."""
    block = blocks.get(layer.kind)
    if block is None or block.group not in LAYER_GROUPS:
        kinds = sorted(b.kind for b in blocks.values() if b.group in LAYER_GROUPS)
        return f"there is no layer kind {layer.kind!r}; {choices(kinds)}"
    if is_own(layer.id, blocks):
        return f"{layer.id} is a layer of the engine; give this layer another id"
    if layer.id == SPACE_ID:
        return f"{SPACE_ID} is the layer of the space; give this layer another id"
    if layer.id in OSC_WORDS:
        return (
            f"{layer.id} has another meaning in OSC; give this layer another id, such as "
            f"my-{layer.id}, here and in the automation"
        )
    return ""


def is_own(layer_id: str, blocks: Mapping[str, Block]) -> bool:
    """Whether this id names one of the engine's own layers instead of a protocol's."""
    return layer_id in blocks and blocks[layer_id].group in OWN_GROUPS


def find_layer(layers: Iterable[Layer], layer_id: str) -> Layer:
    """Return the layer with this id; raises `ProtocolError` with the possible ids."""
    layers = tuple(layers)
    for layer in layers:
        if layer.id == layer_id:
            return layer
    raise ProtocolError(f"there is no layer {layer_id!r}; {choices([each.id for each in layers])}")


def check_own(address: str, value: float, blocks: BlockSource) -> bool:
    """Whether an address names a parameter of the engine's own layers.

    Raises
    ------
    ProtocolError
        It names such a layer, but the layer has no such parameter or refuses the value.

    """
    layer_id, symbol = parse_address(address)
    if not is_own(layer_id, blocks()):
        return False
    check_value(blocks()[layer_id], symbol, value)
    return True


def usable(settings: Mapping[str, float], blocks: BlockSource) -> dict[str, float]:
    """Return the settings of the engine's own layers that this version supports."""
    found = {}
    for address, value in settings.items():
        try:
            if check_own(address, value, blocks):
                found[address] = value
        except ProtocolError as error:
            _log.warning("%s; left as it is", error)
    return found


def check_address(
    layers: Iterable[Layer], address: str, value: float, blocks: BlockSource
) -> tuple[Layer, str]:
    """Return layer and parameter of an address; raises `ProtocolError` if it cannot be set."""
    layer_id, symbol = parse_address(address)
    layer = find_layer(layers, layer_id)
    if layer_id != SPACE_ID and (problem := kind_problem(layer, blocks())):
        raise ProtocolError(f"{layer_id}: {problem}")
    check_value(block_of(layer, blocks()), symbol, value, layer_id)
    return layer, symbol


def parameter_at(layers: Iterable[Layer], address: str, blocks: BlockSource) -> Parameter:
    """Return the parameter of a layer, or of the engine's own layers, at an address.

    Raises
    ------
    ProtocolError
        There is none.

    """
    layer_id, symbol = parse_address(address)
    if is_own(layer_id, blocks()):
        block = blocks()[layer_id]
    else:
        block = block_of(find_layer(layers, layer_id), blocks())
    known = block.parameters.get(symbol)
    check_value(block, symbol, known.initial if known else 0.0, layer_id)
    return block.parameters[symbol]


def with_value(protocol: Protocol, address: str, value: float, blocks: BlockSource) -> Protocol:
    """Return the protocol with one value changed and checked; raises `ProtocolError`."""
    layer, symbol = check_address(protocol.all_layers, address, value, blocks)
    automation = {k: v for k, v in layer.automation.items() if k != symbol}
    update: dict[str, object] = {"automation": automation}
    if layer.place and symbol not in blocks()[layer.kind].parameters:
        update["place"] = layer.place.with_value(symbol, value)
    else:
        update["params"] = {**layer.params, symbol: float(value)}
    if layer.id == SPACE_ID:
        assert isinstance(protocol.spatial, Spatial)
        return protocol.model_copy(update={"spatial": protocol.spatial.model_copy(update=update)})
    changed = layer.model_copy(update=update)
    kept = tuple(changed if old.id == layer.id else old for old in protocol.layers)
    return protocol.model_copy(update={"layers": kept})


def _symbols(layer: Layer, blocks: BlockSource) -> Iterator[str]:
    return iter(block_of(layer, blocks()).parameters if layer.kind in blocks() else ())
