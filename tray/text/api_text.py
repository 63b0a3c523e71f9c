"""Text about the control API, made from its JSON Schema: for `entrain api` and for docs/."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

Schema = Mapping[str, Any]


class FieldText(NamedTuple):
    """A field of a request or of an answer, in words."""

    name: str
    value: str
    """Type and range."""
    initial: str
    """Value if the field is left out, as JSON; empty: it is required."""
    meaning: str


def model_name(reference: str) -> str:
    """Return the name of a model from a reference; a model has another schema in an answer."""
    return reference.rpartition("/")[2].partition("-")[0]


def fields(model: Schema, name_model: Callable[[str], str] = model_name) -> Iterator[FieldText]:
    """Yield the fields of a model, without `command` and `client`, which every request has.

    Parameters
    ----------
    model : mapping
        JSON Schema of an object.
    name_model : callable
        Returns the text that stands for a reference to another model.

    """
    required = model.get("required", ())
    for name, field in model["properties"].items():
        if name not in ("command", "client"):
            initial = "" if name in required else _initial(field.get("default"))
            yield FieldText(name, value(field, name_model), initial, field.get("description", ""))


def _initial(default: object) -> str:
    return f"{default:.10g}" if isinstance(default, float) else json.dumps(default)


def value(schema: Schema, name_model: Callable[[str], str] = model_name) -> str:
    """Return type and range of a value in words, such as ``0 … 60 s or null``."""
    *first, last = dict.fromkeys(_alternatives(schema, name_model))
    return f"{', '.join(first)} or {last}" if first else last


def _alternatives(schema: Schema, name_model: Callable[[str], str]) -> Iterator[str]:
    for union in ("anyOf", "oneOf"):
        for each in schema.get(union, ()):
            yield from _alternatives(each, name_model)
        if union in schema:
            return
    if "$ref" in schema:
        yield name_model(schema["$ref"])
    elif "enum" in schema:
        yield from (f"`{each}`" for each in schema["enum"])
    elif "const" in schema:
        yield f"`{schema['const']}`"
    elif schema.get("type") == "boolean":
        yield from ("true", "false")
    else:
        yield _one(schema, name_model)


def _one(schema: Schema, name_model: Callable[[str], str]) -> str:
    match schema.get("type"):
        case "null":
            return "null"
        case "integer" | "number" as kind:
            return _number(schema, "whole number" if kind == "integer" else "number")
        case "array" if "prefixItems" in schema:
            return f"list of {len(schema['prefixItems'])}: {_inner(schema, name_model)}"
        case "array":
            return f"list of {_inner(schema, name_model)}{_most(schema, 'maxItems')}"
        case "object":
            return f"object of {_inner(schema, name_model)}{_most(schema, 'maxProperties')}"
        case "string" if "pattern" in schema:
            return "id"
        case _:
            return f"text{_most(schema, 'maxLength', ' characters')}"


def _inner(schema: Schema, name_model: Callable[[str], str]) -> str:
    """Return the type of the elements of a list, or of the values of an object."""
    patterns = [*schema.get("patternProperties", {}).values(), {}]
    inner = schema.get("items") or schema.get("additionalProperties") or patterns[0]
    inner = schema.get("prefixItems", [inner])[0]
    return value({name: inner[name] for name in inner if name != "maxLength"}, name_model)


def _most(schema: Schema, limit: str, unit: str = "") -> str:
    return f" (at most {schema[limit]}{unit})" if limit in schema else ""


def _number(schema: Schema, kind: str) -> str:
    unit = f" {schema['unit']}" if "unit" in schema else ""
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None:
        return f"{kind}{unit}"
    return f"{low:.10g} … {high:.10g}{unit}" if high is not None else f"{kind} from {low:.10g}"


def overview(schema: Schema, socket: str) -> str:
    """Return a page that teaches the control API."""
    names = schema["commands"]
    width = max(map(len, names))
    lines = [f"{name:{width}}  {_summary(_request(schema, name)['description'])}" for name in names]
    return f"""\
Entrain listens at {socket}

Send one JSON object per line; each gets one line as its answer:
  {{"command": "bypass", "on": true}}
  {{"ok": true, "result": {{"state": "bypassed", …}}}}
An error is one line for a person, and a refused request changes nothing:
  {{"ok": false, "error": "on = 'yes': must be a valid boolean"}}

In Python:
  from entrain import Client
  with Client() as client:
      client.ask("bypass", on=True)
      print(client.status().measured)

{chr(10).join(lines)}

`entrain api COMMAND` explains the fields of a command.
`entrain api --schema` prints the JSON Schema of all requests and answers.
"""


def command(schema: Schema, name: str) -> str:
    """Return a page about one command."""
    request, answer = _request(schema, name), schema["commands"][name].get("result")
    said = [f"{name}: {request['description']}", ""]
    for field in fields(request):
        initial = f"; left out: {field.initial}" if field.initial else ""
        said += [f"  {field.name}: {field.value}{initial}", f"      {field.meaning}"]
    said += [""] if said[-1] else []
    said.append(f"Answer: {value(answer) if answer else 'none, unless it is refused'}")
    return "\n".join(said) + "\n"


def _request(schema: Schema, name: str) -> Schema:
    found: Schema = schema["$defs"][schema["commands"][name]["request"]["$ref"].rpartition("/")[2]]
    return found


def _summary(text: str) -> str:
    return text.partition(". ")[0].partition("; ")[0].rstrip(".")
