"""What `entrain verify` has measured.  The fields are the keys of its JSON; None is its null."""

from pydantic import BaseModel, ConfigDict, FiniteFloat, computed_field


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tone(_Result):
    """A steady tone in one ear."""

    hz: FiniteFloat
    """At the section's middle."""
    drift_hz_per_min: FiniteFloat
    level_db: FiniteFloat
    """RMS, dBFS."""
    other_ear_db: FiniteFloat
    """The same frequency in the other ear, dBFS."""
    error_hz: FiniteFloat
    """Standard deviation of `hz` that the noise around the tone gives."""


class Pair(_Result):
    """A tone in the left ear only and another in the right ear only: a binaural beat."""

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
        """The middle of the two."""
        return (self.left.hz + self.right.hz) / 2


class BandDepth(_Result):
    """How deep one third-octave band swells and fades at the rate looked at."""

    centre_hz: FiniteFloat
    left: FiniteFloat | None = None
    right: FiniteFloat | None = None
    """Index per ear, the floor's share taken out; None: nothing is in this band."""
    index: FiniteFloat | None = None
    """Of both ears, weighted by their power."""
    floor: FiniteFloat | None = None
    """Index that the sound's own restlessness gives at neighbouring rates."""
    sure: bool = False
    """The line stands out of the floor."""
    ears_deg: FiniteFloat | None = None
    """How much the left ear's swelling is ahead of the right one's."""
    level_db: FiniteFloat | None = None
    """RMS, dBFS, mean of both ears."""


class Swell(_Result):
    """The sound swells and fades at a steady rate."""

    rate_hz: FiniteFloat
    index: FiniteFloat
    """Median over the bands from `low_hz` to `high_hz`."""
    low_hz: FiniteFloat
    high_hz: FiniteFloat
    still_below_hz: FiniteFloat | None
    """Below this, nothing swells."""
    ears_deg: FiniteFloat
    """0: both ears together; ±180: from ear to ear."""
    in_original: bool | None
    """The original does so as well; None: there is none to compare with."""


class Interaural(_Result):
    """The interaural phase between 150 and 1300 Hz."""

    coherence: FiniteFloat
    """Of the ears as they are: 1 alike but for level and phase, 0 nothing in common."""
    slope_hz: FiniteFloat | None = None
    """Turns of the phase per second, a binaural beat; positive: the left ear is higher."""
    slope_coherence: FiniteFloat | None = None
    """Of the ears after one is shifted by the slope."""
    swing_hz: FiniteFloat | None = None
    """Rate at which the phase swings to and fro."""
    swing_deg: FiniteFloat | None = None
    """How far it swings to either side."""
    of_tones: bool = False
    """Measured on the tones, for there is hardly anything else; otherwise without them."""


class Following(_Result):
    """A simple model's figures at one rate; 1 is about as much as there can be."""

    rate_hz: FiniteFloat
    efr: FiniteFloat
    """Envelope following, mean of the ears."""
    efr_floor: FiniteFloat
    """Floors: the same at neighbouring rates."""
    mso: FiniteFloat
    """Coincidence of both ears at the best internal delay."""
    mso_floor: FiniteFloat


class BandChange(_Result):
    """A band against the same band of the original."""

    centre_hz: FiniteFloat
    original_index: FiniteFloat | None
    index_change: FiniteFloat | None


class Change(_Result):
    """The sound against its original."""

    offset_s: FiniteFloat
    """How much later the sound is than the original."""
    correlation: FiniteFloat
    """Of the aligned samples of both ears, -1 … 1."""
    loudness_lu: FiniteFloat | None
    """Integrated loudness after BS.1770, whole files; positive: louder than the original."""
    bands: tuple[BandChange, ...]


class VerifyReport(_Result):
    """What entrainment is measurably in a sound."""

    file: str
    against: str | None
    sample_rate_hz: int
    channels: int
    seconds: FiniteFloat
    """Length of the whole file."""
    section_start_s: FiniteFloat
    section_s: FiniteFloat
    """The part looked at closely."""
    loudness_lufs: FiniteFloat | None
    level_db: FiniteFloat | None
    """RMS of the section, dBFS; None: silence."""
    rate_hz: FiniteFloat | None
    """The rate of the entrainment: the one asked for, else of the clearest finding."""
    bands_rate_hz: FiniteFloat | None
    """The rate at which the bands were measured."""
    found: tuple[str, ...]
    """Of binaural-beat, programme-beat, phase-swing, swell, swell-between-ears.

    Swelling that the original has as well does not count.
    """
    tones: tuple[Pair, ...]
    swells: tuple[Swell, ...]
    """What was added first, then the strongest."""
    interaural: Interaural | None
    bands: tuple[BandDepth, ...]
    following: tuple[Following, ...]
    change: Change | None
    verdict: tuple[str, ...]
    """Plain sentences, the clearest finding first."""
    notes: tuple[str, ...]
    """What the figures do not say."""
