"""Parts of the status with measurements of the sound, and of the sound thread."""

import math
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, FiniteFloat

Decibels = Annotated[
    float | None,
    BeforeValidator(lambda v: None if isinstance(v, float) and not math.isfinite(v) else v),
]
"""dBFS or LUFS; None while there is no sound (minus infinity becomes None)."""

EachEar = tuple[Decibels, Decibels]
"""The left ear and the right ear."""


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Levels(_Answer):
    """Meters, and loudness by ITU-R BS.1770; null is silence."""

    in_db: Decibels = None
    """RMS of the louder ear over 300 ms, dBFS, before processing."""
    out_db: Decibels = None
    """RMS of the louder ear over 300 ms, dBFS, after processing."""
    in_lufs: Decibels = None
    """Short-term loudness, over 3 s, LUFS."""
    out_lufs: Decibels = None
    integrated_in_lufs: Decibels = None
    """Gated loudness since the start, LUFS."""
    integrated_out_lufs: Decibels = None
    in_rms_db: EachEar = (None, None)
    """RMS of the left and of the right ear over 300 ms, dBFS."""
    in_peak_db: EachEar = (None, None)
    """Highest sample of each ear, falling by 20 dB a second, dBFS."""
    out_rms_db: EachEar = (None, None)
    out_peak_db: EachEar = (None, None)


class Tones(_Answer):
    """One tone in each ear."""

    left_hz: FiniteFloat
    right_hz: FiniteFloat
    left_db: FiniteFloat
    """RMS, dBFS."""
    right_db: FiniteFloat
    beat_hz: FiniteFloat
    """Left minus right."""
    beat_error_hz: FiniteFloat
    """Expected standard deviation; it falls during a `watch`."""


class Modulation(_Answer):
    """How strongly the music swells and fades."""

    rate_hz: FiniteFloat
    left_index: FiniteFloat
    """The index m of a gain ``1 + m sin``."""
    right_index: FiniteFloat
    floor: FiniteFloat
    """The index that the input alone would show."""


class Interaural(_Answer):
    """How fast the music's phase turns between the ears, from 150 to 1300 Hz."""

    hz: FiniteFloat
    coherence: FiniteFloat
    """Share of the band that turns at this rate, 0 … 1."""


class Measured(_Answer):
    """Measurements of the last second of Entrain's output."""

    text: str
    """All measurements in one line."""
    tones: Tones | None = None
    modulation: Modulation | None = None
    interaural: Interaural | None = None


class Callback(_Answer):
    """How long the audio thread takes for one block."""

    median_us: FiniteFloat = 0.0
    """Half of the calls take less."""
    p999_us: FiniteFloat = 0.0
    """Duration that 99.9 % of the calls since the start stay below.

    Like the median, it is known within 12.5 %.
    """
    longest_lately_us: FiniteFloat = 0.0
    """Longest call of the last minute."""
    longest_lately_share: FiniteFloat = 0.0
    """Longest call of the last minute, as a share of its block's duration."""
