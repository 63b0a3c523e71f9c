"""Finds clicks where the sound is switched."""

import numpy as np

RATE_HZ = 48_000
EVERY = 12_000  # frames between two switches
WINDOW = 240
SETTLED = 5_760  # frames until all fades are over: 100 ms and the filters' settling


def sines(frames):
    """Return three tones, and a soft tone in the range that is searched for clicks."""
    time_s = np.arange(frames) / RATE_HZ
    tones = [(220, 0.1), (440, 0.1), (1100, 0.05), (11_000, 0.001)]
    return sum(a * np.sin(2 * np.pi * hz * time_s) for hz, a in tones)


def noise(frames):
    return 0.05 * np.random.default_rng(3).standard_normal(frames)


def bursts_db(heard, at):
    """Return how far the switch at frame `at` exceeds the sound before and after it."""

    def loudest(begin, end):
        windows = heard[:, begin:end].reshape(2, -1, WINDOW)
        return np.sqrt((windows**2).mean(-1).max())

    steady = max(loudest(at - EVERY + SETTLED, at), loudest(at + SETTLED, at + EVERY))
    return 20 * np.log10(loudest(at, at + SETTLED) / steady)
