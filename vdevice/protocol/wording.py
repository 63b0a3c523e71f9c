"""Words for messages about documents."""

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from entrain.vdevice.protocol.names import SLUG

_MOST_BITS = 1000
_HIDDEN = {("spatial", "object"), ("spatial", "word")}
"""Names of a union's branches in the place of an error, with the field before them."""


def explain(error: ValidationError, skip: int = 0) -> list[str]:
    """Turn pydantic's errors into lines for a user.

    Parameters
    ----------
    error : ValidationError
        From `model_validate_json` or `model_validate`.
    skip : int
        Number of leading parts of each place to hide from the user (union tags).

    Returns
    -------
    list of str
        At least one line; each names the field, as in `layers[0].params.beat_hz`.

    """
    return [
        _explain_one(detail, skip)
        for detail in error.errors(include_url=False)
        if detail["type"] != "default_factory_not_called"  # follows from another error
    ]


def choices(names: Collection[str]) -> str:
    """Return the part of an error message that lists the possible names."""
    return f"choose from {', '.join(names)}" if names else "there are none"


def plain(text: str, most: int = 60) -> str:
    """Shorten a text and remove control characters."""
    shown = text if text.isprintable() else repr(text)[1:-1]
    return shown if len(shown) <= most else shown[: most - 3] + "..."


def quote(value: object) -> str:
    """Quote a value from a document or a command line."""
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:  # too long for str()
        return "a number of many digits"
    return f"'{plain(value)}'" if isinstance(value, str) else plain(repr(value))


def _explain_one(detail: Mapping[str, Any], skip: int) -> str:
    where = ""
    place = detail["loc"]
    for number, part in enumerate(place[skip:], skip):
        if place[max(number - 1, 0) : number + 1] in _HIDDEN:
            continue
        shown = plain(str(part))
        where += f"[{part}]" if isinstance(part, int) else f".{shown}" if where else shown
    kind, context, value = detail["type"], detail.get("ctx", {}), detail["input"]
    if kind == "json_invalid":
        return f"not JSON: {context['error']}"
    if kind == "missing":
        return f"{where} is missing"
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{where} is not a field that belongs here"
    if kind == "string_pattern_mismatch" and context["pattern"] == f"^{SLUG}$":
        return f"{where} = {quote(value)} is not a name of a-z, 0-9, - and _"
    scalar = isinstance(value, str | int | float | None)
    head = f"{where} = {quote(value)}" if where and scalar else where or "the document"
    if kind == "value_error":
        text = str(context["error"])
        return f"{head} {text}" if scalar else text if not where else f"{where}: {text}"
    # A text whose characters were checked before is "too_long", as a list is.
    if kind == "string_too_long" or (kind == "too_long" and isinstance(value, str)):
        return f"{head} is longer than {context['max_length']} characters"
    if kind == "too_long":
        return f"{head} has more than {context['max_length']} entries"
    if kind in ("too_short", "string_too_short") and context["min_length"] == 1:
        return f"{head} must not be empty"
    return f"{head}: {detail['msg'].replace('Input should', 'must')}"
