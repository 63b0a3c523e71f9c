"""Layers in the engine: which of them go on when another protocol begins."""

from collections.abc import Iterator

import pytest

from entrain.engine import Engine
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.session.chain import Chain

AM, SWELL = {"kind": "am", "id": "am"}, {"kind": "swell", "id": "swell"}
TONE = {"kind": "binaural", "id": "tone"}


def protocol(*layers: object) -> Protocol:
    return Protocol.model_validate({"id": "x", "name": "X", "layers": layers}, strict=False)


@pytest.fixture
def chain() -> Iterator[Chain]:
    engine = Engine()
    yield Chain(engine)
    engine.close()


@pytest.mark.parametrize(
    ("layers", "go_on"),
    [
        ((AM, SWELL, TONE), {"am", "swell", "tone"}),
        ((SWELL, AM, TONE), {"swell", "tone"}),  # else the processors would click
        ((TONE, AM, SWELL), {"am", "swell", "tone"}),
        ((AM, TONE, {**SWELL, "kind": "am"}), {"am", "tone"}),
        ((TONE,), {"tone"}),
    ],
    ids=["the same", "another order", "a tone moves", "another kind", "fewer"],
)
def test_layers_go_on_unless_they_change_places_with_another_processor(chain, layers, go_on):
    chain.use(protocol(AM, SWELL, TONE))
    before = {layer.id: number for layer, number in chain.layers()}

    chain.use(protocol(*layers))

    after = {layer.id: number for layer, number in chain.layers()}
    assert {name for name in after if after[name] == before[name]} == go_on
