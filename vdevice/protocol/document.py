"""Protocols as JSON: reading, migrating, checking and writing documents."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import from_json

from entrain.vdevice.protocol.check import layer_problems, problems
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.parts.automation import Automation, Breakpoint
from entrain.vdevice.protocol.parts.places import SPACE_ID
from entrain.vdevice.protocol.values import BlockSource
from entrain.vdevice.protocol.wording import explain


def parse_protocol(text: bytes, source: str, blocks: BlockSource | None = None) -> Protocol:
    """Read a JSON document of the present or an earlier schema version.

    Parameters
    ----------
    text : bytes
        UTF-8, with or without a byte order mark.
    source : str
        Origin of the document; each line of an error begins with it.
    blocks : callable, optional
        Returns the blocks to check against.

    Raises
    ------
    ProtocolError
        The document is not JSON, not a protocol, or not possible with these blocks; has one line
        for each problem.

    """
    text = upgraded(text.removeprefix(b"\xef\xbb\xbf"))
    try:
        protocol = Protocol.model_validate_json(text, context=blocks)
    except ValidationError as error:
        lines = explain(error)
        if blocks:
            lines += _problems_of_layers(text, blocks)
        raise _error(source, lines) from error
    if blocks and (lines := list(problems(protocol, blocks))):
        raise _error(source, lines)
    return protocol


def write_protocol(protocol: Protocol) -> bytes:
    """Write a JSON document for people to read and edit, without default values."""
    document = {"schema_version": protocol.schema_version}
    document |= protocol.model_dump(mode="json", exclude_defaults=True)
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return _BREAKPOINT.sub(lambda found: " ".join(found[0].split()), text).encode() + b"\n"


def compact_protocol(protocol: Protocol) -> bytes:
    """Write compact JSON, which `parse_protocol` reads; see `layers_json`."""
    others = protocol.without_headphones
    bare = protocol.model_copy(
        update={"layers": (), "without_headphones": None if others is None else ()}
    )
    text = bare.model_dump_json().encode()  # in strings, the replaced text would be escaped
    text = text.replace(b'"layers":[]', b'"layers":' + layers_json(protocol.layers), 1)
    if others is not None:
        text = text.replace(
            b'"without_headphones":[]', b'"without_headphones":' + layers_json(others), 1
        )
    return text


def layers_json(layers: Sequence[Layer]) -> bytes:
    """Write layers as compact JSON, in pieces, so that other threads can run in between."""
    ways = [each.points for layer in layers for each in layer.automation.values()]
    bare = [layer.model_copy(update={"automation": _without_points(layer)}) for layer in layers]
    parts = _LAYERS.dump_json(bare).split(_NO_POINTS)  # in strings, this would be escaped
    for number, points in enumerate(ways):
        pieces = (
            _POINTS.dump_json(points[begin : begin + _AT_ONCE])[1:-1]
            for begin in range(0, len(points), _AT_ONCE)
        )
        parts[number] += _NO_POINTS[:-1] + b",".join(pieces) + b"]"
    return b"".join(parts)


def _without_points(layer: Layer) -> dict[str, Automation]:
    return {
        symbol: each.model_copy(update={"points": ()}) for symbol, each in layer.automation.items()
    }


_LATER = ConfigDict(defer_build=True)
_LAYERS = TypeAdapter(Sequence[Layer], config=_LATER)
_POINTS = TypeAdapter(tuple[Breakpoint, ...], config=_LATER)
_NO_POINTS = b'"points":[]'
_AT_ONCE = 500


def upgraded(text: bytes) -> bytes:
    """Migrate a document of an earlier schema version; return others unchanged."""
    try:
        document = from_json(text)
    except ValueError:  # the validation finds and reports the error again
        return text
    if not isinstance(document, dict) or not _migration(document.get("schema_version")):
        return text
    return json.dumps(upgraded_document(document)).encode()


def upgraded_document(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Migrate a document that has been parsed; see `upgraded`."""
    while migrate := _migration(document.get("schema_version")):
        document = migrate(document)
    return document


def _migration(version: Any) -> Callable[[Mapping[str, Any]], Mapping[str, Any]] | None:
    return _MIGRATIONS.get(version) if type(version) is int else None


def _from_1(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Migrate from version 1, whose layers, name, description and `standalone` are unchanged."""
    return {**document, "schema_version": 2}


def _from_2(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Migrate from version 2, whose only `spatial` was "off": there was no space yet."""
    changed = {**document, "schema_version": 3}
    if changed.get("spatial") == "off":
        del changed["spatial"]
    return _without_space_id(changed)


def _without_space_id(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Rename a layer that has the id of the space."""
    changed = dict(document)
    for field in ("layers", "without_headphones"):
        if isinstance(layers := document.get(field), list):
            changed[field] = [_renamed(layer) for layer in layers]
    evidence = document.get("evidence")
    if isinstance(evidence, dict) and isinstance(chosen := evidence.get("our_choices"), list):
        begin = f"{SPACE_ID}."
        chosen = [
            f"{_FORMER_SPACE_ID}.{text.removeprefix(begin)}"
            if isinstance(text, str) and text.startswith(begin)
            else text
            for text in chosen
        ]
        changed["evidence"] = {**evidence, "our_choices": chosen}
    return changed


def _renamed(layer: Any) -> Any:
    if isinstance(layer, dict) and layer.get("id") == SPACE_ID:
        return {**layer, "id": _FORMER_SPACE_ID}
    return layer


_FORMER_SPACE_ID = "space-layer"

_BREAKPOINT = re.compile(r'\{\s+"at_s": [^"{}]+"value": [^{}]+\}')
"""A breakpoint; written on one line, since a document may have thousands."""

_MIGRATIONS: Mapping[int, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
    1: _from_1,
    2: _from_2,
}


def _problems_of_layers(text: bytes, blocks: BlockSource) -> list[str]:
    """Return what the blocks cannot do for the valid layers of an invalid document."""
    try:
        document = from_json(text)
    except ValueError:
        return []
    lines: list[str] = []
    for field in ("layers", "without_headphones"):
        layers = document.get(field) if isinstance(document, dict) else None
        for number, raw in enumerate(layers if isinstance(layers, list) else ()):
            try:
                layer = Layer.model_validate_json(json.dumps(raw))
            except ValidationError:
                continue
            lines += layer_problems(layer, blocks(), f"{field}[{number}]")
    return lines


def _error(source: str, lines: list[str]) -> ProtocolError:
    return ProtocolError("\n".join(f"{source}: {line}" for line in dict.fromkeys(lines)))
