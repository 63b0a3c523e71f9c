"""Results of work without the running app."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, FiniteFloat


class RenderSummary(BaseModel):
    """Summary of a file that `entrain render` has written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: int
    rate_hz: int
    seconds: FiniteFloat
    """Length of the sound."""
    in_db: FiniteFloat | None
    """RMS of the whole file, dBFS; None: digital silence."""
    out_db: FiniteFloat | None
    speed: FiniteFloat
    """Seconds of sound per second of work."""
    warnings: tuple[str, ...] = ()
    """Defects of the source, one line each."""


@dataclass(frozen=True)
class Finding:
    """Result of one check of `entrain doctor`."""

    name: str
    ok: bool | None
    """None: neutral or unknown."""
    text: str
    """The result, one line."""
    advice: str = ""
    """Advice on what to do, one line."""
