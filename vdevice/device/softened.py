"""A loudspeaker that was turned down: the volume before, and whether it still is as it was left."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from entrain.platform.adapter import Volume, level_of

SOFTER = level_of(-20.0)
"""By what a loudspeaker's volume is multiplied."""
LOUDEST = 1.53
"""Highest volume that is restored, 1.0 = 100 %: no mixer's slider goes further."""
TOLERANCE = 0.005
"""Difference below which two volumes are the same, 1.0 = 100 %: hardware has steps."""
_Level = Annotated[float, Field(ge=0, le=10)]
_Levels = Annotated[tuple[_Level, ...], Field(min_length=1, max_length=32)]


class Softened(BaseModel):
    """A loudspeaker whose volume Entrain has turned down."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, defer_build=True)

    device: str
    before: _Levels
    """Volume of each channel before, 1.0 = 100 %."""
    after: _Levels
    """Volume of each channel as Entrain has set it."""
    silent: bool = False
    """Entrain has muted the loudspeaker."""
    headphones: _Levels | None = None
    """Volume before at the headphones, where these are a port of the same device."""

    @property
    def quiet(self) -> Volume:
        """The volume that Entrain has set."""
        return Volume(self.after, self.silent)

    @model_validator(mode="after")
    def _has_one_level_per_channel(self) -> Self:
        if len(self.before) != len(self.after):
            raise ValueError("before and after have another number of channels")
        return self

    @property
    def levels(self) -> tuple[float, ...]:
        """The volume before, but never louder than what was made of it tells."""
        softer = 1.0 if self.silent else SOFTER
        return tuple(
            min(before, after / softer + TOLERANCE, LOUDEST)
            for before, after in zip(self.before, self.after, strict=True)
        )

    def is_as_left(self, volume: Volume) -> bool:
        """Tell whether nobody has undone it since."""
        return volume.muted if self.silent else are_close(volume.channels, self.after)

    def restored(self, volume: Volume) -> Volume:
        """Return the volume before, but what somebody else has set or muted stays so."""
        return Volume(volume.channels) if self.silent else Volume(self.levels, volume.muted)


def are_close(one: Sequence[float], other: Sequence[float]) -> bool:
    """Tell whether two volumes are the same, as far as hardware can tell."""
    return len(one) == len(other) and all(
        abs(a - b) <= TOLERANCE for a, b in zip(one, other, strict=True)
    )
