"""JSON documents with an odd value at each place in turn."""

import json
from collections.abc import Iterator
from typing import Any

VALUES = (
    *("null", "true", "false", "0", "1", "2", "-1", "0.5", "-0.0", "1e999", "NaN", "-Infinity"),
    *(str(2**63), str(-(2**70)), "9" * 400, "9" * 5000, "1e-400", "1.0"),
    *('""', '"x"', '"später"', '"a\\u0000b"', '"two\\nlines"', '"\\ud800"', f'"{"y" * 3000}"'),
    *("[]", "[1]", "[[]]", '["x", 3, null]', "{}", '{"x": 1}', '{"moon": {"full": [1]}}'),
    "[" * 150 + "]" * 150,
    "[" * 5000 + "]" * 5000,
)
"""JSON texts: values of each kind, and unusual numbers and strings."""

_HERE = "\ufdd0here\ufdd0"


def mutated(document: Any) -> Iterator[tuple[str, bytes]]:
    """Yield a name and a text for each value at each place, and for a new field at each."""
    for place, holder, key in _places(document):
        before = holder[key]
        holder[key] = _HERE
        whole = json.dumps(document)
        holder[key] = before
        for value in VALUES:
            yield f"{place} = {value[:20]}", whole.replace(json.dumps(_HERE), value).encode()
        if isinstance(before, dict):
            holder[key] = {**before, "later": {"of": ["a", 1]}}
            yield f"{place}.later", json.dumps(document).encode()
            holder[key] = before
        if isinstance(before, list):
            holder[key] = [*before, {"later": 1}]
            yield f"{place}[later]", json.dumps(document).encode()
            holder[key] = before


def damaged(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a name and a text for each way in which a whole file can be odd."""
    yield "nothing", b""
    yield "cut off", text[: len(text) // 2]
    yield "zeros", bytes(len(text))
    yield "twice", text * 2
    yield "UTF-16", text.decode().encode("utf-16")
    yield "UTF-8 with a mark", b"\xef\xbb\xbf" + text
    yield "Latin 1", text[:-3] + b"\xe4\xff" + text[-3:]
    yield "a field twice", b'{"on": [], ' + text.lstrip()[1:]
    yield "deep", b"[" * 100_000
    for value in VALUES:
        yield f"only {value[:20]}", value.encode()


def _places(document: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    keys = document if isinstance(document, dict) else range(len(document))
    for key in list(keys):
        place = f"{name}.{key}"
        yield place, document, key
        if isinstance(document[key], dict | list):
            yield from _places(document[key], place)
