"""SPECs that place a generator: `rain=noise:azimuth_deg=90,path=orbit`."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from command_line import entrain

from entrain.block import PLACE
from entrain.engine import blocks
from entrain.tray.commands.cli import cli
from entrain.vdevice.api.messages import ActiveProtocol, Space
from entrain.vdevice.protocol.check import check
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Layer
from entrain.vdevice.protocol.parts.places import MAX_PLACED, Place
from entrain.vdevice.protocol.spec import from_specs, parse_spec


def test_keys_of_a_place_make_a_place_and_the_others_are_parameters():
    spec = "rain=noise:level_db=-20,azimuth_deg=90, elevation_deg=10,path=orbit,path_hz=0.05"
    layer = parse_spec(spec, blocks)
    assert (layer.id, layer.params) == ("rain", {"level_db": -20.0})
    assert layer.place == Place(azimuth_deg=90, elevation_deg=10, path="orbit", path_hz=0.05)
    assert parse_spec(spec) == layer


def test_without_such_a_key_there_is_no_place():
    assert parse_spec("noise:level_db=-20", blocks).place is None


def test_a_path_has_a_name_or_its_number():
    assert parse_spec("noise:path=4", blocks).place == Place(path="swing")


def test_no_block_has_a_parameter_that_is_named_as_a_place():
    """Otherwise a SPEC would have two meanings."""
    layers = [each for each in blocks().values() if each.group in ("generator", "processor")]
    assert len(layers) > 10
    for block in layers:
        assert not {each.symbol for each in PLACE} & set(block.parameters), block.kind


@pytest.mark.parametrize("known", [blocks, None])
@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("noise:azimuth_deg=400", r"azimuth_deg = 400.* (outside -360 … 360 deg|less than .* 360)"),
        ("noise:distance_m=0", r"distance_m = 0.* (outside 0.3 … 20 m|greater than .* 0.3)"),
        ("noise:azimuth_deg=nan", "azimuth_deg = nan is not a finite number"),
        ("noise:path=spiral", "path = 'spiral' is not a number"),
        ("noise:path=1.5", "there is no path 1.5; choose from still, orbit, arc, "),
        ("noise:azimuth_deg=1,azimuth_deg=2", "azimuth_deg is given twice"),
    ],
)
def test_a_wrong_place_is_one_line(spec, reason, known):
    with pytest.raises(ProtocolError) as refused:
        parse_spec("rain=" + spec, known)
    assert re.match(f"rain: {reason}", str(refused.value))
    assert "\n" not in str(refused.value)


def test_what_cannot_be_placed_is_refused():
    with pytest.raises(ProtocolError) as refused:
        parse_spec("binaural:azimuth_deg=90", blocks)
    assert str(refused.value) == "binaural: binaural needs both ears, so it has no place"
    with pytest.raises(ProtocolError) as refused:
        parse_spec("am:azimuth_deg=90", blocks)
    assert str(refused.value) == ("am: am processes your music; only generators have a place")


def test_a_protocol_of_specs_keeps_the_limits_of_documents():
    most = from_specs(["noise:azimuth_deg=5"] * MAX_PLACED, blocks)
    check(most, blocks)
    with pytest.raises(ProtocolError, match=f"more than {MAX_PLACED} layers have a place"):
        from_specs(["noise:azimuth_deg=5"] * (MAX_PLACED + 1), blocks)
    with pytest.raises(ProtocolError, match="noise moves by up to 360 degrees per second"):
        from_specs(["noise:path=orbit,path_hz=1"], blocks)


# ---- the command line ----------------------------------------------------------------------------


@pytest.fixture
def answer(home: Path, serve, idle):
    def use(place: Place | None, space: Space):
        layer = Layer(kind="noise", id="rain", place=place)
        protocol = ActiveProtocol(id="custom", name="Custom", elapsed_s=0, layers=[layer])
        status = idle.model_copy(update={"protocol": protocol, "space": space})
        return serve(home / "entrain" / "control.sock", lambda request: status)

    return use


NOTE = "placed sounds need a space; `entrain space scene` switches it on"


@pytest.mark.parametrize(
    ("place", "space", "said"),
    [
        (Place(), Space(note=NOTE), True),
        (None, Space(), False),
        (Place(), Space(mode="scene"), False),
    ],
)
def test_use_says_that_a_place_needs_a_space(answer, place, space, said):
    answer(place, space)
    assert (NOTE in entrain("use", "noise:azimuth_deg=90").stdout.splitlines()) == said


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        # Bash breaks words at colons and equal signs; other shells do not.
        (["entrain", "use", "noise:az"], ["noise:azimuth_deg="]),
        (["entrain", "use", "noise", ":", "az"], ["azimuth_deg="]),
        (["entrain", "use", "noise", ":", "width", "=", "0.5,el"], ["0.5,elevation_deg="]),
        (
            ["entrain", "use", "rain=noise:level_db=-20,path_h"],
            ["rain=noise:level_db=-20,path_hz="],
        ),
        (["entrain", "use", "am", "noise:path=or"], ["noise:path=orbit"]),
        (["entrain", "use", "noise", ":", "path", "=", "sw"], ["swing"]),
        (["entrain", "use", "binaural:az"], []),
        (["entrain", "use", "binaural:carrier_hz=3,car"], []),
        (["entrain", "use", "nonsense:a"], []),
        (["entrain", "render", "--layer", "nois"], ["noise"]),
        (["entrain", "render", "--layer", "noise:dist"], ["noise:distance_m="]),
    ],
)
def test_the_shell_completes_it(home, words, offered):
    environment = {
        "_ENTRAIN_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    result = CliRunner().invoke(cli, prog_name="entrain", env=environment)
    assert [line.partition(",")[2] for line in result.stdout.splitlines() if line] == offered


def test_an_empty_rest_offers_all_keys(home):
    environment = {
        "_ENTRAIN_COMPLETE": "bash_complete",
        "COMP_WORDS": "entrain use noise :",
        "COMP_CWORD": "3",
    }
    lines = CliRunner().invoke(cli, prog_name="entrain", env=environment).stdout.splitlines()
    expected = [f"plain,{name}=" for name in blocks()["noise"].placed().parameters]
    assert lines == expected
