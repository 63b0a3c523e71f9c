"""Sounds for the tests of the space, and a measure of the clicks in what is heard."""

import numpy as np
from scipy.signal import butter, sosfilt

RATE_HZ = 48_000


def impulse(channel: int, frames: int = 2048):
    """Return one sample of 1 in one channel."""
    sound = np.zeros((2, frames), np.float32)
    sound[channel, 0] = 1
    return sound


def above_5_khz_db(heard):
    """Return the highest peak above 5 kHz, relative to the highest peak of the sound."""
    high = sosfilt(butter(8, 5_000, "highpass", fs=RATE_HZ, output="sos"), heard)
    return 20 * np.log10(np.abs(high[:, 4800:]).max() / np.abs(heard[:, 4800:]).max())


def sine(frames):
    """Return 1 kHz at -12 dBFS in both channels."""
    tone = (0.25 * np.sin(2 * np.pi * 1000 * np.arange(frames) / RATE_HZ)).astype(np.float32)
    return np.stack([tone, tone])
