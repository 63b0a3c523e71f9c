"""Forms of names, ids and SPECs.  Does not import pydantic."""

import re

SLUG = r"[a-z0-9][a-z0-9_-]{0,63}"
SPEC = re.compile(rf"(?:({SLUG})=)?({SLUG})(?::(.*))?", re.DOTALL)
"""Matches `kind`, `kind:key=value,...` or `id=kind:key=value,...`; groups: id, kind, values."""

OSC_WORDS = frozenset(
    ("bypass", "get", "head", "hello", "json", "level", "levels", "measured", "next", "off", "on")
) | {"position", "rate", "redo", "sleep", "space", "undo", "use", "xmit"}
"""Words after `/entrain/` in OSC addresses, which are not the id of a layer."""


def is_id(text: str) -> bool:
    """Whether the text can be a protocol's id."""
    return re.fullmatch(SLUG, text) is not None


def is_spec(text: str) -> bool:
    """Whether the text has the form of a SPEC: `kind:…`, `id=kind` or `id=kind:…`."""
    return SPEC.fullmatch(text) is not None and not is_id(text)
