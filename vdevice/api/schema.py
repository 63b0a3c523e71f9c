"""The control API as JSON Schema, made from the models of its messages.

The descriptions are the docstrings of the models and of their fields.  docs/generate.py makes pages
of it, and `entrain api` prints it.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from entrain.vdevice.api.messages import COMMANDS, Request, Signal

REQUESTS: Mapping[str, Any] = dict(zip(COMMANDS, get_args(get_args(Request)[0]), strict=True))
"""The model of each command."""


_MODES: Mapping[str, JsonSchemaMode] = {"request": "validation", "result": "serialization"}


@cache
def json_schema() -> Mapping[str, Any]:
    """Return the JSON Schema of all requests, with the schema of each command's answer.

    As a whole it describes a request.  Under ``commands`` it has for each command the schema of its
    ``request``, and of the ``result`` in its answer; a command without an answer has no ``result``.
    """
    wanted: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = []
    for command, model in REQUESTS.items():
        wanted.append((command, "validation", TypeAdapter(model)))
        if not issubclass(model, Signal):
            wanted.append((command, "serialization", TypeAdapter(model.answer)))
    found, shared = TypeAdapter.json_schemas(wanted, schema_generator=_WithFieldTexts)
    commands = {
        command: {
            name: found[command, mode] for name, mode in _MODES.items() if (command, mode) in found
        }
        for command in REQUESTS
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Entrain's control API: a request, one JSON object per line",
        "oneOf": [each["request"] for each in commands.values()],
        "commands": commands,
        "$defs": shared["$defs"],
    }


class _WithFieldTexts(GenerateJsonSchema):
    """Describes each field by its docstring."""

    def field_title_should_be_set(self, _schema: object) -> bool:
        return False  # a name with capitals tells no more than the name

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        return _described(super().model_schema(schema), schema["cls"])

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        found = super().tagged_union_schema(schema)
        if "oneOf" in found and "discriminator" not in found:  # told apart by code: both may fit
            found["anyOf"] = found.pop("oneOf")
        return found

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        return _described(super().dataclass_schema(schema), schema["cls"])


def _described(schema: JsonSchemaValue, cls: type) -> JsonSchemaValue:
    if "description" in schema:
        schema["description"] = _json_words(schema["description"])
    fields = schema.get("properties", {})
    for name, text in field_texts(cls).items():
        if name in fields:
            fields[name]["description"] = _json_words(text)
    if "const" in fields.get("command", {}):  # it has a default only in Python
        schema["required"] = ["command", *schema.get("required", ())]
        del fields["command"]["default"]
    return schema


@cache
def field_texts(cls: type) -> dict[str, str]:
    """Return the docstrings of a class's fields, also of inherited ones."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("entrain."):
            found.update(_own_field_texts(base))
    return found


def _own_field_texts(cls: type) -> Iterator[tuple[str, str]]:
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(said))),
            ):
                yield name, inspect.cleandoc(said)


def _json_words(text: str) -> str:
    """Turn a docstring into a line that speaks of JSON: null, true and false."""
    for python, said in (("``", "`"), ("None", "null"), ("True:", "true:"), ("False:", "false:")):
        text = text.replace(python, said)
    return " ".join(text.split())
