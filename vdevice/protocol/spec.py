"""SPECs: layers as they are typed on a command line."""

import math
from collections.abc import Sequence

from entrain.vdevice.limits import MAX_LAYERS
from entrain.vdevice.protocol.check import kind_problem
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.names import SPEC, is_id
from entrain.vdevice.protocol.speakers import for_speakers, need_headphones
from entrain.vdevice.protocol.values import BlockSource, check_value, not_finite
from entrain.vdevice.protocol.wording import quote

CUSTOM_ID = "custom"


def parse_spec(text: str, blocks: BlockSource | None = None) -> Layer:
    """Parse one layer.

    Parameters
    ----------
    text : str
        ``kind``, ``kind:key=value,...`` or ``id=kind:key=value,...``
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
    for item in values.split(",") if values else ():
        symbol, equals, number = (part.strip() for part in item.partition("="))
        if not equals or not is_id(symbol):
            raise ProtocolError(f"{name}: {quote(item)} is not key=value")
        if symbol in params:
            raise ProtocolError(f"{name}: {symbol} is given twice")
        params[symbol] = parse_number(number, f"{name}: {symbol}")
        if not math.isfinite(params[symbol]):
            raise ProtocolError(f"{name}: {not_finite(block, symbol, params[symbol])}")
    layer = Layer(kind=kind, id=name, params=params)
    if blocks:
        if problem := kind_problem(layer, blocks()):
            raise ProtocolError(f"{name}: {problem}")
        for symbol, value in params.items():
            check_value(blocks()[kind], symbol, value, name)
    return layer


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
    added = layers[len(protocol.layers) :]
    known = blocks() if blocks else {}
    former = protocol.without_headphones or for_speakers(protocol.layers, known)
    headphones = protocol.requires_headphones or need_headphones(added, known)
    others = (*former, *for_speakers(added, known)) if headphones else ()
    return protocol.model_copy(
        update={
            "id": CUSTOM_ID,
            "layers": tuple(layers),
            "requires_headphones": headphones,
            "without_headphones": others or None,
        }
    )


def _free_id(layer: Layer, taken: set[str]) -> str:
    name, number = layer.id, 1
    while name in taken:
        number += 1
        name = f"{layer.kind}-{number}"
    return name
