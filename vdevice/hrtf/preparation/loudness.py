"""How loud a pair of virtual loudspeakers is, after ITU-R BS.1770."""

import numpy as np

from entrain.vdevice.hrtf.preparation.measured_set import Floats
from entrain.vdevice.hrtf.preparation.spectra import FREQUENCIES_HZ, RATE_HZ, Spectra

_SHELF = (
    (1.53512485958697, -2.69169618940638, 1.19839281085285),
    (1.0, -1.69065929318241, 0.73248077421585),
)
_HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
"""The two filters of BS.1770 at 48 kHz: numerator and denominator."""


def pink_weights() -> Floats:
    """Return each bin's share of the loudness of pink noise; the shares add up to 1."""
    turns = np.exp(-2j * np.pi * np.outer(FREQUENCIES_HZ / RATE_HZ, np.arange(3)))
    gain = np.ones(len(FREQUENCIES_HZ))
    for numerator, denominator in (_SHELF, _HIGH_PASS):
        gain *= np.abs(turns @ np.array(numerator)) / np.abs(turns @ np.array(denominator))
    weights = np.zeros_like(gain)
    heard = (FREQUENCIES_HZ >= 20) & (FREQUENCIES_HZ <= 20_000)
    weights[heard] = gain[heard] ** 2 / FREQUENCIES_HZ[heard]
    return np.asarray(weights / weights.sum())


def pair_gains_db(left: Spectra, right: Spectra) -> Floats:
    """Return gains with which pink noise on two loudspeakers is as loud as without them.

    Stereo noise (independent channels) and mono noise (equal channels) differ; the louder one is
    made exactly as loud as the input, so the other one is softer.

    Parameters
    ----------
    left, right : (pairs, 2, BINS) complex arrays
        The left and the right loudspeaker at both ears, delays included.

    """
    weights = pink_weights()
    stereo = ((np.abs(left) ** 2 + np.abs(right) ** 2) @ weights).sum(axis=-1) / 2
    mono = (np.abs(left + right) ** 2 @ weights).sum(axis=-1) / 2
    return np.asarray(-10 * np.log10(np.maximum(stereo, mono)))
