"""Writes the pages of the control API from docs/templates/ and the models of its messages.

    .venv/bin/python docs/generate.py

Run it after each change of a request, an answer or a template, and after `.ci/setup test`, since
it reads the installed Entrain.  A template is the page with its prose and examples; these stand for
the parts that the models determine:

- ``{{commands}}``, ``{{fields}}``, ``{{status}}``, ``{{answers}}``, ``{{parts}}``: tables;
- ``{{refusal}}`` below a request: the answer that refuses it;
- ``{{MAX_CLIENTS}}`` and the like: a limit.

In the example of a status, fields that the template lacks are added with their initial values.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from entrain.engine import TAP_FRAMES
from entrain.tray.text.api_text import Schema, fields, model_name, value
from entrain.vdevice import limits
from entrain.vdevice.api import client, connection, control_server
from entrain.vdevice.api.messages import RequestError, Status, parse_request
from entrain.vdevice.api.schema import json_schema

DOCS = Path(__file__).parent
PAGES = ("control-api.md", "control-status.md", "control-answers.md")
LIMITS: Mapping[str, float] = {
    "LINE_TIMEOUT_S": connection.LINE_TIMEOUT_S,
    "MAX_CLIENTS": control_server.MAX_CLIENTS,
    "MAX_LAYERS": limits.MAX_LAYERS,
    "MAX_LINE_BYTES": connection.MAX_LINE_BYTES,
    "STOP_TIMEOUT_S": client.STOP_TIMEOUT_S,
    "TAP_FRAMES": TAP_FRAMES,
    "TIMEOUT_S": client.TIMEOUT_S,
}


def page(name: str) -> str:
    """Return the content of a page.

    Raises
    ------
    ValueError
        The template has an unknown placeholder, or a request is not refused.

    """
    schema = json_schema()
    parts = _parts(schema)
    template = (DOCS / "templates" / name).read_text(encoding="utf-8")
    tables: Mapping[str, Callable[[], str]] = {
        "commands": lambda: _commands(schema, template),
        "fields": lambda: _fields(schema),
        "status": lambda: _models(schema, parts.status),
        "answers": lambda: _models(schema, parts.answers),
        "parts": lambda: _models(schema, parts.requests),
        **{name: lambda limit=limit: f"{limit:.10g}" for name, limit in LIMITS.items()},
    }

    def fill(found: re.Match[str]) -> str:
        if found[1] not in tables:
            raise ValueError(f"{name}: unknown placeholder {found[0]}")
        return tables[found[1]]()

    text = re.sub(r"^(.*)\n\{\{refusal\}\}$", _refused, template, flags=re.MULTILINE)
    text = re.sub(r"^(\{.*\"command\": \"status\"\}\n)(.*)$", _whole, text, flags=re.MULTILINE)
    text = re.sub(r"\{\{(\w+)\}\}", fill, text)
    note = f"<!-- Made by docs/generate.py from docs/templates/{name}; change that file. -->\n\n"
    return note + text


def _refused(found: re.Match[str]) -> str:
    try:
        parse_request(found[1].encode())
    except RequestError as error:
        return f"{found[1]}\n{json.dumps({'ok': False, 'error': str(error)}, ensure_ascii=False)}"
    raise ValueError(f"Entrain takes this request: {found[1]}")


def _whole(found: re.Match[str]) -> str:
    answer = json.loads(found[2])
    if not answer.get("ok"):
        return found[0]
    status = Status.model_validate_json(json.dumps(answer["result"]))
    whole = {"ok": True, "result": status.model_dump(mode="json")}
    return found[1] + json.dumps(whole, ensure_ascii=False)


# ---- tables --------------------------------------------------------------------------------------


def _commands(schema: Schema, template: str) -> str:
    rows = []
    for command, parts in schema["commands"].items():
        result = value(parts["result"], _link) if "result" in parts else "none"
        text = _model(schema, parts["request"]["$ref"])["description"]
        rows.append((f"`{command}`", _with_section(text, command, template), result))
    return _table(("command", "effect", "result in the answer"), rows)


def _with_section(text: str, command: str, template: str) -> str:
    """Add a link to the section about a command, if there is one with its name."""
    for heading in re.findall(r"^### (.+)$", template, re.MULTILINE):
        if command in heading.split(", "):
            return f"{text} [Examples](#{heading.replace(', ', '-')})"
    return text


def _fields(schema: Schema) -> str:
    rows = [
        (f"`{command}`", f"`{field.name}`", field.value, _initial(field.initial), field.meaning)
        for command, parts in schema["commands"].items()
        for field in fields(_model(schema, parts["request"]["$ref"]), _link)
    ]
    return _table(("command", "field", "value", "if left out", "meaning"), rows)


def _initial(initial: str) -> str:
    return f"`{initial}`" if initial else "required"


def _models(schema: Schema, names: Iterable[str]) -> str:
    sections = []
    for name in names:
        model = _model(schema, name)
        rows = [(f"`{each.name}`", each.value, each.meaning) for each in fields(model, _link)]
        table = _table(("field", "value", "meaning"), rows)
        sections.append(f"### {model_name(name)}\n\n{model['description']}\n\n{table}")
    return "\n\n".join(sections)


class Parts(NamedTuple):
    """Models by the table that explains them, each in order of first use."""

    status: tuple[str, ...]
    """The status and its parts."""
    answers: tuple[str, ...]
    """Other answers and their parts."""
    requests: tuple[str, ...]
    """Parts that only requests have."""


def _parts(schema: Schema) -> Parts:
    commands = schema["commands"].values()
    requests = [each["request"] for each in commands]
    seen: set[str] = set()
    status = tuple(_reached(schema, schema["commands"]["status"]["result"], seen))
    answers = tuple(_reached(schema, [each.get("result") for each in commands], seen))
    themselves = [each["$ref"] for each in requests]
    others = tuple(each for each in _reached(schema, requests, seen) if each not in themselves)
    return Parts(status, answers, others)


def _reached(schema: Schema, node: Any, seen: set[str]) -> Iterator[str]:
    """Yield the models that a schema uses, without the models in `seen`."""
    if isinstance(node, list):
        for each in node:
            yield from _reached(schema, each, seen)
    elif isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str) and model_name(reference) not in seen:
            seen.add(model_name(reference))
            yield reference
            yield from _reached(schema, _model(schema, reference), seen)
        yield from _reached(schema, list(node.values()), seen)


def _model(schema: Schema, reference: str) -> Schema:
    found: Schema = schema["$defs"][reference.rpartition("/")[2]]
    return found


@cache
def _status_models() -> frozenset[str]:
    return frozenset(map(model_name, _parts(json_schema()).status))


def _link(reference: str) -> str:
    name = model_name(reference)
    where = "control-status.md" if name in _status_models() else "control-answers.md"
    return f"[{name}]({where}#{name.lower()})"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return (
        "\n".join(
            f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |".replace(
                "|  |", "| |"
            )
            for line in lines
        )
        .replace("| ---", "|---")
        .replace("--- |", "---|")
    )


if __name__ == "__main__":
    for name in PAGES:
        (DOCS / name).write_text(page(name), encoding="utf-8")
