"""Reads as much as possible of a stored document, field by field and entry by entry.

This module does not know files, or the meaning of fields.
"""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from entrain.vdevice.protocol.wording import explain

_Model = TypeVar("_Model", bound=BaseModel)
_Place = tuple[str | int, ...]

_MOST_DIGITS = 1000
_MAX_ROUNDS = 20
"""Largest number of attempts; leaving a field out may reveal another error."""


def read(
    model: type[_Model], text: bytes, prepare: Callable[[dict[str, Any]], None] | None = None
) -> tuple[_Model, list[str]]:
    """Read a JSON document, and leave out the fields that the model refuses.

    Parameters
    ----------
    model : type
        A pydantic model.  Required fields cannot be left out.
    text : bytes
        The document in any UTF encoding, with or without a byte order mark.
    prepare : callable, optional
        Converts a document of an earlier version, in place.

    Returns
    -------
    model
        The readable part.
    list of str
        The fields that were left out, and the reasons, one line each.

    Raises
    ------
    ValueError
        The text is not JSON, is not an object, or lacks a required field.

    """
    document = _parsed(text)
    if prepare:
        prepare(document)
    lost: list[str] = []
    for _ in range(_MAX_ROUNDS):
        try:
            text = json.dumps(document, ensure_ascii=False).encode(errors="replace")
            return model.model_validate_json(text), lost
        except ValidationError as error:
            lost += explain(error)
            if not _leave_out(document, error):
                break
    raise ValueError(lost[-1])


def _parsed(text: bytes) -> dict[str, Any]:
    """Parse JSON.  Pydantic's own parser would refuse the whole document for one odd number."""
    try:
        document = json.loads(text, parse_int=_integer)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    return document


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < _MOST_DIGITS else float(digits)


def _leave_out(document: dict[str, Any], error: ValidationError) -> bool:
    """Remove all refused parts from a document; returns False if the whole document is refused."""
    shortened: dict[_Place, int | None] = {}
    for finding in error.errors(include_url=False):
        place = _existing(document, finding["loc"])
        if not place:
            return False
        too_long = finding["type"] == "too_long" and isinstance(_at(document, place), list)
        shortened[place] = finding["ctx"]["max_length"] if too_long else None
    # From the end: removing a part moves no earlier part, and inner parts come first.
    for place in sorted(shortened, reverse=True):
        holder, kept = _at(document, place[:-1]), shortened[place]
        if kept is None:
            del holder[place[-1]]
        else:
            del holder[place[-1]][kept:]
    return True


def _existing(document: Any, place: _Place) -> _Place:
    """Return the part of a location that exists; pydantic appends names of its own."""
    for length, part in enumerate(place):
        if isinstance(document, list):
            there = isinstance(part, int) and part < len(document)
        else:
            there = isinstance(document, dict) and part in document
        if not there:
            return place[:length]
        document = document[part]
    return place


def _at(document: Any, place: _Place) -> Any:
    for part in place:
        document = document[part]
    return document
