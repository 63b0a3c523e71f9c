"""Data of an imported voice of a Gnaural schedule, and data that all voices share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from entrain.block import Block
from entrain.vdevice.protocol.importers.gnaural.curves import Point
from entrain.vdevice.protocol.importers.report import Note


@dataclass
class Sound:
    """The layer that a voice becomes, without level and id."""

    line: int
    kind: str
    params: dict[str, float]
    curves: dict[str, list[Point]]
    volume: list[Point]
    """Volume in the file of the louder ear."""
    ears: tuple[list[Point], list[Point]]
    """Volume of each ear."""
    rms: float
    """RMS at volume 1, full scale = 1."""
    crest: float
    """Peak divided by RMS."""
    speakers: "Sound | None" = None
    """Replacement on loudspeakers."""


@dataclass
class Session:
    """Properties and notes that all voices of a file share."""

    end_s: float
    volume: tuple[float, float]
    """Volume of the whole file, left and right."""
    swapped: bool
    """Whether left and right are exchanged."""
    blocks: Mapping[str, Block]
    """The engine's blocks, by kind."""
    notes: list[Note] = field(default_factory=list)
