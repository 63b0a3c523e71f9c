"""Decoders from Ambisonics to two ears, by magnitude least squares (MagLS).

Channels are in ACN order with SN3D normalisation.  Below a limit a decoder fits the complex
responses; above, where a low order cannot follow the phase, it fits the magnitudes and continues
its own phase (Schörkhuber, Zaunschirm and Höldrich, DAGA 2018).
"""

import math

import numpy as np

from entrain.vdevice.hrtf.preparation.measured_set import Floats
from entrain.vdevice.hrtf.preparation.spectra import (
    BINS,
    FRAMES,
    FREQUENCIES_HZ,
    RATE_HZ,
    Spectra,
    falling,
)

FRONT_FRAMES = 18
"""When a decoder gives a sound from the front to the ears, in frames.

The near ear hears a source at the side 14 frames earlier.  With fewer frames than 16 the errors
grow.
"""
_LIMIT_HZ = 2000.0
_REGULARISATION = 1e-3


def harmonics(order: int, directions: Floats) -> Floats:
    """Return real spherical harmonics (…, (order + 1)²) of unit vectors: ACN, SN3D.

    No factor (-1)^m is applied: a source in front gives positive W and X, on the left positive Y.
    """
    x, y, z = np.moveaxis(np.asarray(directions), -1, 0)
    channels = np.empty((*z.shape, (order + 1) ** 2))
    legendre = _legendre_without_sines(order, z)
    cosines, sines = np.ones_like(z), np.zeros_like(z)  # r^m cos(m azimuth), r^m sin(m azimuth)
    for m in range(order + 1):
        for degree in range(m, order + 1):
            factor = math.sqrt(
                (2 - (m == 0)) * math.factorial(degree - m) / math.factorial(degree + m)
            )
            place = degree * (degree + 1)
            channels[..., place + m] = factor * legendre[degree, m] * cosines
            if m:
                channels[..., place - m] = factor * legendre[degree, m] * sines
        cosines, sines = x * cosines - y * sines, x * sines + y * cosines
    return channels


def _legendre_without_sines(order: int, z: Floats) -> dict[tuple[int, int], Floats]:
    """Return associated Legendre functions P_lm(z) / (1 - z²)^(m/2), without (-1)^m."""
    found: dict[tuple[int, int], Floats] = {}
    for m in range(order + 1):
        found[m, m] = np.full_like(z, float(math.prod(range(1, 2 * m, 2))))
        if m < order:
            found[m + 1, m] = z * (2 * m + 1) * found[m, m]
        for degree in range(m + 2, order + 1):
            found[degree, m] = (
                (2 * degree - 1) * z * found[degree - 1, m]
                - (degree + m - 1) * found[degree - 2, m]
            ) / (degree - m)
    return found


def norms(order: int) -> Floats:
    """Return the factors from SN3D to N3D, one per channel."""
    return np.concatenate([np.full(2 * n + 1, math.sqrt(2 * n + 1)) for n in range(order + 1)])


def decoder(order: int, directions: Floats, areas: Floats, targets: Spectra, taps: int) -> Floats:
    """Design a decoder.

    Parameters
    ----------
    order : int
    directions : (directions, 3) array
        Unit vectors over the whole sphere.
    areas : (directions,) array
        Their shares of the sphere.
    targets : (directions, 2, BINS) complex array
        The wanted responses.  Time 0 is the middle of the head: a delay that all directions share
        must have been removed.
    taps : int

    Returns
    -------
    (2, channels, taps) array
        Filters from SN3D channels to the ears, late by `FRONT_FRAMES`.

    """
    basis = harmonics(order, directions) * norms(order)
    weighted = basis.T * areas
    solver = np.linalg.solve(weighted @ basis + _REGULARISATION * np.eye(basis.shape[1]), weighted)
    flat = targets.reshape(len(directions), -1)
    fits = (solver @ flat).reshape(-1, 2, BINS)
    first = int(np.searchsorted(FREQUENCIES_HZ, _LIMIT_HZ))
    for number in range(first, BINS):
        phase = np.angle(basis @ fits[..., number - 1])
        fits[..., number] = solver @ (np.abs(targets[..., number]) * np.exp(1j * phase))
    fits[..., -1] = fits[..., -1].real
    turned = fits * np.exp(-2j * np.pi * FREQUENCIES_HZ * FRONT_FRAMES / RATE_HZ)
    filters = np.fft.irfft(turned, FRAMES, axis=-1)[..., :taps]
    fade = min(32, taps // 8)
    filters[..., -fade:] *= falling(fade)
    filters = np.moveaxis(filters, 1, 0)
    return np.asarray(filters * norms(order)[np.newaxis, :, np.newaxis])
