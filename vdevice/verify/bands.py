"""Measures how deep a sound swells at one rate: the modulation index of each third-octave band.

The component of the squared Hilbert envelope at a rate f is the correlation of the spectrum with
itself, shifted by f.  The sum over all pairs of bins whose middle lies in a band includes all
sidebands at the band's edges, so a band may be narrower than the rate.  For a sinusoid of depth m
the component is 2m / (1 + m²/2), relative to the power; the index is this m.
"""

import numpy as np
import numpy.typing as npt
import scipy.fft

from entrain.vdevice.verify.report import BandDepth
from entrain.vdevice.verify.sound import Samples
from entrain.vdevice.verify.spectrum import Real

_QUIET = 1e-5
"""A band 50 dB below the loudest is inaudible beside it; onsets and rounding leak into it."""
_NEIGHBOURS = (6, 30)
"""Range of bins on either side of the rate that give the floor; nearer bins belong to the line."""
_SURE = 14.0
"""Power relative to the floor that noise reaches once in a million bands."""


def third_octaves(top_hz: float) -> Real:
    """Return the centres of the third-octave bands from 31.5 Hz on (IEC 61260, base ten)."""
    centres = 10 ** (np.arange(15, 43) / 10)
    return np.asarray(centres[centres * 10**0.05 < top_hz])


def edges_hz(centre_hz: float) -> tuple[float, float]:
    """Return the limits of a third-octave band."""
    return centre_hz * 10**-0.05, centre_hz * 10**0.05


def depths(samples: Samples, rate_hz: int, swell_hz: float) -> list[BandDepth]:
    """Measure the swelling at `swell_hz` in every band of a (2, frames) section."""
    frames = samples.shape[1]
    count = scipy.fft.next_fast_len(frames)
    window = np.hanning(frames).astype(np.float32)
    half_turn = np.exp(1j * np.pi * swell_hz / rate_hz * np.arange(frames)).astype(np.complex64)
    up, down = [], []
    keep = int(min(0.48 * rate_hz, 20_000) * count / rate_hz)
    for ear in samples:
        shaped = ear * window
        # Shifted by half the rate up and down, which is exact even between two bins.
        up.append(scipy.fft.fft(shaped * half_turn.conj(), count)[:keep].copy())
        down.append(scipy.fft.fft(shaped * half_turn, count)[:keep].copy())
    bin_hz = rate_hz / count
    # |k| is the distance from the rate; low rates are excluded, since the level at 0 Hz leaks
    # there.
    near = [k for k in range(-_NEIGHBOURS[1], _NEIGHBOURS[1] + 1, 2) if abs(k) >= _NEIGHBOURS[0]]
    near = [k for k in near if swell_hz + k * bin_hz > 6 * bin_hz]

    measured = []
    for centre_hz in third_octaves(0.45 * rate_hz):
        first, last = (round(edge / bin_hz) for edge in edges_hz(centre_hz))
        # Mean over both shifts, which is right even if a tone's sideband lies in the next band.
        energy = [
            (_energy(u[first:last]) + _energy(d[first:last])) / 2
            for u, d in zip(up, down, strict=True)
        ]
        turned = [
            _correlations(u, d, first, last, [0, *near]) for u, d in zip(up, down, strict=True)
        ]
        measured.append((centre_hz, energy, turned))
    loudest = max((max(energy) for _, energy, _ in measured), default=0.0)
    to_power = 2 / (count * np.square(window, dtype=np.float64).sum() or 1.0)
    return [_depth(*band, loudest * _QUIET, to_power) for band in measured]


def _correlations(
    up: npt.NDArray[np.complex64],
    down: npt.NDArray[np.complex64],
    first: int,
    last: int,
    shifts: list[int],
) -> npt.NDArray[np.complex128]:
    reach = max(abs(shift) for shift in shifts)
    low, high = max(0, first - reach), min(len(up), last + reach)
    wide = np.zeros(last - first + 2 * reach, np.complex128)
    wide[low - first + reach : high - first + reach] = up[low:high]
    reference = down[first:last].astype(np.complex128)
    return np.array(
        [np.vdot(reference, wide[reach + k : reach + k + len(reference)]) for k in shifts]
    )


def _energy(bins: npt.NDArray[np.complex64]) -> float:
    return float(np.square(np.abs(bins), dtype=np.float64).sum())


def _depth(
    centre_hz: float,
    energy: list[float],
    turned: list[npt.NDArray[np.complex128]],
    quiet: float,
    to_power: float,
) -> BandDepth:
    total = sum(energy)
    level_db = float(10 * np.log10(total / 2 * to_power)) if total > 0 else None
    if total <= quiet or len(turned[0]) < 2:
        return BandDepth(centre_hz=centre_hz, level_db=level_db)
    per_ear: list[float | None] = []
    for ear_energy, line in zip(energy, turned, strict=True):
        if ear_energy <= quiet:
            per_ear.append(None)
            continue
        noise = np.mean(np.square(np.abs(line[1:])))
        clean = np.sqrt(max(0.0, abs(line[0]) ** 2 - noise))
        per_ear.append(index_of(2 * clean / ear_energy))
    magnitude = sum(abs(line[0]) for line in turned)
    noise_power = float(np.mean(np.square(sum(np.abs(line[1:]) for line in turned))))
    clean = np.sqrt(max(0.0, magnitude**2 - noise_power))
    cross = turned[0][0] * np.conj(turned[1][0])
    return BandDepth(
        centre_hz=centre_hz,
        left=per_ear[0],
        right=per_ear[1],
        index=index_of(2 * clean / total),
        floor=index_of(2 * np.sqrt(noise_power) / total),
        sure=bool(magnitude**2 > _SURE * noise_power),
        ears_deg=None if None in per_ear else float(np.degrees(np.angle(cross))),
        level_db=level_db,
    )


def index_of(power_component: float) -> float:
    """Return the depth m of the sinusoid whose squared envelope has this component.

    Pulses that are narrower than a sinusoid's crest are limited to the square root of 2.
    """
    p = min(float(power_component), float(np.sqrt(2)))
    return (2 - float(np.sqrt(max(0.0, 4 - 2 * p * p)))) / p if p > 1e-9 else 0.0
