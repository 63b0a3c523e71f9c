"""The option lines at the top of an SBaGen sequence."""

import re
from dataclasses import dataclass, replace

from entrain.vdevice.protocol.importers.report import Note
from entrain.vdevice.protocol.importers.sbagen.presets import ToneSet, drop, slide
from entrain.vdevice.protocol.wording import quote

MAX_SPEED = 1000
_MAX_FADE_MS = 86_400_000
_MAX_WORDS = 32
_HMS = re.compile(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?")

_NOT_HEARD = {"D": 0, "Q": 0, "h": 0, "M": 0, "O": 0, "W": 0, "b": 1, "d": 1, "K": 1, "J": 1}
_NOT_HEARD |= {"o": 1, "r": 1, "R": 1}
"""About the program's own output, with how many words each takes."""
_NOT_KEPT = {
    "A": (1, "-A (changes of the mix) is not kept"),
    "H": (1, "-H (form of mixam) is not kept"),
    "I": (1, "-I (form of the pulses) is not kept"),
    "N": (0, "-N (levels) is not kept: the limiter takes care"),
    "c": (1, "-c (louder low tones for small loudspeakers) is not kept"),
}


@dataclass(frozen=True)
class Options:
    """What is asked for, before anything plays."""

    starts: bool = False
    """With the first time-line, whatever the clock shows (-S)."""
    ends: bool = False
    """With the last one (-E)."""
    speed: int = 1
    fade_ms: int = 60_000
    length_ms: int | None = None
    start_ms: int | None = None
    volume: float = 1.0
    waveform: str = "sine"
    at_once: tuple[ToneSet, ...] = ()
    """What -i or -p make."""
    immediate: bool = False
    """One of those stands there."""


def read_option_line(line: str, number: int, so_far: Options, notes: list[Note]) -> Options:
    """Read one line of options.

    Parameters
    ----------
    line : str
        Without comment; begins with a minus sign.
    number : int
        Of the line.
    so_far : Options
        What the lines above it ask for.
    notes : list of Note
        Gets what is not kept.

    Raises
    ------
    ValueError
        Something is not an option, or misses its value; one line for the user.

    """
    words = line.split(maxsplit=_MAX_WORDS)
    if len(words) > _MAX_WORDS:
        raise ValueError(f"has more than {_MAX_WORDS} words")
    options = so_far
    while words:
        word = words.pop(0)
        if word[0] != "-" or len(word) == 1:
            raise ValueError(f"{quote(word)} is not an option")
        for letter in word[1:]:
            if letter in "ip":
                return _at_once(letter, words, options)
            options = _one(letter, words, number, options, notes)
    return options


def _one(letter: str, words: list[str], number: int, now: Options, notes: list[Note]) -> Options:
    def value() -> str:
        if not words:
            raise ValueError(f"-{letter} needs a value")
        return words.pop(0)

    if letter == "S":
        return replace(now, starts=True)
    if letter == "E":
        return replace(now, ends=True)
    if letter == "q":
        return replace(now, starts=True, speed=_whole(letter, value(), 1, MAX_SPEED))
    if letter == "F":
        return replace(now, fade_ms=_whole(letter, value(), 0, _MAX_FADE_MS))
    if letter == "L":
        length_ms = _time_ms(letter, value())
        if not length_ms:
            raise ValueError("-L must be longer than 0")
        return replace(now, length_ms=length_ms)
    if letter == "T":
        return replace(now, start_ms=_time_ms(letter, value()))
    if letter == "V":
        return replace(now, volume=_whole(letter, value(), 1, 100) / 100)
    if letter == "w":
        return replace(now, waveform=value())
    if letter == "m":
        notes.append(Note(number, f"{quote(value())} is not played: the programme is the mix"))
    elif letter in _NOT_KEPT:
        takes, text = _NOT_KEPT[letter]
        if takes:
            value()
        notes.append(Note(number, text))
    elif letter in _NOT_HEARD:
        if _NOT_HEARD[letter]:
            value()
        if letter not in "DQh":
            notes.append(Note(number, f"-{letter} is about SBaGen's output; it is not kept"))
    else:
        raise ValueError(f"{quote('-' + letter)} is not an option of SBaGen")
    return now


def _at_once(letter: str, words: list[str], now: Options) -> Options:
    if now.immediate:
        raise ValueError("-i or -p stands here for the second time")
    now = replace(now, immediate=True)
    if letter == "i":
        if not words:
            raise ValueError("-i needs tones")
        return replace(now, at_once=((0, words, False),))
    preset, *rest = words or [""]
    if preset not in ("drop", "slide"):
        raise ValueError(f"-p {quote(preset)} is not a preset; there is drop and slide")
    made = drop(rest) if preset == "drop" else slide(rest)
    return replace(now, at_once=made, starts=True, ends=True)


def _whole(letter: str, text: str, low: int, high: int) -> int:
    if not re.fullmatch(r"\d{1,9}", text) or not low <= int(text) <= high:
        raise ValueError(f"-{letter} {quote(text)} is not a whole number from {low} to {high}")
    return int(text)


def _time_ms(letter: str, text: str) -> int:
    match = _HMS.fullmatch(text)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (24, 0, 0)
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError(f"-{letter} {quote(text)} is not a time like 0:30 or 1:30:00")
    return ((hours * 60 + minutes) * 60 + seconds) * 1000
