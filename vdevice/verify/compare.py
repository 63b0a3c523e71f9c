"""Compares a sound with its original: in time, in each band, in loudness."""

import numpy as np
import scipy.fft
from scipy import signal

from entrain.vdevice.verify.bands import depths
from entrain.vdevice.verify.report import BandChange, BandDepth, Change
from entrain.vdevice.verify.sound import Samples, Sound
from entrain.vdevice.verify.spectrum import Real

REACH_S = 2.0
"""How much earlier or later than the original the sound may be."""
_PLAIN = 0.1
"""Below this correlation the waveforms are too different, and the levels are aligned instead."""


def align(sound: Sound, original: Sound) -> tuple[Samples, float]:
    """Return the part of the original that belongs to the section, and how late the sound is.

    Parameters
    ----------
    sound, original : Sound
        Sounds of any sample rates; the original's section is `REACH_S` longer at either end.

    Returns
    -------
    (2, frames) float32 ndarray
        Part of the original, at the sound's rate, with the length of its section.
    float
        Delay of the sound relative to the original, in seconds.

    """
    before = original.samples
    if original.rate_hz != sound.rate_hz:
        shared = np.gcd(original.rate_hz, sound.rate_hz)
        before = signal.resample_poly(
            before, sound.rate_hz // shared, original.rate_hz // shared, axis=1
        ).astype(np.float32)
    lead = round((sound.start_s - original.start_s) * sound.rate_hz)
    late = _late_frames(sound.samples, before, lead, sound.rate_hz)
    return _cut(before, lead - late, sound.samples.shape[1]), late / sound.rate_hz


def change(
    sound: Sound,
    original: Sound,
    aligned: tuple[Samples, float],
    swell_hz: float,
    now: tuple[BandDepth, ...],
) -> Change:
    """Compare the sound with `align`'s result; `now` are the sound's bands at `swell_hz`."""
    before, late_s = aligned
    loudness_lu = None
    if sound.loudness_lufs is not None and original.loudness_lufs is not None:
        loudness_lu = sound.loudness_lufs - original.loudness_lufs
    then = depths(before, sound.rate_hz, swell_hz)
    return Change(
        offset_s=late_s,
        correlation=_correlation(sound.samples, before),
        loudness_lu=loudness_lu,
        bands=tuple(_band_change(a, b) for a, b in zip(now, then, strict=True)),
    )


def _band_change(now: BandDepth, then: BandDepth) -> BandChange:
    """Compare two bands; an index within the floor counts as 0."""
    if now.index is None or then.index is None:
        return BandChange(centre_hz=now.centre_hz, original_index=None, index_change=None)
    before = then.index if then.sure else 0.0
    change = (now.index if now.sure else 0.0) - before
    return BandChange(centre_hz=now.centre_hz, original_index=before, index_change=change)


def _late_frames(sound: Samples, original: Samples, lead: int, rate_hz: int) -> int:
    """Return the delay of the sound in frames, from the highest cross-correlation."""
    frames = min(sound.shape[1], 20 * rate_hz)
    first = (sound.shape[1] - frames) // 2
    reach = round(REACH_S * rate_hz)
    piece = sound[:, first : first + frames]
    wide = _cut(original, lead + first - reach, frames + 2 * reach)
    best, height = _best_lag([(a, b) for a, b in zip(piece, wide, strict=True)])
    if height >= _PLAIN:
        return reach - best
    step = max(1, rate_hz // 1000)
    levels = [(_level(a, step), _level(b, step)) for a, b in zip(piece, wide, strict=True)]
    return reach - _best_lag(levels)[0] * step


def _best_lag(ears: list[tuple[Samples, Samples]]) -> tuple[int, float]:
    """Return where the short pieces fit best into the long ones, and how well (0 … 1)."""
    short, long = len(ears[0][0]), len(ears[0][1])
    count = scipy.fft.next_fast_len(short + long, real=True)
    total: Real = np.zeros(long - short + 1)
    energy = 0.0
    for piece, wide in ears:
        cross = scipy.fft.rfft(wide, count) * np.conj(scipy.fft.rfft(piece, count))
        total = total + scipy.fft.irfft(cross, count)[: long - short + 1]
        inside = wide[(long - short) // 2 : (long + short) // 2]
        energy += float(np.linalg.norm(piece) * np.linalg.norm(inside))
    best = int(np.argmax(np.abs(total)))
    return best, float(abs(total[best]) / max(energy, 1e-20))


def _level(samples: Samples, step: int) -> Samples:
    """Return the level, a thousand values a second, smoothed over 10 ms, without its mean."""
    cut = np.abs(samples[: len(samples) // step * step]).reshape(-1, step).mean(axis=1)
    smooth = np.convolve(cut, np.full(10, 0.1), "same").astype(np.float32)
    return np.asarray(smooth - smooth.mean())


def _cut(samples: Samples, first: int, frames: int) -> Samples:
    """Return a piece, padded with silence outside the samples."""
    piece = np.zeros((2, frames), np.float32)
    start, end = max(0, first), min(samples.shape[1], first + frames)
    if end > start:
        piece[:, start - first : end - first] = samples[:, start:end]
    return piece


def _correlation(a: Samples, b: Samples) -> float:
    scale = np.linalg.norm(a.astype(np.float64)) * np.linalg.norm(b.astype(np.float64))
    return float(np.sum(a.astype(np.float64) * b) / scale) if scale > 0 else 0.0
