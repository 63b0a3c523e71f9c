"""Results of work that is done without the running app."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, FiniteFloat


class RenderSummary(BaseModel):
    """What `entrain render` has written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: int
    rate_hz: int
    seconds: FiniteFloat
    """Length of the sound."""
    in_db: FiniteFloat | None
    """RMS over the whole file, dBFS; None: digital silence."""
    out_db: FiniteFloat | None
    speed: FiniteFloat
    """Seconds of sound per second of work."""
    warnings: tuple[str, ...] = ()
    """What was wrong with the source, one line each."""


@dataclass(frozen=True)
class Finding:
    """One thing that `entrain doctor` looked at."""

    name: str
    ok: bool | None
    """None: could not be told, or does not matter here."""
    text: str
    """What was found, one line."""
    advice: str = ""
    """What to do about it, one line."""
