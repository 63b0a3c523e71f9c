"""OSC 1.0 address patterns: ``*``, ``?``, ``[a-z]``, ``[!a-z]`` and ``{one,two}`` in a part.

The work is bounded for any pattern: `fnmatch` makes expressions that never go back, and there are
few alternatives.
"""

import fnmatch
import functools
import re
from collections.abc import Callable

MAX_PART_CHARS = 128
"""Longest part of a pattern."""
MAX_ALTERNATIVES = 16
"""Most texts that the braces of one part stand for."""

_SPECIAL = re.compile(r"[*?\[\]{}]")
_BRACES = re.compile(r"\{([^{}]*)\}")


class BadPattern(ValueError):
    """The pattern is broken or too long."""


def is_pattern(text: str) -> bool:
    """Return whether an address may stand for several."""
    return _SPECIAL.search(text) is not None


@functools.lru_cache(64)
def matcher(part: str) -> Callable[[str], object]:
    """Return a function that tells whether a name matches one part of an address pattern.

    Raises
    ------
    BadPattern
        A bracket or brace is not closed, or the part is too long.

    """
    if len(part) > MAX_PART_CHARS:
        raise BadPattern("a part of the pattern is too long")
    texts = [part]
    while any("{" in text for text in texts):
        texts = [made for text in texts for made in _without_first_braces(text)]
        if len(texts) > MAX_ALTERNATIVES:
            raise BadPattern("the pattern has too many alternatives")
    for text in texts:
        rest = re.sub(r"\[[^\[\]]+\]", "", text)
        if any(each in rest for each in "[]{}"):
            raise BadPattern("a bracket or brace of the pattern is not closed")
    return re.compile("|".join(map(fnmatch.translate, texts))).match


def _without_first_braces(text: str) -> list[str]:
    found = _BRACES.search(text)
    if found is None:
        if "{" in text:
            raise BadPattern("a bracket or brace of the pattern is not closed")
        return [text]
    before, after = text[: found.start()], text[found.end() :]
    return [f"{before}{each}{after}" for each in found[1].split(",")]
