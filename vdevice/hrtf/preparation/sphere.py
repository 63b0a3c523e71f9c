"""A rigid sphere as a head: a model without pinnae, for tests and as the plainest head.

R. O. Duda and W. L. Martens, "Range dependence of the response of a spherical head model",
J. Acoust. Soc. Am. 104 (1998) 3048-3058; here for a distant source.
"""

import numpy as np

from entrain.vdevice.hrtf.preparation import grid
from entrain.vdevice.hrtf.preparation.alignment import AlignedSet, arrival_times_s
from entrain.vdevice.hrtf.preparation.measured_set import Floats, unit_vectors
from entrain.vdevice.hrtf.preparation.spectra import FREQUENCIES_HZ, Spectra, minimum_phase

RADIUS_M = 0.0875
SPEED_M_PER_S = 343.0
EAR_AZIMUTH_DEG = 100.0
"""Ears lie a little behind the middle of the head, so that front and back differ."""
_TERMS = 64
_ANGLES = 721


def sphere() -> AlignedSet:
    """Return the responses of the sphere at each node of the grid."""
    directions = grid.nodes()
    ears = unit_vectors([EAR_AZIMUTH_DEG, -EAR_AZIMUTH_DEG], [0.0, 0.0])
    spectra = np.stack([_at_ear(directions @ ear) for ear in ears], axis=1)
    magnitudes = np.abs(spectra)
    return AlignedSet(
        directions,
        magnitudes,
        arrival_times_s(spectra, minimum_phase(magnitudes)),
        {"Title": "Rigid sphere with a radius of 87.5 mm"},
    )


def _at_ear(cosines: Floats) -> Spectra:
    """Return the pressure at an ear for sources at these angles from the ear, (…, BINS).

    The pressure is relative to the free field in the middle of the head.
    """
    angles = np.linspace(0, np.pi, _ANGLES)
    sizes = np.asarray(2 * np.pi * FREQUENCIES_HZ[1:] * RADIUS_M / SPEED_M_PER_S)
    table = pressure(angles, sizes)
    table = np.concatenate([np.ones((_ANGLES, 1)), table], axis=1)
    place = np.arccos(np.clip(cosines, -1, 1)) / np.pi * (_ANGLES - 1)
    below = np.minimum(place.astype(int), _ANGLES - 2)
    above = (place - below)[:, np.newaxis]
    return np.asarray((1 - above) * table[below] + above * table[below + 1])


def pressure(angles: Floats, sizes: Floats) -> Spectra:
    """Return the pressure on a rigid sphere in a plane wave.

    Parameters
    ----------
    angles : (angles,) array
        Angles between the source and the point on the sphere, in radians.
    sizes : (sizes,) array
        Radius times wave number; above 0.

    Returns
    -------
    (angles, sizes) complex array
        Relative to the free field in the middle; a delay has a negative phase.

    """
    x = np.asarray(sizes, float)
    cosines = np.cos(angles)
    legendre_before, legendre = np.zeros_like(cosines), np.ones_like(cosines)
    # Spherical Hankel functions of the first kind, by the recurrence that is stable for them.
    hankel_before = np.exp(1j * x) / x  # of order -1
    hankel = -1j * np.exp(1j * x) / x
    total = np.zeros((len(cosines), len(x)), np.complex128)
    for order in range(_TERMS):
        derivative = hankel_before - (order + 1) / x * hankel
        # (-1)^order: angles are measured from the source, not from the wave's direction.
        term = 1j * (-1j) ** order * (2 * order + 1) / derivative
        total += legendre[:, np.newaxis] * np.where(np.isfinite(term), term, 0)
        legendre_before, legendre = (
            legendre,
            ((2 * order + 1) * cosines * legendre - order * legendre_before) / (order + 1),
        )
        with np.errstate(over="ignore", invalid="ignore"):
            hankel_before, hankel = hankel, (2 * order + 1) / x * hankel - hankel_before
    return np.asarray(np.conj(total / x**2))
