"""docs/control-api.md agrees with the program."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from entrain.engine import TAP_FRAMES, blocks
from entrain.vdevice import limits
from entrain.vdevice.api import client, connection, control_server, messages
from entrain.vdevice.api.listed_blocks import described
from entrain.vdevice.api.listed_heads import listed_heads
from entrain.vdevice.api.listed_protocols import whole
from entrain.vdevice.api.messages import (
    COMMANDS,
    Device,
    RequestError,
    Samples,
    Status,
    parse_request,
)
from entrain.vdevice.protocol import library
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.model import Protocol

PAGE = (Path(__file__).parents[2] / "docs" / "control-api.md").read_text(encoding="utf-8")


def blocks_of(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def exchanges() -> list[tuple[str, str | None]]:
    """Return each request with the answer below it, if any."""
    found: list[tuple[str, str | None]] = []
    for line in "".join(blocks_of("json")).splitlines():
        if "command" in json.loads(line):
            found.append((line, None))
        else:
            found[-1] = (found[-1][0], line)
    return found


def refused_when_read(request: str) -> str | None:
    try:
        parse_request(request.encode())
    except RequestError as error:
        return str(error)
    return None


ANSWERED = [(sent, json.loads(answer)) for sent, answer in exchanges() if answer]
MODELS = dict(zip(COMMANDS, get_args(get_args(messages.Request)[0]), strict=True))
GOOD = [sent for sent, answer in exchanges() if not answer or json.loads(answer)["ok"]]


@pytest.mark.parametrize("request_", GOOD)
def test_each_request_that_is_not_refused_is_one(request_):
    parse_request(request_.encode())


@pytest.mark.parametrize(
    ("request_", "error"), [(sent, a["error"]) for sent, a in ANSWERED if not a["ok"]]
)
def test_a_refusal_reads_as_shown(request_, error):
    """Parsing accepts layers, protocols and devices, which only the running app can check."""
    assert refused_when_read(request_) in (error, None)
    by_the_app = ("there is", "tone:", "comes with Entrain")
    if not any(words in error for words in by_the_app):
        assert refused_when_read(request_) == error


def test_the_refusal_of_an_unknown_protocol_reads_as_shown():
    """The numbers may differ, since protocols are added."""
    (shown,) = [a["error"] for _, a in ANSWERED if "there is no protocol" in a.get("error", "")]

    with pytest.raises(ProtocolError) as caught:
        library.by_id("nonsense")

    pattern = r"choose from (.*) … \(`entrain protocols` lists all \d+\)$"
    (said,) = re.findall(pattern, str(caught.value))
    (listed,) = re.findall(pattern, shown)
    assert {*listed.split(", ")} <= {*library.ids()}
    assert len(listed.split(", ")) == len(said.split(", "))


def test_the_refusal_to_delete_a_shipped_protocol_reads_as_shown():
    (shown,) = [a["error"] for _, a in ANSWERED if "comes with Entrain" in a.get("error", "")]

    with pytest.raises(ProtocolError) as caught:
        library.Library(None).delete("focus-16")

    assert str(caught.value) == shown


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_explained_and_has_an_example(command):
    assert re.search(rf"^\| `{command}` \|", PAGE, re.MULTILINE)
    assert command in [json.loads(request)["command"] for request in GOOD]


def test_every_field_of_a_command_is_named_in_its_row():
    for command in COMMANDS:
        row = re.search(rf"^\| `{command}` \| (.*?) \|", PAGE, re.MULTILINE)
        names = re.findall(r"`(\w+)`:", row[1]) if row else []
        common = {"command", "client"}
        assert names == [name for name in MODELS[command].model_fields if name not in common]


def test_the_answers_are_what_the_program_can_say():
    for sent, answer in ANSWERED:
        if answer["ok"] and json.loads(sent)["command"] == "status":
            status = Status.model_validate_json(json.dumps(answer["result"]))
            assert json.loads(status.model_dump_json()) == answer["result"]
        if answer["ok"] and json.loads(sent)["command"] == "protocol":
            found = whole(library.Library(None), json.loads(sent)["id"])
            assert found.model_dump(mode="json") == answer["result"]
        if answer["ok"] and json.loads(sent)["command"] == "heads":
            assert listed_heads().model_dump(mode="json") == answer["result"]
        if answer["ok"] and json.loads(sent)["command"] == "tap":
            told = Samples.model_validate(answer["result"])
            assert told.bytes == 16 * told.frames
        if answer["ok"] and json.loads(sent)["command"] == "devices":
            assert [Device.model_validate(device) for device in answer["result"]]


def test_the_block_that_is_shown_is_one():
    (text,) = blocks_of("text")
    shown = json.loads(text)

    (found,) = [each for each in described(blocks().values()).blocks if each.kind == shown["kind"]]

    assert found.model_dump(mode="json") == shown


def test_every_field_of_the_status_is_explained():
    table = PAGE.split("### status")[1].split("### on")[0]
    explained = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)))
    assert explained == [name for name in Status.model_fields if name != "version"]


def test_the_limits_are_those_of_the_program():
    rows = re.findall(r"^\| .*? \| (\d+)", PAGE.split("## Limits")[1], re.MULTILINE)
    (max_layers,) = (m.max_length for m in Protocol.model_fields["layers"].metadata)
    assert [int(limit) for limit in rows] == [
        connection.MAX_LINE_BYTES,
        control_server.MAX_CLIENTS,
        connection.LINE_TIMEOUT_S,
        max_layers,
    ]
    assert f"wait {client.TIMEOUT_S:g} s" in PAGE
    assert f"{client.STOP_TIMEOUT_S:g} s for the end" in PAGE
    assert f"0 … {limits.MAX_OVER_S:.0f} s" in PAGE
    assert f"`frames`: 1 … {limits.MAX_TAP_FRAMES}, " in PAGE
    assert f"({TAP_FRAMES} frames)" in PAGE
