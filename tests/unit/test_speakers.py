"""The alternatives to layers that need headphones."""

from entrain.engine import blocks
from entrain.vdevice.protocol.check import problems
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.speakers import for_speakers
from entrain.vdevice.protocol.spec import from_specs


def test_typed_layers_bring_their_alternative():
    protocol = from_specs(["binaural:carrier_hz=300,beat_hz=-7", "am:depth=0.2"], blocks)

    assert protocol.requires_headphones
    assert [layer.kind for layer in protocol.without_headphones] == ["monaural", "am"]
    assert protocol.without_headphones[0].params == {"carrier_hz": 300, "beat_hz": -7}
    assert not list(problems(protocol, blocks))


def test_what_works_everywhere_needs_none():
    protocol = from_specs(["am:depth=0.2", "noise"], blocks)

    assert not protocol.requires_headphones
    assert protocol.without_headphones is None


def test_a_rate_and_its_path_stay():
    document = {
        "id": "x",
        "name": "X",
        "layers": [
            {
                "kind": "selfbinaural",
                "automation": {"beat_hz": {"points": [{"at_s": 0, "value": -10}], "loop_s": 60}},
            },
            {"kind": "phasemod"},
        ],
    }
    turned, moved = for_speakers(Protocol.model_validate(document, strict=False).layers, blocks())

    assert turned.kind == moved.kind == "am"
    assert [p.value for p in turned.automation["rate_hz"].points] == [10]
    assert turned.automation["rate_hz"].loop_s == 60
    assert moved.params["rate_hz"] == blocks()["phasemod"].parameters["rate_hz"].initial


def test_every_kind_of_ours_that_needs_headphones_has_an_alternative():
    dichotic = {kind for kind, block in blocks().items() if block.dichotic}

    assert dichotic == {"binaural", "harmonics", "phasemod", "selfbinaural"}
    assert all(blocks()[kind].without_headphones for kind in dichotic)
