"""The test signal of `pulse.py`, and its analysis in a recording.

The left channel has a burst of noise every quarter of a second, for measuring delays.  The right
channel has a sine, for finding disturbances.  Recordings are analysed in pieces and not kept.
"""

import bisect
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from pulse_recorder import RATE_HZ, Blocks, Timeline

Samples = npt.NDArray[np.float32]

BURST_PERIOD_FRAMES = 12_007  # a prime, and so not a multiple of a server's block
BURST_FRAMES = 256
SINE_HZ = 997
SINE_AMPLITUDE = 0.5

_KINDS = 8
MOST_DELAY_S = 0.9 * _KINDS * BURST_PERIOD_FRAMES / RATE_HZ
"""Less than the time between two bursts of the same kind, so that bursts are unambiguous."""

_TURN = 2 * np.pi * SINE_HZ / RATE_HZ  # radian per frame


def _bursts() -> Samples:
    """Make noises below 6 kHz, whose shape survives a shift by a fraction of a frame."""
    spectra = np.fft.rfft(np.random.default_rng(7).standard_normal((_KINDS, BURST_FRAMES)))
    spectra[:, np.fft.rfftfreq(BURST_FRAMES, 1 / RATE_HZ) > 6000] = 0
    noises = np.fft.irfft(spectra) * np.hanning(BURST_FRAMES)
    peaks = np.max(np.abs(noises), axis=1, keepdims=True)
    return np.asarray(0.25 * noises / peaks, np.float32)


_BURSTS = _bursts()


def sound(first_frame: int, frames: int) -> Samples:
    """Return (frames, 2) samples of the endless sound."""
    at = np.arange(first_frame, first_frame + frames)
    samples = np.zeros((frames, 2), np.float32)
    in_period = at % BURST_PERIOD_FRAMES
    is_burst = in_period < BURST_FRAMES
    kinds = at // BURST_PERIOD_FRAMES % _KINDS
    samples[is_burst, 0] = _BURSTS[kinds[is_burst], in_period[is_burst]]
    samples[:, 1] = SINE_AMPLITUDE * np.sin(_TURN * (at % RATE_HZ))
    return samples


class BurstFinder:
    """Finds the bursts to a small fraction of a frame; damaged bursts are ignored."""

    THRESHOLD = 0.02
    LIKENESS = 0.9
    REACH_FRAMES = 128
    """Largest number of frames between the soft beginning of a burst and its first loud frame."""

    def __init__(self) -> None:
        self.found: list[tuple[float, int]] = []
        """First frame and kind of each burst."""
        self._held = np.zeros(0, np.float32)
        self._first = 0  # frame of _held[0]
        self._quiet_from = 0

    def add(self, samples: Samples) -> None:
        """Add the next samples of the left channel."""
        held = np.concatenate([self._held, samples])
        keep = max(0, len(held) - self.REACH_FRAMES)
        for loud in np.flatnonzero(np.abs(held) > self.THRESHOLD):
            if self._first + loud < self._quiet_from:
                continue
            if loud + BURST_FRAMES + self.REACH_FRAMES > len(held):
                keep = min(keep, max(0, int(loud) - self.REACH_FRAMES))
                break
            self._measure(held, int(loud))
            self._quiet_from = self._first + int(loud) + 2 * BURST_FRAMES
        self._held = held[keep:]
        self._first += keep

    def _measure(self, held: Samples, loud: int) -> None:
        start = max(0, loud - self.REACH_FRAMES)
        heard = held[start : loud + BURST_FRAMES + self.REACH_FRAMES].astype(np.float64)
        likes = np.array([np.correlate(heard, burst, "valid") for burst in _BURSTS])
        kind, best = (int(index) for index in np.unravel_index(np.argmax(likes), likes.shape))
        like = likes[kind]
        norm = np.linalg.norm(heard[best : best + BURST_FRAMES]) * np.linalg.norm(_BURSTS[kind])
        if not 0 < best < len(like) - 1 or like[best] < self.LIKENESS * norm:
            return  # incomplete, or with a gap in it
        before, peak, after = like[best - 1 : best + 2]
        between = (before - after) / (2 * (before - 2 * peak + after))
        self.found.append((self._first + start + best + float(between), kind))


