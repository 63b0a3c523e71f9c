"""Reads of a stored document what can be read, field by field and entry by entry.

Knows nothing of files, and not what the fields mean.
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
"""Leaving something out may bring up something else, but not without end."""


def read(
    model: type[_Model], text: bytes, prepare: Callable[[dict[str, Any]], None] | None = None
) -> tuple[_Model, list[str]]:
    """Read a JSON document; what the model refuses is left out.

    Parameters
    ----------
    model : type
        Of pydantic.  What it needs and does not find cannot be left out.
    text : bytes
        In any UTF, with or without a byte order mark.
    prepare : callable, optional
        Brings a document of an earlier version up to date, in place.

    Returns
    -------
    model
        What can be read.
    list of str
        What has been left out, and why: one line each.

    Raises
    ------
    ValueError
        Nothing can be read: the text is not JSON, or not an object, or lacks a necessary field.

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
    """Read JSON more leniently than pydantic, which refuses all of it for one odd number."""
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
    """Take all that is refused out of a document; False where the whole document is refused."""
    shortened: dict[_Place, int | None] = {}
    for finding in error.errors(include_url=False):
        place = _existing(document, finding["loc"])
        if not place:
            return False
        too_long = finding["type"] == "too_long" and isinstance(_at(document, place), list)
        shortened[place] = finding["ctx"]["max_length"] if too_long else None
    # From the end, so that leaving one out moves no other, and what is inside comes first.
    for place in sorted(shortened, reverse=True):
        holder, kept = _at(document, place[:-1]), shortened[place]
        if kept is None:
            del holder[place[-1]]
        else:
            del holder[place[-1]][kept:]
    return True


def _existing(document: Any, place: _Place) -> _Place:
    """Return as much of a place as there is; the rest are pydantic's own words, or missing."""
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
