"""SPECs: layers as they are typed on a command line."""

import math
from collections.abc import Sequence

from pydantic import ValidationError

from entrain.vdevice.limits import MAX_LAYERS
from entrain.vdevice.protocol.check import block_of, kind_problem, place_problem
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.names import SPEC, is_id
from entrain.vdevice.protocol.parts.places import MAX_PLACED, PATHS, Place
from entrain.vdevice.protocol.speakers import for_speakers, need_headphones
from entrain.vdevice.protocol.values import BlockSource, check_value, not_finite
from entrain.vdevice.protocol.wording import choices, explain, quote

CUSTOM_ID = "custom"


def parse_spec(text: str, blocks: BlockSource | None = None) -> Layer:
    """Parse one layer.

    Parameters
    ----------
    text : str
        ``kind``, ``kind:key=value,...`` or ``id=kind:key=value,...``; keys are parameters of the
        kind, or fields of `Place`, whose names no block uses
    blocks : callable, optional
        Returns the blocks to check against.

    Raises
    ------
    ProtocolError
        The text is not a SPEC, or not possible with these blocks.

    """
    match = SPEC.fullmatch(text)
    if match is None:
        raise ProtocolError(f"{quote(text)} is not kind:key=value,... (binaural:beat_hz=10)")
    name, kind, values = match[1] or match[2], match[2], match[3]
    block = blocks().get(kind) if blocks else None
    params: dict[str, float] = {}
    place: dict[str, float] = {}
    for item in values.split(",") if values else ():
        symbol, equals, number = (part.strip() for part in item.partition("="))
        if not equals or not is_id(symbol):
            raise ProtocolError(f"{name}: {quote(item)} is not key=value")
        if symbol in params or symbol in place:
            raise ProtocolError(f"{name}: {symbol} is given twice")
        if symbol == "path" and number in PATHS:
            value = float(PATHS.index(number))
        else:
            value = parse_number(number, f"{name}: {symbol}")
        known = block.placed() if block else None
        if not math.isfinite(value):
            raise ProtocolError(f"{name}: {not_finite(known, symbol, value)}")
        (place if symbol in Place.model_fields else params)[symbol] = value
    layer = Layer(kind=kind, id=name, params=params, place=_place(place, name) if place else None)
    if blocks:
        if problem := kind_problem(layer, blocks()) or place_problem(layer, blocks()):
            raise ProtocolError(f"{name}: {problem}")
        for symbol, value in (params | place).items():
            check_value(block_of(layer, blocks()), symbol, value, name)
    return layer


def _place(values: dict[str, float], name: str) -> Place:
    number = values.get("path", 0.0)
    if number not in range(len(PATHS)):
        raise ProtocolError(f"{name}: there is no path {number:g}; {choices(PATHS)}")
    try:
        return Place.model_validate(values | {"path": PATHS[int(number)]})
    except ValidationError as error:
        raise ProtocolError(f"{name}: {explain(error)[0]}") from None


def parse_number(text: str, what: str) -> float:
    """Parse a number, including NaN and infinity, which `check_value` refuses with the range."""
    try:
        return float(text)
    except ValueError:
        raise ProtocolError(f"{what} = {quote(text)} is not a number") from None


def from_specs(specs: Sequence[str], blocks: BlockSource | None = None) -> Protocol:
    """Make a protocol from SPECs; a second layer of the same kind gets the id ``kind-2``.

    Without the blocks, values are not checked, and no layer counts as needing headphones.
    """
    return with_specs(Protocol(id=CUSTOM_ID, name="Custom", layers=()), specs, blocks)


def with_specs(protocol: Protocol, specs: Sequence[str], blocks: BlockSource | None) -> Protocol:
    """Return a protocol with added layers and the id ``custom``; raises `ProtocolError`."""
    layers = list(protocol.layers)
    replacements = {other.id for other in protocol.without_headphones or ()}
    if max(len(layers), len(replacements)) + len(specs) > MAX_LAYERS:
        raise ProtocolError(f"a protocol can have at most {MAX_LAYERS} layers")
    for text in specs:
        layer = parse_spec(text, blocks)
        taken = {other.id for other in layers} | replacements
        if layer.id in taken and layer.id != layer.kind:
            raise ProtocolError(f"{layer.id}: two layers have this id; give each its own")
        layers.append(layer.model_copy(update={"id": _free_id(layer, taken)}))
    if sum(layer.place is not None for layer in layers) > MAX_PLACED:
        raise ProtocolError(f"more than {MAX_PLACED} layers have a place")
    added = layers[len(protocol.layers) :]
    known = blocks() if blocks else {}
    former = protocol.without_headphones or for_speakers(protocol.layers, known)
    headphones = protocol.requires_headphones or need_headphones(added, known)
    others = (*former, *for_speakers(added, known)) if headphones else ()
    changed = protocol.model_copy(
        update={
            "id": CUSTOM_ID,
            "layers": tuple(layers),
            "requires_headphones": headphones,
            "without_headphones": others or None,
        }
    )
    if problem := next(changed.movement_problems(), ""):
        raise ProtocolError(problem)
    return changed


def _free_id(layer: Layer, taken: set[str]) -> str:
    name, number = layer.id, 1
    while name in taken:
        number += 1
        name = f"{layer.kind}-{number}"
    return name
