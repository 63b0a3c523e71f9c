"""Parses times of day and durations in an SBaGen sequence."""

import re

from entrain.vdevice.protocol.wording import quote

DAY_MS = 86_400_000
_HMS = r"\d{1,2}:\d{1,2}(?::\d{1,2})?"
_TIME = re.compile(rf"(NOW|{_HMS})?((?:\+{_HMS})*)")


class BadWord(Exception):
    """A line is wrong; the text says why."""


def time_of(word: str) -> tuple[str | None, int]:
    """Return the absolute part of a time, if any, and the sum of its relative parts."""
    match = _TIME.fullmatch(word) if word and len(word) < 4096 else None
    if match is None:
        raise BadWord(f"{quote(word)} is not a time like 12:30, 1:05:00, +0:10 or NOW")
    return match[1], sum(milliseconds(part) for part in match[2].split("+")[1:])


def milliseconds(hms: str) -> int:
    """Parse a duration or a time of the day, such as ``1:05:00``; raises `BadWord`."""
    hours, minutes, seconds = (*(int(part) for part in hms.split(":")), 0)[:3]
    if hours > 23 or minutes > 59 or seconds > 59:
        raise BadWord(f"{quote(hms)} is not a time of the day")
    return ((hours * 60 + minutes) * 60 + seconds) * 1000
