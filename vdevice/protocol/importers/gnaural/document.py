"""Gnaural's schedule files as they are written: XML, read safely, with line numbers."""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler, ErrorHandler
from xml.sax.xmlreader import AttributesImpl, Locator

import defusedxml.sax
from defusedxml.common import DefusedXmlException

from entrain.vdevice.limits import MAX_SESSION_S
from entrain.vdevice.protocol.importers.plain_text import as_utf8, is_utf16
from entrain.vdevice.protocol.importers.report import ImportRefused
from entrain.vdevice.protocol.wording import quote

MAX_ENTRIES = 150_000
MAX_ELEMENTS = 160_000
MAX_DEPTH = 16
MAX_VALUE = 1e6
"""Of any number but a duration; no frequency, volume or count means anything beyond it."""

_NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?\s*", re.ASCII)
_SCHEDULE = ("schedule",)
_VOICE = ("schedule", "voice")
_ENTRY = ("schedule", "voice", "entries", "entry")
_TEXTS = {
    _SCHEDULE: (
        *("title", "schedule_description", "author", "loops"),
        *("overallvolume_left", "overallvolume_right", "stereoswap"),
    ),
    _VOICE: ("description", "type", "voice_mute", "voice_mono"),
}


@dataclass(frozen=True, slots=True)
class Text:
    """What an element holds."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Values at a time; they go on to those of the next entry in straight lines."""

    line: int
    duration_s: float
    volume_left: float
    volume_right: float
    beat_hz: float
    base_hz: float


@dataclass(slots=True)
class Voice:
    """One source of sound."""

    line: int
    texts: dict[str, Text] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class Schedule:
    """A file.  The counts and times of its header are left out: they are often stale."""

    texts: dict[str, Text] = field(default_factory=dict)
    voices: list[Voice] = field(default_factory=list)


def read_schedule(text: bytes, source: str) -> Schedule:
    """Read a file; raises `ImportRefused`.

    Entities, document types and whatever lies outside of the file are refused, not read.
    """
    reader = _Reader(source)
    # UTF-16 is read as text: an editor that saves it leaves another encoding in the first line.
    plain = as_utf8(text)
    stream = io.StringIO(plain.decode()) if is_utf16(text) else io.BytesIO(plain)
    try:
        defusedxml.sax.parse(stream, reader, errorHandler=_Raise(), forbid_dtd=True)
    except SAXParseException as error:
        line = error.getLineNumber() or 1
        raise ImportRefused(f"{source}:{line}: not XML: {error.getMessage()}") from error
    except DefusedXmlException as error:
        raise reader.refusal("<!DOCTYPE> and entities are not read; take them out") from error
    except (ValueError, LookupError) as error:  # an encoding that expat and Python do not know
        raise reader.refusal("its text encoding cannot be read; save it as UTF-8") from error
    return reader.schedule


def number(texts: Mapping[str, Text], name: str, default: float, source: str) -> float:
    """What an element says, or the default if it is empty or missing; raises `ImportRefused`."""
    found = texts.get(name)
    if found is None or not found.text.strip():
        return default
    return _number(found.text.strip(), name, source, found.line)


class _Raise(ErrorHandler):
    """As its base class, which prints warnings."""

    def warning(self, exception: BaseException) -> None:
        raise exception


class _Reader(ContentHandler):
    def __init__(self, source: str) -> None:
        super().__init__()
        self.schedule = Schedule()
        self._source = source
        self._path: tuple[str, ...] = ()
        self._elements = self._entries = 0
        self._locator: Locator | None = None
        self._texts: dict[str, Text] | None = None  # where the text of this element goes
        self._text: list[str] = []
        self._line = 0

    def refusal(self, reason: str) -> ImportRefused:
        return ImportRefused(f"{self._source}:{self._here()}: {reason}")

    def setDocumentLocator(self, locator: Locator) -> None:  # noqa: N802
        self._locator = locator

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802
        self._elements += 1
        if self._elements > MAX_ELEMENTS or len(self._path) >= MAX_DEPTH:
            raise self.refusal("too many elements for a Gnaural schedule")
        if not self._path and name != "schedule":
            raise self.refusal(f"not a Gnaural schedule: it begins with {quote(name)}")
        outer, self._path = self._path, (*self._path, name)
        self._texts = None
        if self._path == _VOICE:
            self.schedule.voices.append(Voice(self._here()))
        elif self._path == _ENTRY:
            self._add_entry(attrs)
        elif name in ("schedule", "voice", "entry") and self._path != _SCHEDULE:
            raise self.refusal(f"<{name}> does not belong here")
        elif name in _TEXTS.get(outer, ()):
            texts = self.schedule.texts if outer == _SCHEDULE else self.schedule.voices[-1].texts
            if name in texts:
                raise self.refusal(f"<{name}> is there twice")
            self._texts, self._text, self._line = texts, [], self._here()

    def characters(self, content: str) -> None:
        if self._texts is not None:
            self._text.append(content)

    def endElement(self, name: str) -> None:  # noqa: N802
        if self._texts is not None:
            self._texts[name] = Text(self._line, "".join(self._text))
            self._texts = None
        self._path = self._path[:-1]

    def _add_entry(self, attrs: AttributesImpl) -> None:
        self._entries += 1
        if self._entries > MAX_ENTRIES:
            raise self.refusal(f"more than {MAX_ENTRIES} entries")
        line = self._here()

        def value(name: str, default: float, most: float = MAX_VALUE) -> float:
            text = attrs.get(name)
            return default if text is None else _number(text, name, self._source, line, most)

        duration_s = value("duration", -1.0, MAX_SESSION_S)
        if duration_s < 0:
            raise self.refusal("the entry has no duration, or one below 0")
        self.schedule.voices[-1].entries.append(
            Entry(
                line=line,
                duration_s=duration_s,
                volume_left=value("volume_left", 1.0),
                volume_right=value("volume_right", 1.0),
                beat_hz=value("beatfreq", 0.0),
                base_hz=value("basefreq", 0.0),
            )
        )

    def _here(self) -> int:
        line = self._locator.getLineNumber() if self._locator else None
        return line or 1


def _number(text: str, name: str, source: str, line: int, most: float = MAX_VALUE) -> float:
    if len(text) > 64 or not _NUMBER.fullmatch(text):
        raise ImportRefused(f"{source}:{line}: {name} = {quote(text)} is not a number")
    value = float(text)
    if abs(value) > most:  # infinity too
        raise ImportRefused(f"{source}:{line}: {name} = {quote(text)} is more than {most:.10g}")
    return value
