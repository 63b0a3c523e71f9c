"""A simple model of how hearing follows a rhythm, for ranking sounds.  It does not model a brain.

Gammatone filters one ERB apart → half-wave, to the power of 0.4 → fifth-order low-pass at
770 Hz (a hair cell; it follows fine structure up to about 1.3 kHz).  The result is the component
at the rate, relative to the mean, of (a) the sum over frequency in each ear, the basis of an
envelope-following response (EFR), and (b) the coincidence of both ears at the best internal delay,
as in the medial superior olive (MSO).  The model prefers no rate: it has no cortex and no 40 Hz.
"""

import numpy as np
import scipy.fft
from scipy import signal

from entrain.vdevice.verify.report import Following
from entrain.vdevice.verify.sound import Samples
from entrain.vdevice.verify.spectrum import Real

SECONDS = 10.0
"""Length of the piece, from the middle of the section, that the model processes."""
_MODEL_RATE_HZ = 16_000
_SLOW_RATE_HZ = 800
_DELAYS = 16
_NEIGHBOURS = (5, 14)


def following(samples: Samples, rate_hz: int, rates_hz: list[float]) -> list[Following]:
    """Run the model on the middle of a (2, frames) section and evaluate it at some rates."""
    if not rates_hz:
        return []
    frames = min(samples.shape[1], round(SECONDS * rate_hz))
    first = (samples.shape[1] - frames) // 2
    seconds = frames / rate_hz
    nerves, coincidences = _model(samples[:, first : first + frames], rate_hz)
    window = np.hanning(nerves.shape[1])
    read = []
    for rate in rates_hz:
        near = [k for k in range(-_NEIGHBOURS[1], _NEIGHBOURS[1] + 1) if abs(k) >= _NEIGHBOURS[0]]
        asked = [rate, *(f for k in near if (f := rate + k / seconds) > 3 / seconds)]
        efr = _components(nerves, window, asked).mean(axis=0)
        mso = _components(coincidences, window, asked).max(axis=0)
        floors = [float(np.sqrt(np.mean(np.square(x[1:])))) for x in (efr, mso)]
        read.append(
            Following(
                rate_hz=rate,
                efr=float(efr[0]),
                efr_floor=floors[0],
                mso=float(mso[0]),
                mso_floor=floors[1],
            )
        )
    return read


def _model(samples: Samples, rate_hz: int) -> tuple[Real, Real]:
    """Return the sum of each ear's channels, and the sum of coincidences per internal delay."""
    frames = samples.shape[1]
    model_frames = round(frames / rate_hz * _MODEL_RATE_HZ)
    padded = scipy.fft.next_fast_len(frames + rate_hz // 10, real=True)
    spectra = scipy.fft.rfft(samples.astype(np.float64), padded)
    spectra /= max(float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))), 1e-12)
    model_padded = round(padded / rate_hz * _MODEL_RATE_HZ)
    keep = min(spectra.shape[1], model_padded // 2)
    spectra = spectra[:, :keep] * (model_padded / padded)
    bins_hz = np.arange(keep) * rate_hz / padded
    hair = signal.butter(5, 770, fs=_MODEL_RATE_HZ, output="sos")
    shorter = _MODEL_RATE_HZ // _SLOW_RATE_HZ
    slow_frames = model_frames // shorter

    nerves = np.zeros((2, slow_frames))
    coincidences = np.zeros((_DELAYS, slow_frames))
    for centre_hz in _erb_centres(80.0, min(4000.0, 0.4 * rate_hz)):
        width_hz = 1.019 * 24.7 * (4.37e-3 * centre_hz + 1)
        response = (1 + 1j * (bins_hz - centre_hz) / width_hz) ** -4
        moved = scipy.fft.irfft(spectra * response, model_padded)[:, :model_frames]
        firing = signal.sosfilt(hair, np.maximum(moved, 0.0) ** 0.4)
        nerves += _slower(firing, shorter, slow_frames)
        for row, phase in enumerate(np.arange(_DELAYS) / _DELAYS - 0.5):
            delay = round(phase / centre_hz * _MODEL_RATE_HZ)
            met = firing[0] * np.roll(firing[1], delay)
            coincidences[row] += _slower(met, shorter, slow_frames)
    return nerves, coincidences


def _slower(series: Real, shorter: int, frames: int) -> Real:
    cut = series[..., : frames * shorter]
    return np.asarray(cut.reshape(*cut.shape[:-1], frames, shorter).mean(axis=-1))


def _components(series: Real, window: Real, rates_hz: list[float]) -> Real:
    """Return 2 |E(f)| / E(0): one row per series, one column per rate."""
    weighted = series * window
    mean = weighted.sum(axis=1) / window.sum()
    weighted = weighted - mean[:, None] * window
    time_s = np.arange(series.shape[1]) / _SLOW_RATE_HZ
    turns = np.exp(-2j * np.pi * np.outer(time_s, rates_hz))
    return np.asarray(
        2 * np.abs(weighted @ turns) / window.sum() / np.maximum(mean[:, None], 1e-30)
    )


def _erb_centres(low_hz: float, high_hz: float) -> Real:
    """Return centres one equivalent rectangular bandwidth apart (Glasberg and Moore)."""
    low, high = (21.4 * np.log10(4.37e-3 * f + 1) for f in (low_hz, high_hz))
    return np.asarray((10 ** (np.arange(low, high) / 21.4) - 1) / 4.37e-3)