class SineWatch:
    """Finds disturbances of the sine: steps, jumps of its phase, wrong levels.

    A resampler may bend the pitch by 1 % and change that by 2 ‰ at a time, and may add products
    46 dB below the sine; these do not count as disturbances.
    """

    STEP = 0.005
    """Error of predicting a sample from the last two, relative to the amplitude."""
    PHASE_JUMP = 0.1
    """Change of the phase from hop to hop, in radians; a lost frame is 0.13."""
    LEVEL_DB = 1.0
    HOP_FRAMES = 240  # 5 ms
    APART_FRAMES = 4_800
    """Disturbances that are closer together count as one."""

    def __init__(self) -> None:
        self.disturbances: list[tuple[int, int]] = []
        """First and last frame of each disturbance, in order."""
        window = 2 * self.HOP_FRAMES
        shape = np.hanning(window + 1)[:-1]
        self._probe = 2 / shape.sum() * shape * np.exp(-1j * _TURN * np.arange(window))
        self._held = np.zeros(0, np.float64)
        self._first = 0
        self._phases = np.zeros(0)  # of the last two hops

    def add(self, samples: Samples) -> None:
        """Add the next samples of the right channel."""
        held = np.concatenate([self._held, samples.astype(np.float64)])
        hops = len(held) // self.HOP_FRAMES - 1
        if hops < 1:
            self._held = held
            return
        used = hops * self.HOP_FRAMES
        found = np.concatenate([self._steps(held[: used + 2]), self._bends(held, hops)])
        for frame in np.sort(found):
            self._note(self._first + int(frame))
        self._held = held[used:]
        self._first += used

    def _steps(self, held: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        missed = held[2:] - 2 * np.cos(_TURN) * held[1:-1] + held[:-2]
        return np.asarray(np.flatnonzero(np.abs(missed) > self.STEP * SINE_AMPLITUDE) + 2)

    def _bends(self, held: npt.NDArray[np.float64], hops: int) -> npt.NDArray[np.int64]:
        starts = self.HOP_FRAMES * np.arange(hops)
        windows = np.lib.stride_tricks.sliding_window_view(held, len(self._probe))[starts]
        phasors = windows @ self._probe
        turned = np.exp(-1j * _TURN * ((self._first + starts) % RATE_HZ))
        phases = np.concatenate([self._phases, np.angle(phasors * turned)])
        self._phases = phases[-2:]
        bend = phases[2:] - 2 * phases[1:-1] + phases[:-2]
        jumps = np.abs((bend + np.pi) % (2 * np.pi) - np.pi) > self.PHASE_JUMP
        off_db = 20 * np.log10(np.maximum(np.abs(phasors), 1e-9) / SINE_AMPLITUDE)
        wrong = np.abs(off_db) > self.LEVEL_DB
        wrong[len(wrong) - len(jumps) :] |= jumps
        return np.asarray(starts[wrong] + self.HOP_FRAMES)

    def _note(self, frame: int) -> None:
        if self.disturbances and frame - self.disturbances[-1][1] <= self.APART_FRAMES:
            first, last = self.disturbances[-1]
            self.disturbances[-1] = (min(first, frame), max(last, frame))
        else:
            self.disturbances.append((frame, frame))


@dataclass
class Heard:
    """Analysis of the signal at one place; times on CLOCK_MONOTONIC, in seconds."""

    timeline: Timeline = field(default_factory=Timeline)
    bursts: BurstFinder = field(default_factory=BurstFinder)
    sine: SineWatch = field(default_factory=SineWatch)

    def add(self, blocks: Blocks) -> None:
        """Add the next piece of the recording."""
        self.timeline.add(blocks)
        self.bursts.add(blocks.samples[:, 0])
        self.sine.add(blocks.samples[:, 1])

    def bursts_s(self, since_s: float, until_s: float) -> list[tuple[float, int]]:
        """Return when the bursts begin, and their kinds."""
        times = [(self.timeline.time_s(frame), kind) for frame, kind in self.bursts.found]
        return [(time_s, kind) for time_s, kind in times if since_s <= time_s < until_s]

    def disturbances_s(self, since_s: float, until_s: float) -> list[float]:
        """Return when the disturbances begin."""
        times_s = [self.timeline.time_s(first) for first, _ in self.sine.disturbances]
        return [time_s for time_s in times_s if since_s <= time_s < until_s]


def delays_s(
    sink: list[tuple[float, int]], device: list[tuple[float, int]]
) -> list[tuple[float, float]]:
    """Return the time of each burst in the sink, and its delay to the device."""
    pairs = []
    for time_s, kind in sink:
        at = bisect.bisect_left(device, (time_s - 0.01, 0))
        for later_s, later_kind in device[at : at + _KINDS]:
            if later_kind == kind and later_s - time_s < MOST_DELAY_S:
                pairs.append((time_s, later_s - time_s))
                break
    return pairs


def inherited(
    device_s: list[float], sink_s: list[float], delay_s: float, tolerance_s: float = 0.03
) -> int:
    """Count the device's disturbances that the sink already had."""
    return sum(
        any(abs(device - sink - delay_s) < tolerance_s for sink in sink_s) for device in device_s
    )
