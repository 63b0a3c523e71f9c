"""A loudspeaker that Entrain has turned down: its volume before and after."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from entrain.platform.adapter import Volume, level_of

SOFTER = level_of(-20.0)
"""Factor for a loudspeaker's volume."""
LOUDEST = 1.53
"""Highest volume that Entrain restores, 1.0 = 100 %: no mixer's slider goes further."""
TOLERANCE = 0.005
"""Largest difference between equal volumes, 1.0 = 100 %: hardware has steps."""
_Level = Annotated[float, Field(ge=0, le=10)]
_Levels = Annotated[tuple[_Level, ...], Field(min_length=1, max_length=32)]


class Softened(BaseModel):
    """A loudspeaker whose volume Entrain has turned down."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, defer_build=True)

    device: str
    before: _Levels
    """Former volume of each channel, 1.0 = 100 %."""
    after: _Levels
    """Volume of each channel that Entrain has set."""
    silent: bool = False
    """Entrain has muted the loudspeaker."""
    headphones: _Levels | None = None
    """Former volume of the headphones, if they are a port of the same device."""

    @property
    def quiet(self) -> Volume:
        """The volume that Entrain has set."""
        return Volume(self.after, self.silent)

    @model_validator(mode="after")
    def _has_one_level_per_channel(self) -> Self:
        if len(self.before) != len(self.after):
            raise ValueError("before and after have different numbers of channels")
        return self

    @property
    def levels(self) -> tuple[float, ...]:
        """The former volume, limited to the volume that `after` allows."""
        softer = 1.0 if self.silent else SOFTER
        return tuple(
            min(before, after / softer + TOLERANCE, LOUDEST)
            for before, after in zip(self.before, self.after, strict=True)
        )

    def is_as_left(self, volume: Volume) -> bool:
        """Return whether the volume is still as Entrain has set it."""
        return volume.muted if self.silent else are_close(volume.channels, self.after)

    def restored(self, volume: Volume) -> Volume:
        """Return the former volume; a volume or mute that another app has set stays."""
        return Volume(volume.channels) if self.silent else Volume(self.levels, volume.muted)


def are_close(one: Sequence[float], other: Sequence[float]) -> bool:
    """Return whether two volumes are equal within the steps of hardware."""
    return len(one) == len(other) and all(
        abs(a - b) <= TOLERANCE for a, b in zip(one, other, strict=True)
    )
