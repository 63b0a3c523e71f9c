"""The fields of a protocol, and the messages about wrong ones."""

import json
from pathlib import Path

import pytest

from entrain.block import Block, Parameter
from entrain.vdevice.protocol import check, library, named_file, user_folder, values
from entrain.vdevice.protocol import document as documents
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.spec import from_specs, parse_spec, with_specs


def _block(kind: str, group: str, *parameters: Parameter) -> Block:
    return Block(kind, group, "", {parameter.symbol: parameter for parameter in parameters})


BLOCKS = {
    "binaural": _block(
        "binaural",
        "generator",
        Parameter("carrier_hz", "Carrier", "Hz", 20, 1500, 200, 0.01),
        Parameter("beat_hz", "Beat", "Hz", -50, 50, 10, 0.001),
    ),
    "am": _block("am", "processor", Parameter("depth", "Depth", "1", 0, 1, 0.5, 0.001)),
    "limiter": _block("limiter", "output", Parameter("ceiling_db", "Ceiling", "dB", -12, 0, -1, 1)),
}


def blocks() -> dict[str, Block]:
    return BLOCKS


def document(**changes: object) -> bytes:
    whole = {"id": "x", "name": "X", "layers": [{"kind": "binaural", "params": {"beat_hz": 4}}]}
    return json.dumps(whole | changes).encode()


def with_params(params: str) -> bytes:
    return document(layers=["@"]).replace(
        b'"@"', b'{"kind": "binaural", "params": %s}' % params.encode()
    )


def test_a_spec_is_one_layer():
    layer = parse_spec("tone=binaural:carrier_hz=400,beat_hz=-7.5", blocks)

    assert (layer.id, layer.kind) == ("tone", "binaural")
    assert layer.params == {"carrier_hz": 400.0, "beat_hz": -7.5}


def test_a_layers_id_is_its_kind_unless_named():
    assert parse_spec("am").id == "am"
    assert documents.parse_protocol(document(), "f").layers[0].id == "binaural"


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        ("binaural:beat_hz=60", "binaural: beat_hz = 60 is outside -50 … 50 Hz"),
        ("t=binaural:beat_hz=-50.01", "t: beat_hz = -50.01 is outside -50 … 50 Hz"),
        ("am:depth=1.5", "am: depth = 1.5 is outside 0 … 1"),
        (
            "binaural:beat_hz=nan",
            "binaural: beat_hz = nan is not a finite number; allowed is -50 … 50 Hz",
        ),
        (
            "binaural:beat_hz=-inf",
            "binaural: beat_hz = -inf is not a finite number; allowed is -50 … 50 Hz",
        ),
        ("binaural:beat_hz=x", "binaural: beat_hz = 'x' is not a number"),
        (
            "binaural:beet=1",
            "binaural: beet is not a parameter; choose from carrier_hz, beat_hz",
        ),
        ("theta:a=1", "theta: there is no layer kind 'theta'; choose from am, binaural"),
        ("limiter", "limiter: there is no layer kind 'limiter'; choose from am, binaural"),
        ("binaural:beat_hz", "binaural: 'beat_hz' is not key=value"),
        ("binaural:beat_hz=1,beat_hz=2", "binaural: beat_hz is given twice"),
        ("", "'' is not kind:key=value,... (binaural:beat_hz=10)"),
    ],
)
def test_a_bad_spec_is_one_line_with_field_and_range(spec, line):
    with pytest.raises(ProtocolError) as caught:
        parse_spec(spec, blocks)

    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"{", "f: not JSON: EOF while parsing an object at line 1 column 1"),
        (b"\xff", "f: not JSON: expected value at line 1 column 1"),
        (b"[" * 100_000, "f: not JSON: recursion limit exceeded at line 1 column 202"),
        (document(schema_version=4), "f: schema_version = 4: must be 3"),
        (document(colour=1), "f: colour is not a field that belongs here"),
        (document(id="../x"), "f: id = '../x' is not a name of a-z, 0-9, - and _"),
        (document(name="\x1b[2J"), "f: name = '\\x1b[2J' must be one line of printable text"),
        (document(layers=[{}]), "f: layers[0].kind is missing"),
        (
            document(layers=[{"kind": "am"}, {"kind": "am"}]),
            "f: two layers have the id 'am'; give each its own",
        ),
        (
            with_params('{"beat_hz": "4"}'),
            "f: layers[0].params.beat_hz = '4': must be a valid number",
        ),
        (
            with_params('{"beat_hz": true}'),
            "f: layers[0].params.beat_hz = True: must be a valid number",
        ),
        (
            with_params('{"beat_hz": NaN}'),
            "f: layers[0].params: beat_hz = nan is not a finite number; allowed is -50 … 50 Hz",
        ),
        (
            with_params('{"beat_hz": 1e999}'),
            "f: layers[0].params: beat_hz = inf is not a finite number; allowed is -50 … 50 Hz",
        ),
        (
            with_params('{"beat_hz": 60}'),
            "f: layers[0].params.beat_hz = 60 is outside -50 … 50 Hz",
        ),
    ],
)
def test_a_bad_document_is_one_line_with_field_and_range(text, line):
    with pytest.raises(ProtocolError) as caught:
        documents.parse_protocol(text, "f", blocks)

    assert str(caught.value) == line


