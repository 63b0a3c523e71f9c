"""The spectrum of a section, and analytic signals of narrow bands.

A band's analytic signal is the inverse transform of its bins alone.  It is exact, and its sample
rate is only as high as the band requires.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy.ndimage import median_filter

from entrain.vdevice.verify.sound import Samples

Complex = npt.NDArray[np.complex128]
Real = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Band:
    """Analytic signals of both ears in one band, with the lower edge shifted to 0 Hz."""

    ears: Complex
    """(2, samples)"""
    shift_hz: float
    rate_hz: float
    window: Real
    """Hann window over the section, 0 in the padding behind it; sums to 1."""


class Spectrum:
    """Spectra of both ears over a whole section."""

    def __init__(self, samples: Samples, rate_hz: int) -> None:
        frames = samples.shape[1]
        # A quarter of a second of silence, so that the end does not leak into the beginning.
        padded = scipy.fft.next_fast_len(frames + rate_hz // 4, real=True)
        self.period_s = padded / rate_hz
        self.section_s = frames / rate_hz
        self.top_hz = 0.45 * rate_hz
        self.bins = np.asarray(scipy.fft.rfft(samples, padded)) * np.float32(2 / padded)

    def band(self, low_hz: float, high_hz: float) -> Band:
        """Return the analytic signals between two frequencies, with cosine edges."""
        first, last = round(low_hz * self.period_s), round(high_hz * self.period_s)
        piece = self.bins[:, first:last].astype(np.complex128)
        flank = max(1, piece.shape[1] // 16)
        rise = np.sin(np.pi / 2 * (np.arange(flank) + 0.5) / flank)
        piece[:, :flank] *= rise
        piece[:, -flank:] *= rise[::-1]
        # Twice the band's width, which is the width of the squared envelope.
        count = scipy.fft.next_fast_len(2 * piece.shape[1])
        ears = np.asarray(scipy.fft.ifft(piece, count)) * count
        inside = int(self.section_s / self.period_s * count)
        window = np.zeros(count)
        window[:inside] = np.hanning(inside)
        window /= max(window.sum(), 1e-30)
        return Band(ears, first / self.period_s, count / self.period_s, window)

    def without(self, ranges_hz: list[tuple[float, float]]) -> "Spectrum":
        """Return a copy without some frequency ranges."""
        copy = object.__new__(Spectrum)
        copy.__dict__.update(self.__dict__)
        copy.bins = self.bins.copy()
        for low_hz, high_hz in ranges_hz:
            low, high = round(low_hz * self.period_s), round(high_hz * self.period_s)
            copy.bins[:, max(0, low) : high + 1] = 0
        return copy

    def power(self, low_hz: float, high_hz: float) -> float:
        """Return the power in a frequency range, summed over both ears."""
        first, last = round(low_hz * self.period_s), round(high_hz * self.period_s)
        square = np.square(np.abs(self.bins[:, first:last], dtype=np.float64)).sum()
        return float(square / 2 * self.period_s / max(self.section_s, 1e-9))


def line(series: Complex | Real, window: Real, rate_hz: float, frequency_hz: float) -> complex:
    """Return the component of a series at one frequency, weighted by a window that sums to 1."""
    turn = np.exp(-2j * np.pi * frequency_hz / rate_hz * np.arange(series.shape[-1]))
    return complex(np.sum(series * window * turn))


def refine(
    series: Complex | Real, window: Real, rate_hz: float, near_hz: float, section_s: float
) -> float:
    """Return the frequency of the strongest component near a given frequency."""
    step_hz = 0.4 / section_s
    for _ in range(4):
        below, here, above = (
            np.log(abs(line(series, window, rate_hz, near_hz + d * step_hz)) + 1e-300)
            for d in (-1, 0, 1)
        )
        bend = below - 2 * here + above
        if bend >= 0:
            break
        near_hz += step_hz * float(np.clip(0.5 * (below - above) / bend, -1, 1))
        step_hz /= 3
    return near_hz


def floor(power: Real, bins: int) -> Real:
    """Return the mean power of the noise around each bin, from a running median, ignoring lines.

    The power of noise is distributed exponentially, so its mean is its median / ln 2.
    """
    median = median_filter(power, size=2 * bins + 1, mode="mirror")
    return np.asarray(median / np.log(2))
