"""Finds the rates at which a sound swells and fades."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import scipy.fft
from scipy import stats

from entrain.vdevice.verify.spectrum import Band, Real, Spectrum, floor, refine

LOW_HZ, HIGH_HZ = 0.5, 100.0
"""Range of rates to search."""
_EDGES_HZ = (60.0, 220.0, 450.0, 900.0, 1800.0, 3600.0, 8000.0)
"""Edges of bands that are at least 1.5 times as wide as the fastest rate."""
_FALSE_ALARM = 1e-10
"""Probability per bin; there are about ten thousand bins."""
_CANDIDATES = 400
_APART_HZ = 0.2
_MOST_LINES = 3
_OVERTONE = 1.5


@dataclass(frozen=True)
class Envelope:
    """Spectrum of the sound's swelling, averaged over all bands and both ears."""

    rates_hz: Real
    ratio: Real
    """Power relative to the local floor; about 1 where there is only noise."""
    threshold: float
    strength: Real
    """Power of the swelling; loud bands count more."""
    lines_hz: tuple[float, ...]
    """Rates that stand out, the strongest first, without overtones of a rhythm."""

    def strength_at(self, rate_hz: float) -> float:
        """Return the highest strength of the three nearest bins."""
        nearest = int(np.argmin(np.abs(self.rates_hz - rate_hz)))
        return float(self.strength[max(0, nearest - 1) : nearest + 2].max())


def envelope(spectrum: Spectrum, original: Envelope | None = None) -> Envelope:
    """Search lines in the envelopes of six bands in both ears.

    With an `original` of the same length, lines that are stronger than in the original come first.
    """
    low_hz = max(LOW_HZ, 5 / spectrum.section_s)
    first, last = round(low_hz * spectrum.period_s), round(HIGH_HZ * spectrum.period_s)
    around = max(20, round(2 * spectrum.period_s))
    bands, ratios, strength = [], [], np.zeros(last - first)
    pairs = [(low, min(high, spectrum.top_hz)) for low, high in pairwise(_EDGES_HZ)]
    powers = [spectrum.power(low, high) if high > low + 100 else 0.0 for low, high in pairs]
    for (low, high), power in zip(pairs, powers, strict=True):
        if power <= 1e-6 * max(powers):
            continue
        band = spectrum.band(low, high)
        for ear in (0, 1):
            swelling = _swelling(band, ear)
            if swelling is None:
                continue
            power_at = np.square(
                np.abs(scipy.fft.rfft(swelling * band.window)[: last + 2 * around])
            )
            # 1e-12 covers rounding errors if the sound does not swell at all.
            ratio = power_at / (floor(power_at, around) + 1e-12)
            bands.append((band, swelling))
            ratios.append(ratio[first:last])
            # Weighted by the band's loudness, so that faint clicks do not make a rhythm.
            strength += power**0.5 * power_at[first:last]
    rates_hz = np.arange(first, last) / spectrum.period_s
    if not ratios:
        return Envelope(rates_hz, np.ones(len(rates_hz)), 1.0, strength, ())
    mean = np.mean(ratios, axis=0)
    independent = max(1, len(ratios) // 2)  # both ears may have the same signal
    threshold = float(stats.gamma.isf(_FALSE_ALARM, independent) / independent)
    found = Envelope(rates_hz, mean, threshold, strength, ())
    lines = []
    for best in _lines(found, original):
        band, swelling = bands[int(np.argmax([ratio[best] for ratio in ratios]))]
        near_hz = float(rates_hz[best])
        lines.append(refine(swelling, band.window, band.rate_hz, near_hz, spectrum.section_s))
    return replace(found, lines_hz=tuple(lines))


def _lines(found: Envelope, original: Envelope | None) -> list[int]:
    """Return the bins of the strongest lines."""
    above = found.ratio > found.threshold
    added: list[int] = []
    if original is not None and len(original.strength) == len(found.strength):
        more = found.strength - original.strength
        added = _peaks(found, np.where(above & (more > 0.3 * found.strength), more, 0.0))
        added = [k for k in added if more[k] > 0.25 * more[added[0]]]
    own = _peaks(found, np.where(above, found.strength, 0.0))
    rates_hz = found.rates_hz
    own = [k for k in own if all(abs(rates_hz[k] - rates_hz[a]) > _apart_hz(found) for a in added)]
    return [*added, *own][:_MOST_LINES]


def _apart_hz(found: Envelope) -> float:
    """Return the distance below which two peaks are one line, which is four bins wide."""
    return max(_APART_HZ, 4 * float(found.rates_hz[1] - found.rates_hz[0]))


def _peaks(found: Envelope, strength: Real) -> list[int]:
    """Return the bins of the highest peaks, highest first.

    An overtone of a rhythm is at most about as strong as the one below it; a much stronger peak
    counts as a separate line.
    """
    rates_hz, found = found.rates_hz, replace(found, strength=strength)
    chosen: list[int] = []
    for best in np.argsort(-strength)[:_CANDIDATES]:
        rate = float(rates_hz[best])
        if strength[best] <= 0 or any(
            abs(rate - rates_hz[other]) < _apart_hz(found) for other in chosen
        ):
            continue
        if all(
            found.strength_at(rate - step) * _OVERTONE < strength[best]
            for other in chosen
            for step in (rates_hz[other], rates_hz[other] / 2)
            if rate - step > rates_hz[0] and abs((rate / step + 0.5) % 1 - 0.5) * step < 0.03
        ):
            chosen.append(int(best))
        if len(chosen) == _MOST_LINES:
            break
    return chosen


def _swelling(band: Band, ear: int) -> Real | None:
    envelope_now = np.abs(band.ears[ear])
    mean = float(np.sum(envelope_now * band.window))
    return envelope_now / mean - 1 if mean > 1e-7 else None
