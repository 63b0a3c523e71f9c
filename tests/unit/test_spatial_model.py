"""The space in protocols: places, movement, and what older documents become."""

import json
import math
from typing import get_args

import pytest

from entrain import block as native
from entrain.engine import blocks
from entrain.vdevice.protocol import check, document
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.parts import movement, places
from entrain.vdevice.protocol.parts.automation import Automation, Breakpoint
from entrain.vdevice.protocol.speakers import for_speakers

RAIN = {"kind": "noise", "id": "rain", "place": {"azimuth_deg": 90, "path": "orbit"}}


def text(**changes: object) -> bytes:
    return json.dumps({"id": "x", "name": "X", "layers": [RAIN]} | changes).encode()


def parsed(**changes: object) -> Protocol:
    return document.parse_protocol(text(**changes), "f", blocks)


def refusal(**changes: object) -> str:
    with pytest.raises(ProtocolError) as told:
        parsed(**changes)
    return str(told.value)


def test_a_place_has_the_ranges_and_the_initial_values_of_the_engine():
    assert get_args(places.PathName) == native.PATHS
    schema = places.Place.model_json_schema()["properties"]
    for parameter in native.PLACE:
        field = schema[parameter.symbol]
        if parameter.symbol == "path":
            assert field["enum"] == [name for name, _ in parameter.choices]
            assert field["default"] == "still"
        else:
            assert (field["minimum"], field["maximum"]) == (parameter.minimum, parameter.maximum)
            assert field["default"] == parameter.initial
    assert places.Place().values == {each.symbol: each.initial for each in native.PLACE}
    assert places.Place(path="swing").values["path"] == 4


@pytest.mark.parametrize("mode", ["speakers", "scene"])
def test_a_space_is_written_as_it_was_read(mode):
    spatial = {"mode": mode, "params": {"azimuth_deg": 30, "path": "orbit"}, "fast": True}
    protocol = parsed(spatial=spatial)

    assert protocol.space.params == {"azimuth_deg": 30, "path": 1}
    assert [layer.id for layer in protocol.all_layers] == ["rain", "space"]
    written = document.write_protocol(protocol)
    assert json.loads(written)["spatial"] == spatial
    assert json.loads(written)["layers"] == [RAIN]
    for again in (written, document.compact_protocol(protocol)):
        assert document.parse_protocol(again, "again", blocks) == protocol


def test_a_document_of_version_2_leaves_the_space_to_the_user():
    tone = {"kind": "binaural", "id": "space"}
    former = {
        "schema_version": 2,
        "spatial": "off",
        "layers": [tone, {"kind": "am"}],
        "requires_headphones": True,
        "without_headphones": [{"kind": "monaural", "id": "space"}],
        "evidence": {
            "following": "tradition",
            "outcome": "tradition",
            "claim": "None.",
            "our_choices": ["space.beat_hz", "am.depth"],
        },
    }
    protocol = parsed(**former)

    assert (protocol.schema_version, protocol.spatial) == (3, None)
    assert [layer.id for layer in protocol.layers] == ["space-layer", "am"]
    assert [layer.id for layer in protocol.without_headphones] == ["space-layer"]
    assert protocol.evidence.our_choices == ("space-layer.beat_hz", "am.depth")
    assert parsed(schema_version=1, layers=[{"kind": "am"}]).spatial is None


def test_off_now_means_off():
    assert parsed(schema_version=3, spatial="off").spatial == "off"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"spatial": "on"}, "f: spatial = 'on': must be 'off'"),
        ({"spatial": {"mode": "cave"}}, "f: spatial.mode = 'cave': must be 'speakers' or 'scene'"),
        (
            {"spatial": {"mode": "speakers", "params": {"width_deg": 400}}},
            "f: spatial.params.width_deg = 400 is outside 0 … 360 deg",
        ),
        (
            {"spatial": {"mode": "speakers", "params": {"head_cm": 60}}},
            "f: spatial: head_cm belongs to the listener, not to a protocol",
        ),
        (
            {"layers": [{**RAIN, "place": {"azimuth_deg": 400}}]},
            "f: layers[0].place.azimuth_deg = 400: must be less than or equal to 360",
        ),
        (
            {"layers": [{"kind": "binaural", "place": {}}]},
            "f: layers[0].place: binaural needs both ears, so it has no place",
        ),
        (
            {"layers": [{"kind": "am", "place": {}}]},
            "f: layers[0].place: am processes your music; only generators have a place",
        ),
        (
            {"layers": [{"kind": "am", "id": "space"}]},
            "f: layers[0]: space is the layer of the space; give this layer another id",
        ),
        (
            {"layers": [{**RAIN, "id": f"rain-{n}"} for n in range(9)]},
            "f: more than 8 layers have a place",
        ),
        (
            {"requires_headphones": True, "without_headphones": [RAIN]},
            "f: without headphones there is no space, so no layer has a place",
        ),
        (
            {"layers": [{**RAIN, "place": {"path": "orbit", "path_hz": 0.5}}]},
            "f: rain moves by up to 180 degrees per second; more than 60 needs "
            '"fast": true in spatial',
        ),
        (
            {
                "layers": [
                    {
                        "kind": "noise",
                        "automation": {"azimuth_deg": {"points": [{"at_s": 0, "value": 0}]}},
                    }
                ]
            },
            "f: layers[0].automation.azimuth_deg.points[0]: azimuth_deg is not a parameter; "
            f"choose from {', '.join(blocks()['noise'].parameters)}",
        ),
    ],
)
def test_a_space_that_cannot_be_is_one_line(changes, line):
    assert refusal(**changes) == line


