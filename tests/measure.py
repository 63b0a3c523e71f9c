"""Levels and frequencies of sound, measured to a known accuracy.

Levels are RMS in dB relative to full scale (1.0): a sine of amplitude 1 has -3.01 dB.
"""

import numpy as np
import numpy.typing as npt
from scipy.signal import firwin, resample_poly, sosfilt

Signal = npt.NDArray[np.floating]

RATE_HZ = 48000

# The coefficients of both filter stages for 48 kHz, as ITU-R BS.1770 prints them.
K_WEIGHTING = [
    [1.53512485958697, -2.69169618940638, 1.19839281085285]
    + [1, -1.69065929318241, 0.73248077421585],
    [1, -2, 1, 1, -1.99004745483398, 0.99007225036621],
]

# Flat within 0.001 dB up to 0.45 of the rate.
INTERPOLATE = firwin(2 * 32 * 16 + 1, 1 / 16, window=("kaiser", 9.0))


def rms_db(signal: Signal) -> float:
    """Return the level of a whole signal; -inf for silence."""
    power = float(np.mean(np.square(signal, dtype=np.float64)))
    return 10 * np.log10(power) if power > 0 else -np.inf


def level_db(signal: Signal, frequency_hz: float, rate_hz: float = RATE_HZ) -> float:
    """Return the level of one sine in a signal, fitted by least squares beside a constant.

    The fit is exact for a sine alone; another one `d` Hz away leaks in at most
    ``1 / (pi * d * seconds)`` of its amplitude, so take a second, or use a whole number of periods.
    """
    return levels_db(signal, [frequency_hz], rate_hz)[0]


def levels_db(signal: Signal, frequencies_hz: list[float], rate_hz: float = RATE_HZ) -> list[float]:
    """Return the levels of several sines, fitted together so that none leaks into another."""
    power = np.square(np.abs(phasors(signal, frequencies_hz, rate_hz)))
    with np.errstate(divide="ignore"):
        return [float(level) for level in 10 * np.log10(power / 2)]


def phasors(
    signal: Signal, frequencies_hz: list[float], rate_hz: float = RATE_HZ
) -> npt.NDArray[np.complexfloating]:
    """Return amplitude and phase, at the signal's beginning, of several sines fitted together."""
    phase = 2 * np.pi * np.arange(len(signal)) / rate_hz
    columns = [np.ones(len(signal))]
    for frequency_hz in frequencies_hz:
        columns += [np.cos(frequency_hz * phase), np.sin(frequency_hz * phase)]
    matrix = np.stack(columns, axis=1)
    # Normal equations: sines this far apart are as good as orthogonal, and a minute of sound
    # would make lstsq's decomposition slow.
    fitted = np.linalg.solve(matrix.T @ matrix, matrix.T @ np.asarray(signal, dtype=np.float64))
    return fitted[1::2] - 1j * fitted[2::2]


def steady_level_db(
    signal: Signal, frequency_hz: float, rate_hz: float = RATE_HZ, window_s: float = 0.1
) -> float:
    """Return the median of `level_db` over short windows, so that a gap in a recording is ignored.

    On a busy machine the programs that play and record miss a deadline now and then, even if the
    graph between them does not.
    """
    window = round(window_s * rate_hz)
    starts = range(0, len(signal) - window + 1, window)
    return float(
        np.median([level_db(signal[at : at + window], frequency_hz, rate_hz) for at in starts])
    )


def frequency_hz(
    signal: Signal, near_hz: float, rate_hz: float = RATE_HZ, within_hz: float = 5.0
) -> float:
    """Return the frequency of the strongest sine near `near_hz`.

    The spectrum's peak gives a first value, which the slope of the phase over windowed blocks
    refines: to 0.1 mHz over 60 s for a clean sine, to 1 mHz with noise 40 dB below it.
    """
    samples = np.asarray(signal, dtype=np.float64)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    bins_hz = np.fft.rfftfreq(len(samples), 1 / rate_hz)
    spectrum[np.abs(bins_hz - near_hz) > within_hz] = 0
    coarse_hz = bins_hz[int(np.argmax(spectrum))]

    block = max(256, min(len(samples) // 8, int(rate_hz / 4)))
    starts = np.arange(0, len(samples) - block + 1, block // 2)
    window = np.hanning(block)
    time_s = np.arange(len(samples)) / rate_hz
    turned = samples * np.exp(-2j * np.pi * coarse_hz * time_s)
    phases = [np.angle(np.sum(turned[start : start + block] * window)) for start in starts]
    slope = np.polyfit(starts / rate_hz, np.unwrap(phases), 1)[0]
    return float(coarse_hz + slope / (2 * np.pi))


def is_beating(sound: Signal, carrier_hz: float, beat_hz: float) -> bool:
    """Return whether both ears' tones, and so the beat, are right within 0.1 Hz.

    Parameters
    ----------
    sound : (frames, 2) ndarray
        About a second of a binaural beat.
    carrier_hz, beat_hz
        Its middle frequency, and the difference between left and right.

    """
    tones_hz = (carrier_hz + beat_hz / 2, carrier_hz - beat_hz / 2)
    return all(
        abs(frequency_hz(sound[:, ear], tone_hz) - tone_hz) < 0.05
        for ear, tone_hz in enumerate(tones_hz)
    )


def loudness_lufs(sound: Signal) -> float:
    """Return the integrated loudness after ITU-R BS.1770 of (2, frames) at 48 kHz, gated."""
    square = np.square(sosfilt(K_WEIGHTING, np.asarray(sound, dtype=np.float64))).sum(axis=0)
    tenth = RATE_HZ // 10
    tenths = square[: len(square) // tenth * tenth].reshape(-1, tenth).mean(axis=1)
    power = np.convolve(tenths, np.ones(4) / 4, "valid")  # windows of 400 ms, every 100 ms
    power = power[power > 10 ** ((-70 + 0.691) / 10)]
    power = power[power > np.mean(power) / 10]
    return float(-0.691 + 10 * np.log10(np.mean(power)))


def true_peak_db(sound: Signal) -> float:
    """Return the true peak of (frames, channels) in dBTP.

    It is interpolated 16 times: far more precise than a meter after ITU-R BS.1770 (4 times).
    """
    fine = resample_poly(np.asarray(sound, dtype=np.float64), 16, 1, axis=0, window=INTERPOLATE)
    return float(20 * np.log10(np.abs(fine).max()))


def pink_noise(
    seconds: float, rms: float = 0.1, rate_hz: int = RATE_HZ, seed: int = 1
) -> npt.NDArray[np.float32]:
    """Return (2, frames) of independent noise with equal power in every octave above 10 Hz."""
    frames = round(seconds * rate_hz)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=(2, frames)))
    hz = np.fft.rfftfreq(frames, 1 / rate_hz)
    sound = np.fft.irfft(spectrum * (hz > 0) / np.sqrt(np.maximum(hz, 10)), frames)
    return np.asarray(sound * (rms / np.sqrt(np.mean(np.square(sound)))), np.float32)
