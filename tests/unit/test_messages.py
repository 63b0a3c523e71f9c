"""The requests of the control socket, and the status as JSON."""

import json
import math
from typing import get_args

import pytest

from entrain.block import Block, Parameter
from entrain.vdevice.api import messages
from entrain.vdevice.api.messages import RequestError, parse_request

REQUESTS = get_args(get_args(messages.Request)[0])


def blocks() -> dict[str, Block]:
    beat = Parameter("beat_hz", "Beat", "Hz", -50, 50, 10, 0.001)
    return {"binaural": Block("binaural", "generator", "", {"beat_hz": beat})}


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ('{"command": "status"}', messages.GetStatus()),
        ('{"command": "bypass"}', messages.Bypass(on=None)),
        ('{"command": "bypass", "on": false}', messages.Bypass(on=False)),
        ('{"command": "use", "protocol": "default"}', messages.Use(protocol="default")),
        (
            '{"command": "set", "address": "tone.beat_hz", "value": -4}',
            messages.Set(address="tone.beat_hz", value=-4.0, over_s=0.0),
        ),
        ('{"command": "output", "name": "a b"}', messages.SetOutput(name="a b")),
        ('{"command": "watch", "interval_s": 2}\r\n', messages.Watch(interval_s=2.0)),
    ],
)
def test_a_request_is_read(line, request_):
    assert parse_request(line.encode()) == request_


def test_a_protocol_can_be_sent_as_a_whole():
    document = {"id": "x", "name": "X", "layers": [{"kind": "am", "params": {"depth": 1}}]}

    request = parse_request(json.dumps({"command": "use", "protocol": document}).encode())

    assert isinstance(request, messages.Use)
    assert not isinstance(request.protocol, str)
    assert request.protocol.layers[0].params == {"depth": 1.0}


def test_a_value_that_is_not_finite_reaches_the_one_who_knows_the_range():
    request = parse_request(b'{"command": "set", "address": "a.b", "value": NaN}')

    assert isinstance(request, messages.Set)
    assert math.isnan(request.value)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"", "not JSON: EOF while parsing a value at line 1 column 0"),
        (b"status", "not JSON: expected value at line 1 column 1"),
        (b"3", "the document: must be an object"),
        (
            b"{}",
            "command must be one of status, stop, on, off, bypass, use, next, save, delete, ",
        ),
        (b'{"command": ["on"]}', "command must be one of "),
        (b'{"command": "status", "x": 1}', "x is not a field that belongs here"),
        (b'{"command": "bypass", "on": "yes"}', "on = 'yes': must be a valid boolean"),
        (b'{"command": "use"}', "protocol is missing"),
        (b'{"command": "use", "protocol": "A b"}', "protocol = 'A b' is not a name of a-z, "),
        (
            b'{"command": "use", "protocol": {"id": "x", "name": "X", "layers": [{"kind": 3}]}}',
            "protocol.layers[0].kind = 3: must be a valid string",
        ),
        (
            b'{"command": "use", "protocol": {"id": "x", "name": "X", "layers": '
            b'[{"kind": "binaural", "params": {"beat_hz": Infinity}}]}}',
            "protocol.layers[0].params: beat_hz = inf is not a finite number; allowed is -50 … 50",
        ),
        (
            b'{"command": "set", "address": "a.b", "value": "1"}',
            "value = '1': must be a valid number",
        ),
        (
            b'{"command": "set", "address": "a.b", "value": 1, "over_s": 86401}',
            "over_s = 86401 is outside 0 … 86400 s",
        ),
        (
            b'{"command": "set", "address": "a.b", "value": 1, "over_s": NaN}',
            "over_s = nan is outside 0 … 86400 s",
        ),
        (b'{"command": "watch", "interval_s": 0}', "interval_s = 0 is outside 0.05 … 60 s"),
        (
            b'{"command": "output", "name": "a\\nb"}',
            "name = 'a\\nb' must be one line of printable text",
        ),
    ],
)
def test_a_request_that_cannot_be_read_is_one_line_naming_the_field(line, error):
    with pytest.raises(RequestError) as caught:
        parse_request(line, blocks)

    assert str(caught.value).startswith(error)
    assert "\n" not in str(caught.value)


