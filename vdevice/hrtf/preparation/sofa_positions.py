"""Positions of the sources in a SOFA file: units, coordinate systems, the listener's view.

Positions of the ears are not read: several databases swap the left and the right one.
`alignment.align` tells by the sound which ear is which.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from entrain.vdevice.hrtf.errors import HrtfError
from entrain.vdevice.hrtf.preparation.measured_set import Floats, Indices
from entrain.vdevice.protocol.wording import plain

_MAX_VALUES = 10_000_000
_LEAST_DISTANCE = 1e-3
_SAME_DISTANCE = 0.05
"""Distances that differ by less than this share count as one."""


def filled(values: npt.ArrayLike) -> Floats:
    """Return numbers in double precision; NaN stands for a value that the file marks as missing."""
    masked = np.ma.asarray(values).astype(np.float64)
    return np.asarray(np.ma.filled(masked, np.nan), np.float64)


def numbers(variable: Any) -> Floats:
    """Read a whole variable of a moderate size."""
    if int(np.prod([int(length) for length in variable.shape], dtype=object)) > _MAX_VALUES:
        raise HrtfError(f"is damaged: {plain(str(variable.name), 40)} is too large")
    return filled(variable[:])


def source_positions(file: Any, directions: int) -> Floats:
    """Return the sources as the listener sees them: (directions, 3), x front, y left, z up."""
    if not file.hasVariable("SourcePosition"):
        raise HrtfError("is damaged: SourcePosition is missing")
    sources = _cartesian(file, "SourcePosition")
    if len(sources) not in (1, directions):
        raise HrtfError(
            f"is damaged: it has {len(sources)} source positions for {directions} responses"
        )
    listener = _optional(file, "ListenerPosition", directions, (0.0, 0.0, 0.0))
    front = _optional(file, "ListenerView", directions, (1.0, 0.0, 0.0))
    up = _optional(file, "ListenerUp", directions, (0.0, 0.0, 1.0))
    relative = np.broadcast_to(sources - listener, (directions, 3))
    axes = _axes(front, up)
    seen = np.einsum("...ij,...j->...i", axes, relative)
    distances = np.linalg.norm(seen, axis=1)
    if not np.isfinite(distances).all():
        raise HrtfError("has source positions that are not numbers")
    if (distances < _LEAST_DISTANCE).any():
        raise HrtfError("has a source inside the listener's head")
    return np.array(np.broadcast_to(seen, (directions, 3)))


def one_distance(positions: Floats) -> tuple[Indices, list[str]]:
    """Choose the directions at the distance with the most sources; of equals, the farthest.

    Returns
    -------
    int array
        The indices of the chosen directions.
    list of str
        A note if there are several distances.

    """
    distances = np.linalg.norm(positions, axis=1)
    steps = np.round(np.log(distances) / np.log1p(_SAME_DISTANCE)).astype(np.int64)
    found, counts = np.unique(steps, return_counts=True)
    if len(found) == 1 or found[-1] - found[0] == 1:  # one distance on the edge of two steps
        return np.arange(len(positions)), []
    best = found[counts == counts.max()][-1]
    chosen = np.flatnonzero(np.abs(steps - best) <= 1)
    # A moving listener, or a loudspeaker for each direction: then every source counts.
    if len(chosen) < len(positions) / 10:
        return np.arange(len(positions)), ["the sources have many distances; all are used"]
    if len(chosen) == len(positions):
        return chosen, []
    typical = float(np.median(distances[chosen]))
    return chosen, [f"only the {len(chosen)} sources at {typical:.2f} m are used"]


def _optional(file: Any, name: str, directions: int, usual: tuple[float, ...]) -> Floats:
    """Read the listener's position or orientation; the usual one if the file has no usable one."""
    fallback = np.array([usual])
    if not file.hasVariable(name):
        return fallback
    try:
        found = _cartesian(file, name)
    except HrtfError:
        return fallback
    if len(found) not in (1, directions) or not np.isfinite(found).all():
        return fallback
    if any(usual) and (np.linalg.norm(found, axis=1) < 1e-6).any():
        return fallback
    return found


def _axes(front: Floats, up: Floats) -> Floats:
    """Return (…, 3, 3) matrices that turn the room's coordinates into the listener's."""
    front = front / np.linalg.norm(front, axis=-1, keepdims=True)
    left = np.cross(up, front)
    length = np.linalg.norm(left, axis=-1, keepdims=True)
    if (length < 1e-6).any():
        raise HrtfError("is damaged: the listener's view and up have the same direction")
    left = left / length
    return np.stack(np.broadcast_arrays(front, left, np.cross(front, left)), axis=-2)


def _cartesian(file: Any, name: str) -> Floats:
    """Read positions of shape (C) or (…, C) as cartesian (…, 3)."""
    variable = file.getVariableInstance(name)
    values = numbers(variable)
    if values.ndim == 1:
        values = values[np.newaxis]
    if values.ndim != 2 or values.shape[1] != 3:
        raise HrtfError(f"is damaged: {name} has not 3 coordinates")
    described = variable
    if name == "ListenerUp" and not hasattr(variable, "Type") and file.hasVariable("ListenerView"):
        described = file.getVariableInstance("ListenerView")  # it describes both
    return _to_cartesian(values, described, name)


def _to_cartesian(values: Floats, described: Any, name: str) -> Floats:
    kind = str(getattr(described, "Type", "spherical" if name == "SourcePosition" else "cartesian"))
    if kind.strip().lower() == "cartesian":
        return values
    if kind.strip().lower() != "spherical":
        raise HrtfError(f"has positions of type {plain(kind, 40)!r}")
    units = str(getattr(described, "Units", "degree")).lower().replace(",", " ").split()
    unit = units[0] if units else "degree"
    azimuth, elevation, distance = values.T
    if unit.startswith("deg"):
        azimuth, elevation = np.deg2rad(azimuth), np.deg2rad(elevation)
    elif not unit.startswith("rad"):
        raise HrtfError(f"has angles in {plain(unit, 40)!r} instead of degree or radian")
    if (np.abs(elevation) > np.pi / 2 + 1e-3).any():
        raise HrtfError("has elevations beyond 90°")
    if name == "SourcePosition":  # some files leave the distance out
        distance = np.where(distance == 0, 1.0, distance)
    return np.stack(
        [
            distance * np.cos(elevation) * np.cos(azimuth),
            distance * np.cos(elevation) * np.sin(azimuth),
            distance * np.sin(elevation),
        ],
        axis=1,
    )
