"""Times of day and spans, as an SBaGen sequence writes them."""

import re

from entrain.vdevice.protocol.wording import quote

DAY_MS = 86_400_000
_HMS = r"\d{1,2}:\d{1,2}(?::\d{1,2})?"
_TIME = re.compile(rf"(NOW|{_HMS})?((?:\+{_HMS})*)")


class BadWord(Exception):
    """What is wrong with a line."""


def time_of(word: str) -> tuple[str | None, int]:
    """The absolute part of a time, if there is one, and the sum of what is added to it."""
    match = _TIME.fullmatch(word) if word and len(word) < 4096 else None
    if match is None:
        raise BadWord(f"{quote(word)} is not a time like 12:30, 1:05:00, +0:10 or NOW")
    return match[1], sum(milliseconds(part) for part in match[2].split("+")[1:])


def milliseconds(hms: str) -> int:
    """Read a span or a time of the day, as ``1:05:00``; raises `BadWord`."""
    hours, minutes, seconds = (*(int(part) for part in hms.split(":")), 0)[:3]
    if hours > 23 or minutes > 59 or seconds > 59:
        raise BadWord(f"{quote(hms)} is not a time of the day")
    return ((hours * 60 + minutes) * 60 + seconds) * 1000
