"""Readings of an engine: counters, meters, measurements and samples."""

from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Stats:
    """Counters of the callback; see ``entrain_stats`` in the native interface."""

    frames: int
    cycles: int
    xruns: int
    missing_buffers: int
    nonfinite: int
    busy_ns: int


@dataclass(frozen=True, slots=True)
class Durations:
    """Durations of the callback; see ``entrain_durations`` in the native interface.

    Parameters
    ----------
    counts : tuple of int
        Calls since the engine was created, by bucket; eight buckets to an octave.
    longest_ns : int
        Longest call of the last minute.
    longest_share : float
        Longest call as a share of the duration of its frames; at 1 the sound breaks.

    """

    counts: tuple[int, ...]
    longest_ns: int
    longest_share: float

    def quantile_us(self, share: float) -> float:
        """Return the duration, in µs, that this share of all calls did not exceed.

        The value is the end of a bucket, at most 12.5 % too long; 0 before the first call.
        """
        ended = list(accumulate(self.counts))
        if not ended[-1]:
            return 0.0
        following = 1 + bisect_left(ended, share * ended[-1])
        return ((8 + following % 8) << (5 + following // 8)) / 1000


@dataclass(frozen=True, slots=True)
class Levels:
    """Levels of left and right, full scale = 1.0; see ``entrain_levels`` in the interface."""

    in_rms: tuple[float, float]
    in_peak: tuple[float, float]
    out_rms: tuple[float, float]
    out_peak: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Loudness:
    """Loudness in LUFS after ITU-R BS.1770-5; -inf for silence."""

    momentary_lufs: float
    short_term_lufs: float
    integrated_lufs: float


@dataclass(frozen=True, slots=True)
class Promise:
    """Frequencies that the sound should have; see ``entrain_promise`` in the native interface."""

    tone_hz: tuple[float, float] = (0.0, 0.0)
    modulation_hz: float = 0.0
    corner_hz: float = 0.0
    interaural_hz: float = 0.0


@dataclass(frozen=True, slots=True)
class Measurement:
    """Tones and rhythms found in the sound; see ``entrain_measurement`` in the interface."""

    tone_hz: tuple[float, float]
    tone_db: tuple[float, float]
    beat_hz: float
    beat_error_hz: float
    modulation_hz: float
    index: tuple[float, float]
    index_floor: tuple[float, float]
    interaural_hz: float
    coherence: float


@dataclass(frozen=True, slots=True)
class Samples:
    """Frames of the input and of the output, for analysis."""

    first: int
    """Number of the first frame; the engine counts frames since its start, at any rate."""
    frames: int
    rate_hz: int
    content: bytearray
    """The input, then the output: little-endian float32, left and right by turns.

    The input has the output's delay, so frames of the same number belong together.
    """
