"""What an SBaGen sequence says, line by line."""

from dataclasses import dataclass, field

from entrain.vdevice.protocol.importers.report import Note
from entrain.vdevice.protocol.importers.sbagen.options import Options
from entrain.vdevice.protocol.importers.sbagen.tones import Tone


@dataclass(frozen=True, slots=True)
class TimeLine:
    """From when on which tones play."""

    line: int
    at_ms: int
    """Of the day; where NOW is used, since then."""
    tones: tuple[Tone, ...]
    fade_in: str = "-"
    fade_out: str = "-"
    slides: bool = False
    """All the way to the next one."""


@dataclass
class Sequence:
    """A whole file."""

    options: Options = field(default_factory=Options)
    waves: dict[int, tuple[float, ...]] = field(default_factory=dict)
    lines: list[TimeLine] = field(default_factory=list)
    from_now: bool = False
    """Times count from NOW, not from midnight."""
    first_ms: int = 0
    """Of the first time-line, also where it calls a block."""
    last_ms: int = 0
    description: str = ""
    notes: list[Note] = field(default_factory=list)
