"""Splits responses into minimum phase and arrival times.

The cross-correlation with the minimum phase fails on some sets by 400 µs.  The onset of the
low-passed response does not fail; a correction then gives the interaural delay at low frequencies,
on which listeners rely most, its measured value.
"""

from dataclasses import dataclass, field

import numpy as np

from entrain.vdevice.hrtf.errors import HrtfError
from entrain.vdevice.hrtf.preparation.measured_set import Floats, MeasuredSet
from entrain.vdevice.hrtf.preparation.spectra import (
    FRAMES,
    FREQUENCIES_HZ,
    RATE_HZ,
    Spectra,
    delayed,
    minimum_phase,
    spectra_of,
)

_ONSET_HZ = 3000.0
_ONSET_LEVEL = 10 ** (-10 / 20)
_ONSET_OVERSAMPLING = 8
_ONSET_LEAD_FRAMES = 200
_INTERAURAL_HZ = 1500.0
_INTERAURAL_TOP_HZ = 4500.0
"""The low-pass filter at `_INTERAURAL_HZ` has -150 dB there."""
_MAX_INTERAURAL_S = 0.001
_LAG_S = 2e-6
_BASS_HZ = 180.0
_LEAST_BETWEEN_EARS_S, _MAX_BETWEEN_EARS_S = 0.0001, 0.0018
"""The largest head measured has 0.9 ms."""
_CHUNK = 128


@dataclass(frozen=True)
class AlignedSet:
    """Responses of one head as magnitudes with minimum phase, and arrival times."""

    directions: Floats
    """(directions, 3) unit vectors: x front, y left, z up."""
    magnitudes: Floats
    """(directions, 2, BINS) at `RATE_HZ`."""
    arrivals_s: Floats
    """(directions, 2) on a time scale that all directions share."""
    facts: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def align(measured: MeasuredSet) -> AlignedSet:
    """Find magnitudes and arrival times of measured responses.

    Raises
    ------
    HrtfError
        The responses cannot belong to a head.

    """
    spectra = spectra_of(measured.responses, measured.delays_frames, measured.rate_hz)
    notes = measured.notes
    if _ears_are_swapped(measured.directions, spectra):
        spectra = spectra[:, ::-1]
        notes = (*notes, "the first receiver is the right ear")
    magnitudes = np.abs(spectra)
    _extend_downwards(magnitudes)
    arrivals_s = arrival_times_s(spectra, minimum_phase(magnitudes))
    between_ears = np.abs(arrivals_s[:, 0] - arrivals_s[:, 1])
    if not np.isfinite(between_ears).all() or between_ears.max() > _MAX_BETWEEN_EARS_S:
        raise HrtfError(
            "holds no head: its ears hear a source more than "
            f"{_MAX_BETWEEN_EARS_S * 1000:g} ms apart"
        )
    if between_ears.max() < _LEAST_BETWEEN_EARS_S:
        notes = (*notes, "both ears hear all directions at the same time")
    return AlignedSet(measured.directions, magnitudes, arrivals_s, measured.facts, notes)


def _ears_are_swapped(directions: Floats, spectra: Spectra) -> bool:
    """Tell by the sound whether the second ear hears sources on the left first."""
    return bool((directions[:, 1] * interaural_delays_s(spectra)).sum() > 0)


def _extend_downwards(magnitudes: Floats) -> None:
    """Hold the level of the bass below the limit of most measurements, in place.

    A head is small against these waves, so its true responses are flat there.
    """
    lowest = int(np.searchsorted(FREQUENCIES_HZ, _BASS_HZ))
    around = magnitudes[..., lowest - 1 : lowest + 2]
    magnitudes[..., :lowest] = np.sqrt((around**2).mean(axis=-1, keepdims=True))


def arrival_times_s(spectra: Spectra, minimum: Spectra) -> Floats:
    """Return the delay of each response behind its minimum phase, in seconds."""
    times = _onsets_s(spectra) - _onsets_s(minimum)
    error = interaural_delays_s(spectra) - interaural_delays_s(minimum * delayed(times))
    return times + np.stack([error, -error], axis=1) / 2


def interaural_delays_s(spectra: Spectra) -> Floats:
    """Return how much later the left ear hears each direction than the right ear, below 1.5 kHz.

    The delay is the maximum of the cross-correlation of the low-passed responses.

    Parameters
    ----------
    spectra : (directions, 2, BINS) complex array

    """
    used = FREQUENCIES_HZ <= _INTERAURAL_TOP_HZ
    filter_ = 1 / (1 + (FREQUENCIES_HZ[used] / _INTERAURAL_HZ) ** 8) ** 2
    count = round(_MAX_INTERAURAL_S / _LAG_S)
    lags_s = np.arange(-count, count + 1) * _LAG_S
    turns = 2 * np.pi * np.outer(FREQUENCIES_HZ[used], lags_s)
    cross = spectra[:, 0, used] * np.conj(spectra[:, 1, used]) * filter_
    correlation = cross.real @ np.cos(turns) - cross.imag @ np.sin(turns)
    best = np.clip(correlation.argmax(axis=1), 1, 2 * count - 1)
    rows = np.arange(len(best))
    before, top, behind = (correlation[rows, best + step] for step in (-1, 0, 1))
    curve = before - 2 * top + behind
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.where(curve < 0, 0.5 * (before - behind) / curve, 0.0)
    return np.asarray((best - count + np.clip(shift, -1, 1)) * _LAG_S)


def _onsets_s(spectra: Spectra) -> Floats:
    """Return when each low-passed response first comes within 10 dB of its peak, in seconds."""
    rate_hz = RATE_HZ * _ONSET_OVERSAMPLING
    low_pass = 1 / (1 + (FREQUENCIES_HZ / _ONSET_HZ) ** 8)
    lead = np.exp(-2j * np.pi * FREQUENCIES_HZ * _ONSET_LEAD_FRAMES / RATE_HZ)
    onsets = np.empty(spectra.shape[:2])
    for begin in range(0, len(spectra), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        filtered = spectra[part] * (low_pass * lead)
        levels = np.abs(np.fft.irfft(filtered, FRAMES * _ONSET_OVERSAMPLING, axis=-1))
        reached = levels > _ONSET_LEVEL * levels.max(axis=-1, keepdims=True)
        onsets[part] = reached.argmax(axis=-1) / rate_hz - _ONSET_LEAD_FRAMES / RATE_HZ
    return onsets