def test_a_number_of_any_length_is_refused_in_one_short_line():
    with pytest.raises(ProtocolError) as caught:
        documents.parse_protocol(with_params('{"beat_hz": %s}' % ("9" * 4000)), "f", blocks)

    assert len(str(caught.value)) < 200


def test_all_problems_of_a_protocol_can_be_listed():
    layers = [
        {"kind": "binaural", "params": {"beat_hz": 60, "beet": 1}},
        {"kind": "theta"},
    ]

    found = list(check.problems(documents.parse_protocol(document(layers=layers), "f"), blocks))

    assert found == [
        "layers[0].params.beat_hz = 60 is outside -50 … 50 Hz",
        "layers[0].params.beet is not a parameter; choose from carrier_hz, beat_hz",
        "layers[1]: there is no layer kind 'theta'; choose from am, binaural",
    ]


def test_all_that_is_wrong_with_a_file_is_told_at_once():
    layers = [
        {"kind": "binaural", "params": {"beat_hz": 60}},
        {"kind": "am", "automation": {"depth": {"points": [{"at_s": 0, "value": 2}]}}},
    ]

    with pytest.raises(ProtocolError) as caught:
        documents.parse_protocol(document(layers=layers, max_minutes=0, colour=1), "f", blocks)

    assert str(caught.value).splitlines() == [
        "f: max_minutes = 0: must be greater than or equal to 1",
        "f: colour is not a field that belongs here",
        "f: layers[0].params.beat_hz = 60 is outside -50 … 50 Hz",
        "f: layers[1].automation.depth.points[0]: depth = 2 is outside 0 … 1",
    ]


def test_a_document_of_version_1_still_loads():
    text = document(schema_version=1, standalone=True, layers=[{"kind": "am"}])

    protocol = documents.parse_protocol(text, "f", blocks)

    assert (protocol.schema_version, protocol.standalone) == (3, True)
    assert protocol.layers[0].kind == "am"


def test_a_value_at_the_edge_of_its_range_is_allowed():
    values.check_value(BLOCKS["binaural"], "beat_hz", -50.0)
    values.check_value(BLOCKS["binaural"], "beat_hz", 50)


def test_a_protocol_survives_json():
    protocol = library.by_id("default")

    for text in (protocol.model_dump_json().encode(), documents.write_protocol(protocol)):
        assert documents.parse_protocol(text, "again") == protocol


def test_setting_a_value_makes_a_new_protocol():
    before = from_specs(["tone=binaural:beat_hz=4", "am"], blocks)

    after = check.with_value(before, "tone.beat_hz", 7, blocks)

    assert after.layers[0].params == {"beat_hz": 7.0}
    assert after.layers[1] == before.layers[1]
    assert before.layers[0].params == {"beat_hz": 4.0}