def test_a_status_has_what_scripts_rely_on():
    status = messages.Status(
        state="idle",
        reason="nothing plays",
        on=True,
        bypass=False,
        backend="null",
        sink="entrain",
        output=messages.Output(name="a", description="A", rate_hz=48000, quantum_frames=256),
        latency=messages.Latency(added_frames=70, added_ms=1.46),
        protocol=messages.ActiveProtocol(id="default", name="Alpha 10", elapsed_s=1.5, layers=[]),
        levels=messages.Levels(in_db=-math.inf, out_db=-20.0),
        version="0.1.0",
    )

    read = json.loads(json.dumps(status.model_dump(), allow_nan=False))

    assert {"state", "backend", "sink", "xruns", "cpu_load", "errors"} <= read.keys()
    assert {"name", "rate_hz", "quantum_frames"} <= read["output"].keys()
    assert {"added_frames", "added_ms"} == read["latency"].keys()
    assert {"id", "elapsed_s"} <= read["protocol"].keys()
    assert read["levels"]["in_db"] is None  # JSON has no number for silence, minus infinity
    assert read["levels"]["out_db"] == -20.0


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "address is missing"),
        ({"address": "a.b"}, "value is missing"),
        ({"value": 1}, "address is missing"),
        ({"values": {}}, "values must not be empty"),
        ({"values": {"a.b": "1"}}, "values.a.b = '1': must be a valid number"),
        ({"values": {"a.b": 1}, "address": "a.b"}, "address = 'a.b' does not belong beside value"),
        ({"values": {"a.b": 1}, "value": 1}, "value = 1 does not belong beside values"),
        ({"values": {f"a.b{n}": 1 for n in range(257)}}, "values has more than 256 entries"),
        ({"values": {"a.b": 1}, "over_s": -1}, "over_s = -1 is outside 0 … 86400 s"),
    ],
)
def test_a_set_has_one_value_or_several(fields, error):
    with pytest.raises(RequestError) as told:
        parse_request(json.dumps({"command": "set", **fields}).encode())

    assert str(told.value).startswith(error)


def test_every_request_is_a_query_a_command_or_a_signal():
    queries = [each for each in REQUESTS if issubclass(each, messages.Query)]
    commands = [each for each in REQUESTS if issubclass(each, messages.Command)]
    signals = [each for each in REQUESTS if issubclass(each, messages.Signal)]

    assert signals == [messages.TurnHead]
    assert len([*queries, *commands, *signals]) == len(REQUESTS) == len(messages.COMMANDS)
    names = {each.model_fields["command"].default for each in queries}
    lists = {"devices", "protocols", "blocks", "heads", "midi_mappings"}
    assert names == {"status", "protocol", "tap", "watch"} | lists


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"parts": ["state", "nonsense"]}, "parts[1] = 'nonsense' is not a field of the status"),
        ({"parts": []}, "parts must not be empty"),
        ({"client": "x" * 65}, "client = 'xxx"),
        ({"client": "a\nb"}, "client = "),
    ],
)
def test_a_watch_names_parts_of_the_status(fields, error):
    with pytest.raises(RequestError) as told:
        parse_request(json.dumps({"command": "watch", **fields}).encode())

    assert str(told.value).startswith(error)


@pytest.mark.parametrize(
    ("names", "error"),
    [
        (["x"] * 5000, "applications.exclude has more than 200 entries"),
        ([""], "applications.exclude[0] = '' must not be empty"),
        (["x" * 300], "applications.exclude[0] = 'xxxxx"),
    ],
)
def test_lists_of_applications_have_an_end(names, error):
    line = json.dumps({"command": "settings", "applications": {"exclude": names}})

    with pytest.raises(RequestError) as told:
        parse_request(line.encode())

    assert str(told.value).startswith(error)
    assert len(str(told.value)) < 200


def test_a_text_too_long_is_measured_in_characters():
    with pytest.raises(RequestError, match=r"is longer than 100 characters$"):
        parse_request(json.dumps({"command": "save", "name": "y" * 200}).encode())