def ramp(*points: tuple[float, float, str]) -> Automation:
    return Automation(points=tuple(Breakpoint(at_s, value, curve) for at_s, value, curve in points))


@pytest.mark.parametrize(
    ("values", "automation", "speed"),
    [
        ({"path": 1, "path_hz": 1 / 6}, {}, 60),
        ({"path": 2, "path_hz": 0.5, "path_deg": -60}, {}, 60),
        ({"path": 3, "path_hz": 0.1, "path_deg": 90}, {}, math.sqrt(2) * math.pi * 9),
        ({"path": 4, "path_hz": 2, "path_deg": 120}, {}, 0),  # a swing up to 2 Hz is exempt
        ({"path": 4, "path_hz": 2.5, "path_deg": 20}, {}, math.pi * 50),
        ({"path": 5, "path_hz": 4}, {}, 0),
        ({}, {"azimuth_deg": ramp((0, 0, "linear"), (2, 90, "linear"))}, 45),
        ({}, {"azimuth_deg": ramp((0, 0, "smooth"), (3, 90, "linear"))}, 45),
        ({}, {"azimuth_deg": ramp((0, 10, "exponential"), (1, 20, "linear"))}, 20 * math.log(2)),
        ({}, {"azimuth_deg": ramp((0, 0, "step"), (0.1, 180, "linear"))}, 0),  # a jump
        ({}, {"width_deg": ramp((0, 0, "linear"), (1, 80, "linear"))}, 40),
        (
            {"path": 1, "path_hz": 0.1},
            {"elevation_deg": ramp((0, 0, "linear"), (1, 10, "linear"))},
            46,
        ),
        ({"path": 1}, {"path_hz": ramp((0, 0.1, "linear"), (9, 0.5, "linear"))}, 180),
    ],
)
def test_the_speed_of_a_source(values, automation, speed):
    assert movement.fastest_deg_per_s(values, automation) == pytest.approx(speed)


def test_fast_allows_any_speed():
    fast = {**RAIN, "place": {"path": "orbit", "path_hz": 2}}
    assert parsed(layers=[fast], spatial={"mode": "scene", "fast": True})


def test_values_of_a_place_and_of_the_space_are_set_like_others():
    protocol = parsed(spatial={"mode": "speakers"})

    moved = check.with_value(protocol, "rain.azimuth_deg", -90, blocks)
    moved = check.with_value(moved, "rain.path", 4, blocks)
    moved = check.with_value(moved, "space.width_deg", 90, blocks)

    assert moved.layers[0].place == places.Place(azimuth_deg=-90, path="swing")
    assert moved.spatial.params == {"width_deg": 90}
    with pytest.raises(ProtocolError, match="rain: azimuth_deg = 400 is outside"):
        check.with_value(protocol, "rain.azimuth_deg", 400, blocks)
    with pytest.raises(ProtocolError, match="there is no layer 'space'; choose from rain"):
        check.with_value(parsed(), "space.width_deg", 90, blocks)


def test_on_loudspeakers_no_layer_has_a_place():
    automation = {"azimuth_deg": ramp((0, 0, "linear")), "level_db": ramp((0, -20, "linear"))}
    layer = parsed().layers[0].model_copy(update={"automation": automation})

    (other,) = for_speakers([layer], blocks())

    assert other.place is None
    assert [*other.automation] == ["level_db"]
