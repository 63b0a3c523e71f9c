"""A block that no file names is treated like Entrain's own blocks.

The build of the C++ tests includes the blocks of ``tests/blocks``.  No other file contains their
names or the names of their parameters.
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from entrain import _native
from entrain.block import Block
from entrain.engine import Engine, blocks
from entrain.vdevice.api.measured import SelfMeasurement
from entrain.vdevice.api.messages import Measured
from entrain.vdevice.protocol.document import parse_protocol
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.importers.gnaural.reader import read_gnaural
from entrain.vdevice.protocol.importers.report import ImportRefused
from entrain.vdevice.protocol.importers.sbagen.reader import read_sbg
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.speakers import for_speakers, need_headphones
from entrain.vdevice.protocol.spec import from_specs
from entrain.vdevice.protocol.timeline import compiled
from entrain.vdevice.session import adjust
from entrain.vdevice.session.chain import Chain
from entrain.vdevice.session.player import Player

ROOT = Path(__file__).parents[2]
EXTRA = {path.stem for path in (ROOT / "tests/blocks").glob("*.dsp")}
PUBLIC_ROOMS = ("faust", "native", "platform", "presets", "tray", "vdevice")


@pytest.fixture(scope="module", autouse=True)
def with_extra_blocks() -> Iterator[None]:
    """Load the library with the extra blocks; wait if `make test` is building it."""
    build = [ROOT / ".ci/native", "plain", "2", "entrain_extra_blocks"]
    subprocess.run(build, check=True, timeout=1500)
    former = _native.path
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_native, "path", lambda name: _path(name) or former(name))
        _forget()
        yield
    _forget()


def _path(name: str) -> Path | None:
    return ROOT / "build/native/lib/libentrain_extra_blocks.so" if name == "entrain" else None


def _forget() -> None:
    _native.load.cache_clear()
    blocks.cache_clear()


def value(layer: Layer, symbol: str) -> float:
    return layer.params.get(symbol, blocks()[layer.kind].parameters[symbol].initial)


def layers(*specs: str) -> tuple[Layer, ...]:
    return from_specs(specs, blocks).layers


# ---- descriptions ----------------------------------------------------------------------------


def test_they_are_there_and_no_source_of_ours_knows_them():
    assert len(EXTRA) > 3
    assert set(blocks()) > EXTRA
    names = EXTRA | {
        symbol for kind in EXTRA for symbol in blocks()[kind].parameters if symbol != "amount"
    }
    assert len(names) > 12
    known = re.compile(rf"\b({'|'.join(names)})\b")
    for room in PUBLIC_ROOMS:
        for path in (ROOT / room).rglob("*.*"):
            if path.suffix in (".py", ".cpp", ".h", ".dsp", ".lib", ".json", ".txt"):
                assert not known.search(path.read_text(encoding="utf-8")), path


def test_the_engine_tells_scales_and_choices():
    parameters = blocks()["onefold"].parameters
    assert parameters["temper"].choices == (("glad", 0.0), ("sad", 1.0))
    assert (parameters["pitch_of_it_hz"].scale, parameters["temper"].scale) == ("log", "lin")


# ---- moved by hand and by protocols ----------------------------------------------------------


def test_they_get_faster_together_with_ours():
    found = layers("zigzag", "twofold:gap_hz=-6", "am:rate_hz=10", "onefold:throb_depth=0.5")

    assert adjust.rate_hz(found, blocks(), value) == 10.0  # 600 a minute
    assert dict(adjust.faster(30, found, blocks(), value)) == {
        "zigzag.turns_per_minute": 630.0,
        "twofold.gap_hz": -6.3,
        "am.rate_hz": 10.5,
        "onefold.throb_hz": 5.25,
    }


def test_a_rhythm_that_is_not_heard_is_no_rate():
    assert adjust.rate_hz(layers("onefold", "lopsided"), blocks(), value) is None


def test_they_get_weaker_by_their_level_or_their_depth():
    found = layers("zigzag", "twofold", "onefold", "lopsided")

    moved = dict(adjust.stronger(-2, found, blocks(), value))

    half = 10 ** (-6 / 20)
    assert moved.pop("twofold.loudness_db") == -26.0
    assert moved == {
        "zigzag.steepness": pytest.approx(0.4 * half, abs=1e-4),
        "onefold.amount": pytest.approx(half, abs=1e-4),
        "lopsided.amount": pytest.approx(half, abs=1e-4),
    }


def test_ramps_move_their_strength():
    protocol = from_specs(("zigzag", "twofold"), blocks).model_copy(update={"ramp_in_s": 20.0})

    zigzag, twofold = compiled(protocol, blocks)

    assert [(p.at_s, p.value) for p in zigzag.automation["steepness"].points] == [(0, 0), (20, 0.4)]
    assert [(p.at_s, p.value) for p in twofold.automation["amount"].points] == [(0, 0), (20, 1)]


def test_a_fade_moves_their_strength():
    with Engine() as engine:
        chain = Chain(engine)
        chain.use(from_specs(["zigzag"], blocks))
        chain.fade(5.0)
        ((_, number),) = chain.layers()
        assert engine.parameter(number, "steepness") == 0.0
        assert engine.parameter(number, "amount") == 1.0


# ---- on loudspeakers -------------------------------------------------------------------------


def test_what_needs_headphones_brings_its_alternative():
    points = [{"at_s": 0, "value": -30}, {"at_s": 9, "value": -0.1}]
    document = {
        "id": "x",
        "name": "X",
        "layers": [
            {"kind": "twofold", "automation": {"gap_hz": {"points": points}}},
            {"kind": "zigzag"},
            {"kind": "lopsided"},
        ],
    }
    protocol = Protocol.model_validate(document, strict=False)

    assert [need_headphones([each], blocks()) for each in protocol.layers] == [True, False, True]
    replaced, kept = for_speakers(protocol.layers, blocks())
    assert kept == protocol.layers[1]
    assert (replaced.kind, replaced.id) == ("onefold", "twofold")
    assert replaced.params == {"throb_hz": 6.0, "pitch_of_it_hz": 300.0, "throb_depth": 0.25}
    moving = replaced.automation["throb_hz"].points
    assert [p.value for p in moving] == [20.0, 0.5]  # limited to the range, and without a sign


@pytest.mark.parametrize(
    ("spec", "heard", "note"),
    [
        ("twofold:gap_hz=-7,halfway_hz=444", ["onefold"], "its alternative plays"),
        ("lopsided", [], "on loudspeakers it is silent"),
    ],
)
def test_the_alternative_runs_on_loudspeakers(spec, heard, note):
    with Engine() as engine:
        player = Player(engine, lambda stretch: None)
        player.use(from_specs([spec], blocks), form="speakers")
        assert [layer.kind for layer in player.layers] == heard
        assert note in player.note


def test_a_rate_that_is_set_is_set_of_the_alternative_too():
    with Engine() as engine:
        player = Player(engine, lambda stretch: None)
        player.use(from_specs(["twofold"], blocks))
        player.set("twofold.gap_hz", -9.0, 0.0)
        (alternative,) = player.protocol.without_headphones
        assert alternative.params["throb_hz"] == 9.0


# ---- measured, imported, checked -------------------------------------------------------------


def measured(*specs: str) -> Measured | None:
    noise = np.random.default_rng(9).normal(0, 0.05, (2, 4 * 48_000)).astype(np.float32)
    with Engine() as engine:
        chain = Chain(engine)
        chain.use(from_specs(specs, blocks))
        for piece in np.split(noise, 400, 1):
            engine.process(np.ascontiguousarray(piece))
        return SelfMeasurement(engine).look(chain.layers())


def test_what_they_promise_is_measured():
    found = measured("zigzag", "twofold:halfway_hz=500,gap_hz=-8,loudness_db=-40")
    assert found is not None
    assert found.tones.left_hz == pytest.approx(496, abs=0.02)
    assert found.tones.right_hz == pytest.approx(504, abs=0.02)
    assert found.modulation.rate_hz == pytest.approx(10, abs=0.05)
    assert found.modulation.left_index == pytest.approx(0.4, abs=0.05)


def narrowed(kind: str, symbol: str, of: str) -> dict[str, Block]:
    """Return our blocks, one of them with a range that an extra block declares."""
    ours, other = blocks()[kind], blocks()["twofold"].parameters[of]
    parameter = replace(ours.parameters[symbol], minimum=other.minimum, maximum=other.maximum)
    return blocks() | {kind: replace(ours, parameters=ours.parameters | {symbol: parameter})}


def test_importers_hold_to_the_ranges_that_a_block_declares():
    narrow = narrowed("binaural", "carrier_hz", "halfway_hz")
    with pytest.raises(ImportRefused, match=r"carrier of 950 Hz is left out: .* 100 … 900 Hz"):
        read_sbg(b"-i 950+4/20\n", "x.sbg", "X", narrow)
    voice = "<voice><type>0</type><entries>{}</entries></voice>"
    entry = '<entry duration="9" volume_left="1" volume_right="1" beatfreq="{}" basefreq="{}"/>'

    def gnaural(beat_hz: float, base_hz: float, known: dict[str, Block]) -> object:
        text = f"<schedule>{voice.format(entry.format(beat_hz, base_hz))}</schedule>"
        return read_gnaural(text.encode(), "x.gnaural", "X", known)

    assert gnaural(4, 950, blocks())
    with pytest.raises(ImportRefused, match="has a carrier above 900 Hz"):
        gnaural(4, 950, narrow)
    with pytest.raises(ImportRefused, match="has a beat of more than 30 Hz"):
        gnaural(31, 300, narrowed("binaural", "beat_hz", "gap_hz"))


def test_the_librarys_checks_know_their_ranges():
    text = b"""{"schema_version": 2, "id": "x", "name": "X", "layers": [
        {"kind": "twofold", "params": {"gap_hz": 31, "nonsense": 1}}]}"""
    with pytest.raises(ProtocolError) as caught:
        parse_protocol(text, "x.json", blocks)
    assert "params.gap_hz = 31 is outside -30 … 30 Hz" in str(caught.value)
    assert "choose from halfway_hz, gap_hz, loudness_db, amount" in str(caught.value)
    with pytest.raises(ProtocolError, match="lean_left = nan is not a finite number"):
        from_specs(["lopsided:lean_left=nan"], blocks)
