"""Data of a parsed SBaGen sequence."""

from dataclasses import dataclass, field

from entrain.vdevice.protocol.importers.report import Note
from entrain.vdevice.protocol.importers.sbagen.options import Options
from entrain.vdevice.protocol.importers.sbagen.tones import Tone


@dataclass(frozen=True, slots=True)
class TimeLine:
    """A line that says which tones play from a time on."""

    line: int
    at_ms: int
    """Time of the day, or since NOW."""
    tones: tuple[Tone, ...]
    fade_in: str = "-"
    fade_out: str = "-"
    slides: bool = False
    """Whether the tones slide all the way to the next line's."""


@dataclass
class Sequence:
    """A parsed file."""

    options: Options = field(default_factory=Options)
    waves: dict[int, tuple[float, ...]] = field(default_factory=dict)
    lines: list[TimeLine] = field(default_factory=list)
    from_now: bool = False
    """Whether times count from NOW instead of midnight."""
    first_ms: int = 0
    """Time of the first time-line, even if it names a block."""
    last_ms: int = 0
    description: str = ""
    notes: list[Note] = field(default_factory=list)
