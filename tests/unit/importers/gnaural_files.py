"""Gnaural files as text, and what is read from them."""

import pytest

from entrain.engine import blocks
from entrain.vdevice.protocol.check import problems
from entrain.vdevice.protocol.document import parse_protocol, write_protocol
from entrain.vdevice.protocol.importers.gnaural.reader import read_gnaural
from entrain.vdevice.protocol.importers.report import Imported, ImportRefused
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.timeline import value_at


def entry(duration: object, beat: object = 10, base: object = 200, **volumes: object) -> str:
    left = volumes.get("left", 0.5)
    return (
        f'<entry parent="0" duration="{duration}" volume_left="{left}"'
        f' volume_right="{volumes.get("right", left)}" beatfreq="{beat}" basefreq="{base}"/>\n'
    )


def voice(*entries: str, **texts: object) -> str:
    fields = "".join(f"<{name}>{text}</{name}>" for name, text in ({"type": 0} | texts).items())
    return f"<voice>{fields}<entries>\n{''.join(entries)}</entries></voice>\n"


def schedule(*voices: str, **header: object) -> bytes:
    fields = "".join(f"<{name}>{text}</{name}>\n" for name, text in header.items())
    return f'<?xml version="1.0"?>\n<schedule>\n{fields}{"".join(voices)}</schedule>\n'.encode()


def read(text: bytes) -> Imported:
    imported = read_gnaural(text, "f.gnaural", "Some file", blocks())
    assert_usable(imported.protocol)
    return imported


def assert_usable(protocol: Protocol) -> None:
    assert list(problems(protocol, blocks)) == []
    assert parse_protocol(write_protocol(protocol), "f", blocks) == protocol


def only_layer(text: bytes) -> Layer:
    (layer,) = read(text).protocol.layers
    return layer


def points(layer: Layer, symbol: str) -> list[tuple[float, float]]:
    return [(point.at_s, point.value) for point in layer.automation[symbol].points]


def notes(text: bytes) -> str:
    return "\n".join(f"{note.line}: {note.text}" for note in read(text).notes)


def refusal(text: bytes) -> str:
    with pytest.raises(ImportRefused) as caught:
        read_gnaural(text, "f.gnaural", "f", blocks())
    return str(caught.value)


def layer_value(layer: Layer, symbol: str, at_s: float) -> float:
    """What a parameter is at a time of the session."""
    if symbol not in layer.automation:
        return layer.params.get(symbol, 1.0)
    return value_at(layer.automation[symbol], at_s)
