"""An SBaGen sequence as written: options, definitions, and time-lines with their blocks opened.

All that is wrong with a file is collected, a line each; what parses has resolved names and times
of day, in the order in which they stand.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from entrain.vdevice.protocol.importers.plain_text import as_utf8
from entrain.vdevice.protocol.importers.report import ImportRefused
from entrain.vdevice.protocol.importers.sbagen.options import read_option_line
from entrain.vdevice.protocol.importers.sbagen.sequence import Sequence, TimeLine
from entrain.vdevice.protocol.importers.sbagen.times import DAY_MS, BadWord, milliseconds, time_of
from entrain.vdevice.protocol.importers.sbagen.tones import (
    MAX_TONES,
    OF_THE_BEAT,
    BadTone,
    Tone,
    read_tone,
)
from entrain.vdevice.protocol.wording import plain, quote

MAX_PROBLEMS = 20
_MAX_WORD = 200
_MAX_TONES_IN_FILE = 40_000
_MAX_ENTRIES = 8_000
"""Tones in all time-lines, blocks opened."""
_MAX_CALLS = 4_000
_MAX_DEPTH = 30

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_DEFINITION = re.compile(r"([A-Za-z0-9_-]+):(?:\s+(.*))?")
_WAVE = re.compile(r"wave(\d\d)")
_DIALECT = re.compile(r"(custom|noise|spin)\d\d")
"""Definitions that only tones use which have no layer like them."""
_FADE = re.compile(r"[<=-][>=-]")
_IN_TONES = re.compile(r"[/:]")
"""What a tone has in it and a name has not."""
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")


@dataclass
class _Inner:
    line: int
    words: list[str]


def parse(text: bytes, source: str) -> Sequence:
    """Read a sequence; raises `ImportRefused` with all that is wrong."""
    parser = _Parser()
    parser.run(text)
    sequence = parser.sequence
    if not parser.problems and not sequence.lines:
        parser.problems[0] = "has no time-lines: nothing says what to play when"
    if parser.problems:
        raise refused(source, parser.problems)
    return sequence


def refused(source: str, problems: dict[int, str]) -> ImportRefused:
    """The error with all problems, by line; 0: of the whole file."""
    lines = [
        f"{source}:{line}: {reason}" if line else f"{source}: {reason}"
        for line, reason in sorted(problems.items())[:MAX_PROBLEMS]
    ]
    return ImportRefused("\n".join(lines))


class _Parser:
    def __init__(self) -> None:
        self.sequence = Sequence()
        self.problems: dict[int, str] = {}
        self._sets: dict[str, tuple[Tone, ...] | list[_Inner] | None] = {}
        """None: its definition is wrong, which has been told."""
        self._tones = self._entries = self._calls = 0
        self._last_absolute: int | None = None
        self._from: set[bool] = set()
        self._number = 0

    def run(self, text: bytes) -> None:
        lines = self._lines(_decoded(text))
        options_may_come = True
        for number, line in lines:
            self._number = number
            try:
                if line[0] == "-":
                    if not options_may_come:
                        raise BadWord("options must come before everything else")
                    self._options(line)
                    continue
                options_may_come = False
                if match := _DEFINITION.fullmatch(line):
                    self._define(match[1], (match[2] or "").strip(), lines)
                else:
                    self._time_line(line)
            except BadWord as bad:
                self.problems.setdefault(self._number, str(bad))
                if len(self.problems) >= MAX_PROBLEMS:
                    return

    def _lines(self, text: str) -> Iterator[tuple[int, str]]:
        """Without comments and blank lines; comments for the listener are kept elsewhere."""
        told: list[str] = []
        left = 2000
        for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), 1):
            if not raw or raw.isspace():
                continue
            line, _, comment = raw.partition("#")
            if comment.startswith("#") and left > 0:
                shown = "".join(c if c.isprintable() else " " for c in comment[:2000]).strip("#")
                words = " ".join(shown.split()).strip("# ")
                if any(c.isalnum() for c in words):  # not a line of dashes
                    told.append(words)
                    left -= len(words) + 1
                    self.sequence.description = " ".join(told)[:2000].rstrip()
            if line := line.strip():
                yield number, line

    # ---- options ---------------------------------------------------------------------------

    def _options(self, line: str) -> None:
        try:
            self.sequence.options = read_option_line(
                line, self._number, self.sequence.options, self.sequence.notes
            )
        except ValueError as error:
            raise BadWord(str(error)) from None
        for at_ms, tones, slides in self.sequence.options.at_once:
            words = self._tone_set(tones)
            self._add(TimeLine(self._number, at_ms, words, "=", "=", slides))
        if self.sequence.options.at_once:
            self.sequence.last_ms = self.sequence.lines[-1].at_ms
            self.sequence.from_now = True
            self.sequence.options = replace(self.sequence.options, at_once=())

    # ---- definitions -----------------------------------------------------------------------

    def _define(self, name: str, rest: str, lines: Iterator[tuple[int, str]]) -> None:
        if not _NAME.fullmatch(name):
            raise BadWord(f"{quote(name)} is not a name: it must begin with a letter")
        if match := _WAVE.fullmatch(name):
            self.sequence.waves[int(match[1])] = _wave(rest)
            return
        if _DIALECT.fullmatch(name):
            return
        self._sets[name] = None
        self._sets[name] = self._block(lines) if rest == "{" else self._tone_set(rest.split())

    def _tone_set(self, words: list[str]) -> tuple[Tone, ...]:
        if len(words) > MAX_TONES:
            raise BadWord(f"has {len(words)} tones; there can be {MAX_TONES}")
        self._tones += len(words)
        if self._tones > _MAX_TONES_IN_FILE:
            raise BadWord(f"the file has more than {_MAX_TONES_IN_FILE} tones")
        tones = []
        for word in words:
            if len(word) > _MAX_WORD:
                raise BadWord(f"{quote(word)} is too long")
            try:
                tones.append(read_tone(word, self._number, self.sequence.waves))
            except BadTone as bad:
                raise BadWord(f"{quote(word)} {bad}") from None
        return self._bound(tones)

    def _bound(self, tones: list[Tone]) -> tuple[Tone, ...]:
        """Give a mixam that follows the beat the one of the first tone beside it."""
        beats = [t.beat for t in tones if t.beat and t.beat != OF_THE_BEAT]
        beat = abs(beats[0]) if beats else 0.0
        for at, tone in enumerate(tones):
            if tone.beat == OF_THE_BEAT:
                if not beat:
                    raise BadWord("mixam:beat has no tone with a beat beside it")
                tones[at] = replace(tone, beat=beat)
        return tuple(tones)

    def _block(self, lines: Iterator[tuple[int, str]]) -> list[_Inner]:
        start, inner = self._number, list[_Inner]()
        for number, line in lines:
            self._number = number
            if line[0] == "+":
                inner.append(_Inner(number, line.split()))
            elif line != "}":
                raise BadWord("a line of a block must begin with +, or end it with }")
            elif not inner:
                raise BadWord("the block is empty")
            else:
                return inner
        self._number = start
        raise BadWord("the block is not closed: its } is missing")

    # ---- time-lines ------------------------------------------------------------------------

    def _time_line(self, line: str) -> None:
        if self.sequence.options.immediate:
            raise BadWord("there can be no time-lines beside -i or -p")
        words = line.split()
        absolute, offset_ms = time_of(words[0])
        if absolute is not None:
            self._from.add(absolute == "NOW")
            self._last_absolute = 0 if absolute == "NOW" else milliseconds(absolute)
        if self._last_absolute is None:
            raise BadWord(f"{quote(words[0])} is relative, but no time stands before it")
        if len(self._from) > 1:
            raise BadWord("NOW and times of the clock in one file: what plays depends on the start")
        self.sequence.from_now = True in self._from
        self._enter(words, (self._last_absolute + offset_ms) % DAY_MS, 0)

    def _enter(self, words: list[str], at_ms: int, depth: int) -> None:
        """Add what a time-line names: a tone-set, or a block with all in it."""
        self._calls += 1
        if self._calls > _MAX_CALLS or depth > _MAX_DEPTH:
            raise BadWord("there are too many time-lines, or a block that uses itself")
        if not self.sequence.lines and self._calls == 1:
            self.sequence.first_ms = at_ms
        self.sequence.last_ms = at_ms
        named = self._named(words[1:])
        if named is None:
            return
        if isinstance(named, TimeLine):
            self._add(replace(named, at_ms=at_ms))
            return
        call = self._number
        for inner in named:
            self._number = inner.line
            absolute, offset_ms = time_of(inner.words[0])
            if absolute is not None:
                raise BadWord("a line of a block must begin with +")
            self._enter(inner.words, (at_ms + offset_ms) % DAY_MS, depth + 1)
        self._number = call

    def _named(self, words: list[str]) -> TimeLine | list[_Inner] | None:
        """Read what stands behind a time: a time-line, the lines of a block, or None.

        None is for what names a definition that is wrong, which has been told.  As SBaGenX does,
        this takes a fade behind the name as well, and tones in place of a name or beside it.
        """
        fade, names, slides = "", list[str](), False
        for place, word in enumerate(words):
            if word == "->" and place:
                slides = True
            elif word != "-" and not word[0].isalnum() and not set(word) - set("<>=-"):
                if fade or not _FADE.fullmatch(word):
                    raise BadWord(f"{quote(word)} is not a fade: one of < - = and one of > - =")
                fade = word
            else:
                names.append(word)
        if not names:
            raise BadWord("nothing is named to play at this time")
        name = names[0] if names[0][0].isalpha() and not _IN_TONES.search(names[0]) else ""
        tones = self._tone_set_of_line(names[1:] if name else names)
        if name and name not in self._sets:
            raise BadWord(f"{plain(name)} is not defined above it")
        named = self._sets[name] if name else ()
        if isinstance(named, list):
            if fade or slides or tones:
                raise BadWord(f"{plain(name)} is a block, which has neither fade nor -> nor tones")
            return named
        if named is None:
            return None
        if len(named) + len(tones) > MAX_TONES:
            raise BadWord(f"has {len(named) + len(tones)} tones; there can be {MAX_TONES}")
        fade = fade or "--"
        return TimeLine(self._number, 0, (*named, *tones), fade[0], fade[1], slides)

    def _tone_set_of_line(self, words: list[str]) -> tuple[Tone, ...]:
        for word in words:
            if word != "-" and not _IN_TONES.search(word):
                raise BadWord(f"{quote(word)} does not belong here; only -> may follow the name")
        return self._tone_set(words)

    def _add(self, line: TimeLine) -> None:
        self._entries += max(1, len(line.tones))
        if self._entries > _MAX_ENTRIES:
            raise BadWord(f"the time-lines have more than {_MAX_ENTRIES} tones in all")
        self.sequence.lines.append(line)


def _decoded(text: bytes) -> str:
    text = as_utf8(text).removeprefix(b"\xef\xbb\xbf")
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _wave(rest: str) -> tuple[float, ...]:
    words = rest.split()
    if len(words) < 2:
        raise BadWord("a wave needs two samples or more")
    if len(words) > 4096:
        raise BadWord("a wave can have 4096 samples")
    for word in words:
        if len(word) > _MAX_WORD or not _NUMBER.fullmatch(word) or abs(float(word)) > 1e9:
            raise BadWord(f"{quote(word)} is not a sample of a wave")
    return tuple(float(word) for word in words)
