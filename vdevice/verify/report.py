"""Results of `entrain verify`.  The fields are the keys of its JSON; None is null."""

from pydantic import BaseModel, ConfigDict, FiniteFloat, computed_field


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tone(_Result):
    """A steady tone in one ear."""

    hz: FiniteFloat
    """Frequency at the section's middle."""
    drift_hz_per_min: FiniteFloat
    level_db: FiniteFloat
    """RMS, dBFS."""
    other_ear_db: FiniteFloat
    """Level of the same frequency in the other ear, dBFS."""
    error_hz: FiniteFloat
    """Standard error of `hz`, from the noise around the tone."""


class Pair(_Result):
    """A tone in the left ear and another in the right ear, which form a binaural beat."""

    left: Tone
    right: Tone

    @computed_field  # type: ignore[prop-decorator]
    @property
    def beat_hz(self) -> float:
        """Left minus right."""
        return self.left.hz - self.right.hz

    @computed_field  # type: ignore[prop-decorator]
    @property
    def carrier_hz(self) -> float:
        """Mean frequency of the two tones."""
        return (self.left.hz + self.right.hz) / 2


class BandDepth(_Result):
    """How deep one third-octave band swells and fades at the examined rate."""

    centre_hz: FiniteFloat
    left: FiniteFloat | None = None
    right: FiniteFloat | None = None
    """Index per ear, without the floor's share; None: the band is silent."""
    index: FiniteFloat | None = None
    """Index of both ears, weighted by power."""
    floor: FiniteFloat | None = None
    """Index that the sound itself has at neighbouring rates."""
    sure: bool = False
    """Whether the line stands out of the floor."""
    ears_deg: FiniteFloat | None = None
    """Phase of the left ear's swelling relative to the right ear's."""
    level_db: FiniteFloat | None = None
    """RMS, dBFS, mean of both ears."""


class Swell(_Result):
    """The sound swells and fades at a steady rate."""

    rate_hz: FiniteFloat
    index: FiniteFloat
    """Median of the bands from `low_hz` to `high_hz`."""
    low_hz: FiniteFloat
    high_hz: FiniteFloat
    still_below_hz: FiniteFloat | None
    """Frequency below which the sound does not swell."""
    ears_deg: FiniteFloat
    """0: both ears together; ±180: from ear to ear."""
    in_original: bool | None
    """Whether the original swells as well; None: without an original."""


class Interaural(_Result):
    """The interaural phase between 150 and 1300 Hz."""

    coherence: FiniteFloat
    """Coherence of the ears: 1 if they differ only in level and phase, 0 if unrelated."""
    slope_hz: FiniteFloat | None = None
    """Turns of the phase per second, a binaural beat; positive: the left ear is higher."""
    slope_coherence: FiniteFloat | None = None
    """Coherence after one ear has been shifted by the slope."""
    swing_hz: FiniteFloat | None = None
    """Rate at which the phase swings."""
    swing_deg: FiniteFloat | None = None
    """Swing to either side."""
    of_tones: bool = False
    """Whether the tones were included, because the sound has hardly anything else."""


class Following(_Result):
    """Results of a simple model at one rate; 1 is about the maximum."""

    rate_hz: FiniteFloat
    efr: FiniteFloat
    """Envelope following, mean of both ears."""
    efr_floor: FiniteFloat
    """Floors are the same figures at neighbouring rates."""
    mso: FiniteFloat
    """Coincidence of both ears at the best internal delay."""
    mso_floor: FiniteFloat


class BandChange(_Result):
    """Difference between a band and the same band of the original."""

    centre_hz: FiniteFloat
    original_index: FiniteFloat | None
    index_change: FiniteFloat | None


class Change(_Result):
    """Difference between the sound and its original."""

    offset_s: FiniteFloat
    """Delay of the sound relative to the original."""
    correlation: FiniteFloat
    """Correlation of the aligned samples of both ears, -1 … 1."""
    loudness_lu: FiniteFloat | None
    """Difference in integrated loudness after BS.1770; positive: louder than the original."""
    bands: tuple[BandChange, ...]


class VerifyReport(_Result):
    """All findings in one sound file."""

    file: str
    against: str | None
    sample_rate_hz: int
    channels: int
    seconds: FiniteFloat
    """Length of the whole file."""
    section_start_s: FiniteFloat
    section_s: FiniteFloat
    """Length of the examined section."""
    loudness_lufs: FiniteFloat | None
    level_db: FiniteFloat | None
    """RMS of the section, dBFS; None: silence."""
    rate_hz: FiniteFloat | None
    """The rate of the entrainment: the requested one, or the rate of the clearest finding."""
    bands_rate_hz: FiniteFloat | None
    """The rate at which the bands were measured."""
    found: tuple[str, ...]
    """Any of binaural-beat, programme-beat, phase-swing, swell, swell-between-ears.

    Swelling that the original has as well does not count.
    """
    tones: tuple[Pair, ...]
    swells: tuple[Swell, ...]
    """Added swells first, then the strongest."""
    interaural: Interaural | None
    bands: tuple[BandDepth, ...]
    following: tuple[Following, ...]
    change: Change | None
    verdict: tuple[str, ...]
    """Plain sentences, the clearest finding first."""
    notes: tuple[str, ...]
    """Limits of the figures."""
