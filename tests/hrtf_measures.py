"""How well a head's spectra follow measured ones: ITD, ILD and log-spectral distance.

These measures do not know how a head is prepared.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Spectra = npt.NDArray[np.complexfloating[Any, Any]]

RATE_HZ = 48_000
FRAMES = 1024
FREQUENCIES_HZ = np.fft.rfftfreq(FRAMES, 1 / RATE_HZ)


def _erb_bands() -> list[tuple[float, npt.NDArray[np.int64]]]:
    """Return bands of one ERB from 0.2 to 16 kHz: the lower edge, and the bins inside."""
    edges = [200.0]
    while edges[-1] < 16_000:
        edges.append(edges[-1] + 24.7 * (4.37 * edges[-1] / 1000 + 1))
    bands = []
    for low, high in zip(edges[:-1], edges[1:-1] + [16_000.0], strict=True):
        bins = np.flatnonzero((low <= FREQUENCIES_HZ) & (high > FREQUENCIES_HZ))
        if not len(bins):
            bins = np.array([np.argmin(np.abs(FREQUENCIES_HZ - (low + high) / 2))])
        bands.append((low, bins))
    return bands


BANDS = _erb_bands()


def levels_db(spectra: Spectra) -> Floats:
    """Return the level in each band: (directions, ears, BINS) to (directions, ears, bands)."""
    power = np.abs(spectra) ** 2
    return 10 * np.log10(np.stack([power[..., b].mean(-1) for _, b in BANDS], -1) + 1e-12)


def itd_us(spectra: Spectra) -> Floats:
    """Return the delay of the left ear behind the right one below 1.5 kHz, in microseconds."""
    oversampling = 40
    low = spectra / (1 + (FREQUENCIES_HZ / 1500) ** 8)
    longest = int(0.001 * RATE_HZ * oversampling)
    found = np.empty(len(spectra))
    for begin in range(0, len(spectra), 64):
        part = low[begin : begin + 64]
        correlation = np.fft.irfft(part[:, 0] * np.conj(part[:, 1]), FRAMES * oversampling, axis=-1)
        near = np.concatenate([correlation[:, -longest:], correlation[:, : longest + 1]], axis=1)
        found[begin : begin + 64] = near.argmax(axis=1) - longest
    return found / (RATE_HZ * oversampling) * 1e6


@dataclass(frozen=True)
class Differences:
    """Differences between two sets of spectra over all directions."""

    itd_us: float
    itd_p95_us: float
    ild_db: float
    lsd_db: float

    def __str__(self) -> str:
        return (
            f"ITD {self.itd_us:4.1f} us (p95 {self.itd_p95_us:4.1f}), "
            f"ILD {self.ild_db:.3f} dB, LSD {self.lsd_db:.3f} dB"
        )


def differences(found: Spectra, wanted: Spectra) -> Differences:
    """Compare spectra of shape (directions, 2, BINS)."""
    itd = np.abs(itd_us(found) - itd_us(wanted))
    a, b = levels_db(found), levels_db(wanted)
    high = np.array([low > 1500 for low, _ in BANDS])
    between_ears = (a[:, 0] - a[:, 1]) - (b[:, 0] - b[:, 1])
    ild = np.abs(between_ears[:, high].mean(axis=1))
    lsd = np.sqrt(((a - b) ** 2).mean(axis=2)).mean(axis=1)
    return Differences(
        float(itd.mean()), float(np.percentile(itd, 95)), float(ild.mean()), float(lsd.mean())
    )
