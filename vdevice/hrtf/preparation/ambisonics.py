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
    delayed,
    falling,
)

FRONT_FRAMES = 10
"""When a decoder gives a sound from the front to the ears, in frames."""
_NEARER_EAR_SHARE = 0.5
"""Share of the nearer ear's own delay that is taken out of both ears.

Only the delay between the ears matters.  At 0 the near ear would hear a source at the side 14
frames before one in front, and all sounds would have to wait for it.  At 1 the delays would have a
bend in the middle plane that the third order cannot follow.
"""
_LIMIT_HZ = 2000.0
_REGULARISATION = 1e-3
_ROUNDS = 8
"""Number of fits behind the first one.  More improve little, and make the filters ring longer."""


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


def decoder(
    order: int,
    directions: Floats,
    areas: Floats,
    minimum: Spectra,
    arrivals_s: Floats,
    taps: int,
) -> Floats:
    """Design a decoder.

    A filter can only begin with its first tap, so the exact fit would lose its beginning.  Fitting
    and cutting therefore alternate; each round continues with the phases that the cut filters have
    where the phase is free: above the limit at each ear, below it for both ears together.

    Parameters
    ----------
    order : int
    directions : (directions, 3) array
        Unit vectors over the whole sphere.
    areas : (directions,) array
        Their shares of the sphere.
    minimum : (directions, 2, BINS) complex array
        The wanted responses as minimum phase.
    arrivals_s : (directions, 2) array
        Their delays, on a time scale that all directions share.
    taps : int

    Returns
    -------
    (2, channels, taps) array
        Filters from SN3D channels to the ears, late by `FRONT_FRAMES`.

    """
    basis = harmonics(order, directions) * norms(order)
    weighted = basis.T * areas
    gram = weighted @ basis + _REGULARISATION * np.eye(basis.shape[1])
    solver = np.asarray(np.linalg.solve(gram, weighted), np.float64)
    delays_s = arrivals_s - _NEARER_EAR_SHARE * arrivals_s.min(axis=1, keepdims=True)
    delays_s -= delays_s[np.argmax(directions[:, 0])].min()
    first = int(np.searchsorted(FREQUENCIES_HZ, _LIMIT_HZ))
    targets = minimum * delayed(delays_s)
    fits = _apply(solver, targets)
    for number in range(first, BINS):
        phase = np.angle(basis @ fits[..., number - 1])
        fits[..., number] = solver @ (np.abs(targets[..., number]) * np.exp(1j * phase))
    fits[..., -1] = fits[..., -1].real
    late = delayed(np.asarray(FRONT_FRAMES / RATE_HZ))
    filters = _cut(fits * late, taps)
    targets *= late
    for _ in range(_ROUNDS):
        decoded = _apply(basis, np.fft.rfft(filters, FRAMES, axis=-1))
        low = targets[..., :first]
        common = (decoded[..., :first] * np.conj(low)).sum(axis=1, keepdims=True)
        low *= _sign(common)
        targets[..., first:] = np.abs(targets[..., first:]) * _sign(decoded[..., first:])
        filters = _cut(_apply(solver, targets), taps)
    filters = np.moveaxis(filters, 1, 0)
    return np.asarray(filters * norms(order)[np.newaxis, :, np.newaxis])


def _apply(matrix: Floats, spectra: Spectra) -> Spectra:
    """Multiply spectra of shape (columns, 2, BINS) by a matrix."""
    return np.asarray((matrix @ spectra.reshape(len(spectra), -1)).reshape(-1, *spectra.shape[1:]))


def _sign(numbers: Spectra) -> Spectra:
    """Return complex numbers of the same phase and magnitude 1, or 0."""
    return np.asarray(numbers / np.maximum(np.abs(numbers), 1e-30))


def _cut(fits: Spectra, taps: int) -> Floats:
    """Return the first taps of filters, faded out."""
    filters = np.fft.irfft(fits, FRAMES, axis=-1)[..., :taps]
    fade = min(32, taps // 8)
    filters[..., -fade:] *= falling(fade)
    return np.asarray(filters)
