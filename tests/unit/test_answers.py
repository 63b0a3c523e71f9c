"""The types that clients see agree with the models on the other side of the socket."""

import types
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from itertools import chain
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from pydantic import BaseModel

from entrain.vdevice.api import answers, messages
from entrain.vdevice.api.messages import measurements, remote_results, results
from entrain.vdevice.device.applications.rules import ApplicationRules
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.parts.automation import Automation, Breakpoint
from entrain.vdevice.protocol.parts.evidence import Evidence, Source
from entrain.vdevice.protocol.parts.places import Place, Spatial
from entrain.vdevice.remote.midi_settings import MidiMapping

MODELS = {
    **{
        name: model
        for name, model in (vars(results) | vars(measurements)).items()
        if name in messages.__all__
    },
    "MidiLearning": remote_results.MidiLearning,
    "MidiMappings": remote_results.MidiMappings,
    "ApplicationRules": ApplicationRules,
    "MidiMapping": MidiMapping,
    "Layer": Layer,
    "Automation": Automation,
    "Breakpoint": Breakpoint,
    "Place": Place,
    "Spatial": Spatial,
    "Source": Source,
    "Evidence": Evidence,
    "Protocol": Protocol,
}
TYPES = {name: each for name, each in vars(answers).items() if is_typeddict(each)}


def as_json(hint: Any) -> Any:
    """Return a field's type in JSON; models are replaced by their names."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return as_json(arguments[0])
    if origin in (Union, types.UnionType):
        return frozenset(chain.from_iterable(map(members, arguments)))
    if origin is tuple or origin is list or origin is Sequence:
        return ("list", as_json(arguments[0]))
    if origin is dict:
        return ("dict", as_json(arguments[0]), as_json(arguments[1]))
    if isinstance(hint, type) and (
        issubclass(hint, BaseModel) or is_dataclass(hint) or is_typeddict(hint)
    ):
        return hint.__name__
    return hint


def members(hint: Any) -> frozenset[Any]:
    """Return the members of a union within a union, or of another type the type itself."""
    found = as_json(hint)
    return found if isinstance(found, frozenset) else frozenset([found])


def written(model: Any) -> dict[str, Any]:
    """Return the types of the fields, as the model writes them."""
    hints = get_type_hints(model, include_extras=True)
    if not is_dataclass(model):
        for each in model.__pydantic_decorators__.field_serializers.values():
            hints |= dict.fromkeys(each.info.fields, get_type_hints(each.func)["return"])
    return hints


def test_every_model_has_its_type_and_every_type_its_model():
    assert set(TYPES) == {name for name, each in MODELS.items() if isinstance(each, type)}


@pytest.mark.parametrize("name", TYPES)
def test_a_type_has_the_fields_of_its_model(name):
    model, typed = MODELS[name], TYPES[name]
    hints = written(model)
    names = [each.name for each in fields(model)] if is_dataclass(model) else model.model_fields

    found = {field: as_json(hint) for field, hint in get_type_hints(typed).items()}

    assert found == {field: as_json(hints[field]) for field in names}
    assert list(found) == list(names)
    assert typed.__required_keys__ == set(names)  # a server writes all fields
