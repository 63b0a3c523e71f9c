"""Finds steady tones, and pairs of tones that beat between the ears."""

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy import signal, stats

from entrain.vdevice.verify.report import Pair, Tone
from entrain.vdevice.verify.sound import Samples
from entrain.vdevice.verify.spectrum import Complex, Real, Spectrum, floor, line, refine

LOW_HZ, HIGH_HZ = 40.0, 20_000.0
GREATEST_BEAT_HZ = 200.0
_MOST = 16
"""Candidates per ear.  Music has many partials, but few of them are steady."""
_HALF_WIDTH_HZ = 1.5
_STEADY = 0.5
"""Least share of the power within 1.5 Hz that must be in one line."""
_APART_DB = 10.0
"""A tone belongs to one ear if it is softer by this in the other ear."""
_FASTEST_DRIFT = 0.03  # Hz per second


def tones(samples: Samples, rate_hz: int, spectrum: Spectrum) -> tuple[list[Tone], list[Tone]]:
    """Return the steady tones of the left and of the right ear, loudest first."""
    found = []
    for ear in (0, 1):
        kept: list[Tone] = []
        for near_hz in _candidates(samples[ear], rate_hz, spectrum.section_s):
            tone = _tone(spectrum, ear, near_hz)
            if tone and all(abs(tone.hz - other.hz) > 0.5 for other in kept):
                kept.append(tone)
        found.append(sorted(kept, key=lambda tone: -tone.level_db))
    return found[0], found[1]


def pairs(left: list[Tone], right: list[Tone]) -> list[Pair]:
    """Match each tone of one ear with the nearest tone of the other; loudest pairs first."""
    lefts = [tone for tone in left if tone.level_db - tone.other_ear_db > _APART_DB]
    rights = [tone for tone in right if tone.level_db - tone.other_ear_db > _APART_DB]
    near = sorted(
        (
            Pair(left=a, right=b)
            for a in lefts
            for b in rights
            if abs(a.hz - b.hz) <= GREATEST_BEAT_HZ
        ),
        key=lambda pair: abs(pair.beat_hz),
    )
    chosen: list[Pair] = []
    for pair in near:
        if abs(pair.left.level_db - pair.right.level_db) < 10 and not any(
            pair.left is other.left or pair.right is other.right for other in chosen
        ):
            chosen.append(pair)
    return sorted(chosen, key=lambda pair: -pair.left.level_db)


def _candidates(samples: npt.NDArray[np.float32], rate_hz: int, section_s: float) -> list[float]:
    """Return peaks of the mean spectrum of 4 s frames, which are short enough for gliding tones."""
    frame = int(min(4.0, section_s / 2) * rate_hz)
    window = signal.get_window("blackmanharris", frame).astype(np.float32)  # lobes below -92 dB
    starts = range(0, len(samples) - frame + 1, frame // 2)
    bin_hz = rate_hz / frame
    first, last = round(LOW_HZ / bin_hz), round(min(HIGH_HZ, 0.45 * rate_hz) / bin_hz)
    mean = np.zeros(frame // 2 + 1)
    for start in starts:
        mean += np.square(np.abs(scipy.fft.rfft(samples[start : start + frame] * window)))
    independent = max(1, round(0.6 * len(starts)))
    threshold = stats.gamma.isf(1e-8, independent) / independent
    high = mean > threshold * floor(mean, max(15, round(15 / bin_hz)))
    high &= mean > 1e-7 * mean.max()
    peak = np.r_[False, (mean[1:-1] > mean[:-2]) & (mean[1:-1] >= mean[2:]), False]
    at = np.flatnonzero(high & peak)
    at = at[(at >= first) & (at < last)]
    loudest = at[np.argsort(-mean[at])][:_MOST]
    return [float(k * bin_hz) for k in loudest]


def _tone(spectrum: Spectrum, ear: int, near_hz: float) -> Tone | None:
    width_hz = max(_HALF_WIDTH_HZ, 4 / spectrum.section_s)
    band = spectrum.band(near_hz - width_hz, near_hz + width_hz)
    here, there = band.ears[ear], band.ears[1 - ear]
    window, rate_hz = band.window, band.rate_hz
    time_s = np.arange(len(window)) / rate_hz - spectrum.section_s / 2
    drift = _drift(here, window, time_s, spectrum.section_s)
    straight = np.exp(-1j * np.pi * drift * time_s**2)
    here, there = here * straight, there * straight
    transformed = np.abs(scipy.fft.fft(here * window))
    coarse_hz = float(scipy.fft.fftfreq(len(here), 1 / rate_hz)[int(np.argmax(transformed))])
    offset_hz = refine(here, window, rate_hz, coarse_hz, spectrum.section_s)
    amplitude = abs(line(here, window, rate_hz, offset_hz))
    power = float(np.sum(np.square(np.abs(here)) * window))
    share = amplitude**2 / max(power, 1e-300)
    if amplitude < 1e-6 or share < _STEADY:
        return None
    # Cramér-Rao bound for the noise within the band, times 1.5 for the window.
    noise_per_hz = max(power - amplitude**2, 1e-12 * power) / (2 * width_hz)
    snr_s = amplitude**2 / noise_per_hz
    error_hz = 1.5 * np.sqrt(6 / (snr_s * spectrum.section_s**3)) / (2 * np.pi)
    other = abs(line(there, window, rate_hz, offset_hz))
    return Tone(
        hz=band.shift_hz + offset_hz,
        drift_hz_per_min=60 * drift,
        level_db=_rms_db(amplitude),
        other_ear_db=_rms_db(other),
        error_hz=float(error_hz),
    )


def _drift(series: Complex, window: Real, time_s: Real, section_s: float) -> float:
    """Return the drift in Hz per second that makes the tone a single line; 0 if that is as good."""
    step = 0.5 / section_s**2
    steps = int(min(_FASTEST_DRIFT / step, 220))
    best, best_height = 0.0, 1.02 * _height(series * window)
    for k in range(-steps, steps + 1):
        height = _height(series * window * np.exp(-1j * np.pi * k * step * time_s**2))
        if height > best_height:
            best, best_height = k * step, height
    return best


def _height(series: Complex) -> float:
    return float(np.abs(scipy.fft.fft(series, 4 * len(series))).max())


def _rms_db(amplitude: float) -> float:
    return float(10 * np.log10(max(amplitude**2 / 2, 1e-20)))
