"""Spectra of responses: a common rate, minimum phase, and smoothing."""

from typing import Any

import numpy as np
import numpy.typing as npt

from entrain.vdevice.hrtf.preparation.measured_set import Floats

Spectra = npt.NDArray[np.complexfloating[Any, Any]]

RATE_HZ = 48_000
FRAMES = 1024
"""Length of the Fourier transforms, in frames of `RATE_HZ`: 21 ms."""
BINS = FRAMES // 2 + 1
FREQUENCIES_HZ = np.fft.rfftfreq(FRAMES, 1 / RATE_HZ)

_GUARD_FRAMES = 160
"""Room at the end of a transform for delays and the tails of minimum phase."""
_LEAD_FRAMES = 40
"""Room before the first arrival, in frames of `RATE_HZ`."""
_FADE_FRAMES = 16
_FLOOR = 1e-6
"""Smallest magnitude relative to the largest: -120 dB."""
_CHUNK = 256


def spectra_of(responses: Floats, delays_frames: Floats, rate_hz: float) -> Spectra:
    """Transform responses of any rate to spectra at `RATE_HZ`.

    Bins above the band of the responses hold the magnitude of the highest bin of the band.  Time 0
    is a little before the first arrival of all.

    Parameters
    ----------
    responses : (directions, 2, taps) array
    delays_frames : (directions, 2) array
        In frames of `rate_hz`.
    rate_hz : float

    Returns
    -------
    (directions, 2, BINS) complex array

    """
    responses, delays_frames = _trimmed(responses, delays_frames, rate_hz)
    taps = responses.shape[-1]
    usable = min(RATE_HZ / 2, 0.46 * rate_hz) >= FREQUENCIES_HZ
    used_hz = FREQUENCIES_HZ[usable]
    if rate_hz == RATE_HZ:
        usable, used_hz = np.ones(BINS, bool), FREQUENCIES_HZ
    turns: Spectra = np.exp(-2j * np.pi * np.outer(np.arange(taps), used_hz / rate_hz))
    found = np.empty((*responses.shape[:2], BINS), np.complex128)
    piece: Spectra
    for begin in range(0, len(responses), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        if rate_hz == RATE_HZ:
            piece = np.fft.rfft(responses[part], FRAMES, axis=-1)
        else:
            piece = responses[part].astype(np.complex128) @ turns
        late = np.exp(-2j * np.pi * delays_frames[part][..., np.newaxis] * used_hz / rate_hz)
        found[part][..., : len(used_hz)] = piece * late
    count = len(used_hz)
    if count < BINS:
        top = np.abs(found[..., count - 5 : count]).mean(axis=-1, keepdims=True)
        # The phase goes on as it was; only arrival times and the magnitude matter there.
        slope = np.angle(found[..., count - 1 : count] / found[..., count - 2 : count - 1])
        turn = np.angle(found[..., count - 1 : count]) + slope * np.arange(1, BINS - count + 1)
        found[..., count:] = top * np.exp(1j * turn)
    return found


def _trimmed(responses: Floats, delays_frames: Floats, rate_hz: float) -> tuple[Floats, Floats]:
    """Cut silence before the first arrival, and what does not fit into a transform."""
    loud = np.abs(responses) > 0.1 * np.abs(responses).max(axis=-1, keepdims=True)
    arrivals = loud.argmax(axis=-1) + delays_frames
    scale = rate_hz / RATE_HZ
    # The same for all: differences between directions and ears are what is to be heard.
    first = float(np.percentile(arrivals, 1)) - _LEAD_FRAMES * scale
    delays_frames = delays_frames - first
    whole = int(max(0, np.floor(-delays_frames.max())))
    keep = int((FRAMES - _GUARD_FRAMES) * scale)
    responses = responses[..., whole : whole + keep].copy()
    if responses.shape[-1] == keep:
        fade = max(2, int(_FADE_FRAMES * scale))
        responses[..., -fade:] *= falling(fade)
    return responses, delays_frames + whole


def falling(frames: int) -> Floats:
    """Return half a cosine from 1 to 0."""
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * np.arange(1, frames + 1) / frames))


def minimum_phase(magnitudes: Floats) -> Spectra:
    """Return the minimum-phase spectra with these magnitudes, of shape (…, BINS)."""
    floor = _FLOOR * magnitudes.max(axis=-1, keepdims=True)
    found = np.empty(magnitudes.shape, np.complex128)
    window = np.zeros(FRAMES)
    window[0] = window[FRAMES // 2] = 1
    window[1 : FRAMES // 2] = 2
    for begin in range(0, len(magnitudes), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        logarithms = np.log(np.maximum(magnitudes[part], floor[part]))
        cepstra = np.fft.irfft(logarithms, FRAMES, axis=-1)
        found[part] = np.exp(np.fft.rfft(cepstra * window, axis=-1))
    return found


def delayed(delays_s: Floats) -> Spectra:
    """Return the spectra of pure delays: (…) seconds to (…, BINS)."""
    return np.asarray(np.exp(-2j * np.pi * FREQUENCIES_HZ * delays_s[..., np.newaxis]))


def cut(responses: Floats, taps: int) -> Floats:
    """Keep the first taps, the last ones faded out."""
    kept = np.array(responses[..., :taps])
    kept[..., -_FADE_FRAMES:] *= falling(_FADE_FRAMES)
    return kept


def smoothed(powers: Floats, octaves: float) -> Floats:
    """Average a power spectrum of shape (BINS,) over a band around each frequency."""
    total = np.concatenate([[0.0], np.cumsum(powers)])
    half = 2 ** (octaves / 2)
    bins = np.arange(BINS)
    low = np.maximum(np.ceil(bins / half), 0).astype(int)
    high = np.minimum(np.floor(bins * half), BINS - 1).astype(int) + 1
    return np.asarray((total[high] - total[low]) / (high - low))
