"""What a voice of a Gnaural schedule becomes, and what all of its voices share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from entrain.block import Block
from entrain.vdevice.protocol.importers.gnaural.curves import Point
from entrain.vdevice.protocol.importers.report import Note


@dataclass
class Sound:
    """What a voice becomes: a layer without its level and id."""

    line: int
    kind: str
    params: dict[str, float]
    curves: dict[str, list[Point]]
    volume: list[Point]
    """Of the file, the louder ear's."""
    ears: tuple[list[Point], list[Point]]
    """Each ear's."""
    rms: float
    """At volume 1, full scale = 1."""
    crest: float
    """Peak over RMS."""
    speakers: "Sound | None" = None
    """What is used instead where both ears hear both channels."""


@dataclass
class Session:
    """What all voices of a file have in common."""

    end_s: float
    volume: tuple[float, float]
    """Of the whole file, left and right."""
    swapped: bool
    """Left and right are exchanged."""
    blocks: Mapping[str, Block]
    """What layers can be made of."""
    notes: list[Note] = field(default_factory=list)
