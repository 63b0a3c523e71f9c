"""The pages of the control API are made from the models, and their examples are true."""

import json
import re
import runpy
from pathlib import Path

import jsonschema
import pytest

from entrain.engine import blocks
from entrain.vdevice.api.listed.blocks import described as described_blocks
from entrain.vdevice.api.listed.heads import listed_heads
from entrain.vdevice.api.listed.protocols import whole
from entrain.vdevice.api.messages import (
    COMMANDS,
    Device,
    RequestError,
    Samples,
    Status,
    parse_request,
)
from entrain.vdevice.api.schema import json_schema
from entrain.vdevice.protocol import library
from entrain.vdevice.protocol.errors import ProtocolError

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "control-api.md").read_text(encoding="utf-8")
GENERATOR = runpy.run_path(str(DOCS / "generate.py"))
SCHEMA = json_schema()
FITS = jsonschema.Draft202012Validator(SCHEMA)


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
GOOD = [sent for sent, answer in exchanges() if not answer or json.loads(answer)["ok"]]


@pytest.mark.parametrize("name", GENERATOR["PAGES"])
def test_a_page_is_up_to_date(name):
    written = (DOCS / name).read_text(encoding="utf-8")
    if written != GENERATOR["page"](name):
        pytest.fail(f"docs/{name} is out of date; run: .venv/bin/python docs/generate.py")


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


def described(reference: str) -> dict[str, str]:
    """Return the descriptions of a model and of its fields; an absent one is empty."""
    model = SCHEMA["$defs"][reference.rpartition("/")[2]]
    fields = model["properties"].items()
    return {"": model.get("description", "")} | {
        name: field.get("description", "") for name, field in fields if name != "command"
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_and_its_fields_have_docstrings(command):
    texts = described(SCHEMA["commands"][command]["request"]["$ref"])
    assert [name for name, text in texts.items() if not text] == []


def test_every_field_of_the_status_has_a_docstring():
    texts = described("Status")
    assert [name for name, text in texts.items() if not text] == []


@pytest.mark.parametrize("request_", GOOD)
def test_the_schema_takes_the_requests_of_the_page(request_):
    FITS.validate(json.loads(request_))


@pytest.mark.parametrize(
    "request_",
    ['{"command": "nonsense"}', '{"command": "status", "x": 1}', "{}"]
    + ['{"command": "watch", "interval_s": 0.01}', '{"command": "bypass", "on": "yes"}'],
)
def test_the_schema_refuses_what_entrain_refuses(request_):
    assert refused_when_read(request_)
    with pytest.raises(jsonschema.ValidationError):
        FITS.validate(json.loads(request_))


@pytest.mark.parametrize(("request_", "answer"), [each for each in ANSWERED if each[1]["ok"]])
def test_the_schema_takes_the_answers_of_the_page(request_, answer):
    result = SCHEMA["commands"][json.loads(request_)["command"]]["result"]
    FITS.evolve(schema={"$defs": SCHEMA["$defs"], **result}).validate(answer["result"])


def test_the_schema_is_one():
    FITS.check_schema(SCHEMA)


def test_only_a_pose_has_no_answer():
    commands = SCHEMA["commands"].items()
    assert [name for name, parts in commands if "result" not in parts] == ["head"]


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

    (found,) = [
        each for each in described_blocks(blocks().values()).blocks if each.kind == shown["kind"]
    ]

    assert found.model_dump(mode="json") == shown
