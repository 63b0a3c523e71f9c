"""How names look, and what a text that somebody has typed is meant as; without pydantic."""

import re

SLUG = r"[a-z0-9][a-z0-9_-]{0,63}"
SPEC = re.compile(rf"(?:({SLUG})=)?({SLUG})(?::(.*))?", re.DOTALL)
"""`kind`, `kind:key=value,...` or `id=kind:key=value,...`: id, kind and values."""


def is_id(text: str) -> bool:
    """Whether the text can be a protocol's id."""
    return re.fullmatch(SLUG, text) is not None


def is_spec(text: str) -> bool:
    """Whether the text is meant as a SPEC: `kind:…`, `id=kind` or `id=kind:…`."""
    return SPEC.fullmatch(text) is not None and not is_id(text)
