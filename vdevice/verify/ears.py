"""Measures the interaural phase over time, and the coherence of the ears.

Hearing follows the fine structure of sound only up to about 1300 Hz; below 150 Hz loudspeakers and
rooms dominate.  In between, the product of one ear's analytic signal and the conjugate of the
other's has the interaural phase as its angle, whatever the input is.
"""

import numpy as np
import scipy.fft

from entrain.vdevice.verify.report import Interaural
from entrain.vdevice.verify.spectrum import Complex, Real, Spectrum, floor, line, refine

LOW_HZ, HIGH_HZ = 150.0, 1300.0
_GREATEST_RATE_HZ = 60.0
_SURE = 28.0
"""Power relative to the floor that noise exceeds in fewer than one in a billion bins."""
_LEAST_COHERENCE = 0.1
_LEAST_SWING_DEG = 3.0
_STEPS = 48


def interaural(spectrum: Spectrum) -> Interaural | None:
    """Measure the interaural phase; None if one ear is silent in that range."""
    band = spectrum.band(LOW_HZ, min(HIGH_HZ, spectrum.top_hz))
    window, rate_hz = band.window, band.rate_hz
    product = band.ears[0] * np.conj(band.ears[1])
    power = np.sqrt(np.prod([np.sum(np.square(np.abs(ear)) * window) for ear in band.ears]))
    if power < 1e-12:
        return None
    coherence = float(min(1.0, abs(np.sum(product * window)) / power))
    # The root limits the influence of a few loud moments and keeps the phase.
    even = product / np.sqrt(np.abs(product) + 1e-12 * power)
    rate = _rate(even, window, rate_hz, spectrum)
    if rate is None:
        return Interaural(coherence=coherence)
    angle = _folded(even, window, rate_hz, rate)
    turns = round((angle[-1] - angle[0]) / (2 * np.pi) * _STEPS / (_STEPS - 1))
    if turns:
        shifted = abs(line(product, window, rate_hz, turns * rate)) / power
        if shifted < _LEAST_COHERENCE:
            return Interaural(coherence=coherence)
        slope_hz = refine(even, window, rate_hz, turns * rate, spectrum.section_s)
        return Interaural(
            coherence=coherence, slope_hz=slope_hz, slope_coherence=float(min(1.0, shifted))
        )
    turn = np.exp(-2j * np.pi * (np.arange(_STEPS) + 0.5) / _STEPS)
    swing_deg = float(np.degrees(2 * abs(np.mean(angle * turn))))
    if swing_deg < _LEAST_SWING_DEG:
        return Interaural(coherence=coherence)
    return Interaural(coherence=coherence, swing_hz=rate, swing_deg=swing_deg)


def phase_over_a_second(
    spectrum: Spectrum, low_hz: float = LOW_HZ, high_hz: float = HIGH_HZ
) -> tuple[Real, Real]:
    """Return times in s and the interaural phase in degrees, for 1 s from the section's middle.

    Smoothed over 10 ms; not unwrapped.
    """
    band = spectrum.band(low_hz, min(high_hz, spectrum.top_hz))
    product = band.ears[0] * np.conj(band.ears[1])
    width = max(1, round(0.01 * band.rate_hz))
    smooth = np.convolve(product, np.hanning(width + 2)[1:-1], "same")
    first = int(max(0.0, spectrum.section_s / 2 - 0.5) * band.rate_hz)
    count = int(band.rate_hz) + 2
    piece = smooth[first : first + count]
    return np.arange(len(piece)) / band.rate_hz, np.degrees(np.angle(piece))


def _rate(product: Complex, window: Real, rate_hz: float, spectrum: Spectrum) -> float | None:
    """Find how often per second the phase repeats, by turning or swinging."""
    straight = product * np.exp(-1j * np.angle(np.sum(product * window)))
    size = float(np.sum(np.abs(product) * window))
    sideways = straight.imag / size  # changes of loudness alone do not affect it
    power = np.square(np.abs(scipy.fft.rfft(sideways * window)))
    first = round(max(0.3, 5 / spectrum.section_s) * spectrum.period_s)
    last = round(_GREATEST_RATE_HZ * spectrum.period_s)
    around = max(20, round(2 * spectrum.period_s))
    power = power[: last + 2 * around]
    ratio = power / (floor(power, around) + 1e-9)
    best = first + int(np.argmax(ratio[first:last]))
    if ratio[best] < _SURE:
        return None
    for part in (3, 2):  # a swing of half a turn or more is strongest in an overtone
        slow = round(best / part)
        if slow >= first and ratio[slow] > _SURE and power[slow] > 0.1 * power[best]:
            best = slow
            break
    near_hz = best / spectrum.period_s
    return refine(sideways, window, rate_hz, near_hz, spectrum.section_s)


def _folded(product: Complex, window: Real, rate_hz: float, fold_hz: float) -> Real:
    """Return the phase over one period, averaged over all periods, in radians, unwrapped."""
    at = np.arange(len(product)) / rate_hz * fold_hz % 1.0
    step = np.minimum((at * _STEPS).astype(int), _STEPS - 1)
    weighted = product * window
    folded = np.bincount(step, weighted.real, _STEPS) + 1j * np.bincount(
        step, weighted.imag, _STEPS
    )
    return np.unwrap(np.angle(folded))