@pytest.mark.parametrize(
    ("address", "value", "line"),
    [
        ("tone", 1, "'tone' is not an address (layer.parameter: tone.beat_hz)"),
        ("a.b.c", 1, "'a.b.c' is not an address (layer.parameter: tone.beat_hz)"),
        ("ton.beat_hz", 1, "there is no layer 'ton'; choose from tone"),
        ("tone.beat_hz", 51, "tone: beat_hz = 51 is outside -50 … 50 Hz"),
        (
            "tone.beat_hz",
            float("nan"),
            "tone: beat_hz = nan is not a finite number; allowed is -50 … 50 Hz",
        ),
    ],
)
def test_a_value_that_cannot_be_set_is_one_line(address, value, line):
    protocol = from_specs(["tone=binaural"], blocks)

    with pytest.raises(ProtocolError) as caught:
        check.with_value(protocol, address, value, blocks)

    assert str(caught.value) == line


# ---- library: ID, FILE or SPEC -------------------------------------------------------------


def test_shipped_protocols_are_named_like_their_files_and_fit_the_real_blocks():
    from entrain.engine import blocks as real_blocks

    assert library.DEFAULT_ID in library.ids()
    for name in library.ids():
        protocol = library.by_id(name)
        assert protocol.id == name
        check.check(protocol, real_blocks)


def test_the_form_of_the_text_tells_id_file_and_spec_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.json").write_bytes(document(id="mine"))
    Path("default").write_bytes(document(id="not-this-one"))

    assert library.resolve("default").id == "default"
    assert library.resolve("./default").id == "not-this-one"
    assert library.resolve("mine.json").id == "mine"
    assert library.resolve("am:depth=1").id == "custom"
    assert library.resolve("soft=am").layers[0].id == "soft"


def test_layers_are_added_to_a_protocol_and_get_free_ids():
    protocol = library.resolve("default", ["am", "am:depth=1", "soft=am"])

    assert [layer.id for layer in protocol.layers] == ["tone", "am", "am-2", "soft"]
    assert protocol.id == "custom"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("nope", "there is no protocol 'nope'; choose from "),
        ("no/such.json", "cannot read no/such.json: No such file or directory"),
        ("/", "/ is not a file"),
        ("a\0b", "cannot read a\\x00b: embedded null byte"),
    ],
)
def test_a_protocol_that_is_not_there_is_one_line(text, line):
    with pytest.raises(ProtocolError) as caught:
        library.resolve(text)

    assert str(caught.value).startswith(line)


def test_a_huge_file_is_refused(tmp_path):
    file = tmp_path / "huge.json"
    file.write_bytes(document() + b" " * user_folder.MAX_FILE_BYTES)

    with pytest.raises(ProtocolError, match="is larger than 1048576 bytes"):
        named_file.load_file(file)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    file = tmp_path / "bom.json"
    file.write_bytes(b"\xef\xbb\xbf" + document(id="bom"))

    assert named_file.load_file(file).id == "bom"


def test_the_schema_can_be_exported():
    schema = Protocol.model_json_schema()

    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"id", "name", "layers"}


def test_added_layers_get_ids_that_are_free_on_loudspeakers_too():
    mine = Protocol.model_validate(
        {
            **{"id": "mine", "name": "Mine", "requires_headphones": True},
            "layers": [{"kind": "binaural", "id": "tone"}],
            "without_headphones": [{"kind": "am", "id": "am"}],
        },
        strict=False,
    )

    both = with_specs(mine, ["am:depth=0.5"], blocks)

    assert [layer.id for layer in both.layers] == ["tone", "am-2"]
    assert Protocol.model_validate_json(both.model_dump_json()) == both
    with pytest.raises(ProtocolError, match="at most 64 layers"):
        with_specs(mine, ["am"] * 64, blocks)


def test_a_wrong_field_hides_no_wrong_layer():
    layers = [{"kind": "am", "params": {"depth": 2}}]
    text = document(layers=layers, without_headphones=layers, category="nosuch")

    with pytest.raises(ProtocolError) as caught:
        documents.parse_protocol(text, "x", blocks)

    lines = str(caught.value).splitlines()
    assert lines[0].startswith("x: category = 'nosuch'")
    assert lines[1:] == [
        "x: layers[0].params.depth = 2 is outside 0 … 1",
        "x: without_headphones[0].params.depth = 2 is outside 0 … 1",
    ]
