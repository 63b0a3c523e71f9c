"""A set of measured responses, as all sources of heads give it."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

MIN_DIRECTIONS = 8


@dataclass(frozen=True)
class MeasuredSet:
    """Head-related impulse responses of one head."""

    rate_hz: float
    directions: Floats
    """(directions, 3) unit vectors: x front, y left, z up."""
    responses: Floats
    """(directions, 2, taps) with the left ear first."""
    delays_frames: Floats
    """(directions, 2) delays in front of the responses, in frames of `rate_hz`."""
    facts: dict[str, str] = field(default_factory=dict)
    """Title, database, listener, licence and similar texts of the file."""
    notes: tuple[str, ...] = ()
    """Unusual things in the file and how they were treated, one line each."""


def unit_vectors(azimuths_deg: npt.ArrayLike, elevations_deg: npt.ArrayLike) -> Floats:
    """Return unit vectors for directions, azimuths counterclockwise from the front."""
    azimuths, elevations = np.deg2rad(azimuths_deg), np.deg2rad(elevations_deg)
    return np.stack(
        [
            np.cos(elevations) * np.cos(azimuths),
            np.cos(elevations) * np.sin(azimuths),
            np.sin(elevations) * np.ones_like(azimuths),
        ],
        axis=-1,
    )


def angles_deg(directions: Floats) -> tuple[Floats, Floats]:
    """Return azimuths (0 to 360) and elevations of unit vectors, in degrees."""
    x, y, z = np.moveaxis(directions, -1, 0)
    azimuths = np.rad2deg(np.arctan2(y, x)) % 360
    return azimuths, np.rad2deg(np.arcsin(np.clip(z, -1, 1)))
