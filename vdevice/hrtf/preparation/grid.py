"""The grid of a head: every 5°, blended from the measured directions around each node."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from entrain.vdevice.hrtf.preparation.measured_set import Floats, Indices, unit_vectors

STEP_DEG = 5
AZIMUTHS = 360 // STEP_DEG
ELEVATIONS = 180 // STEP_DEG + 1

_HOLE_DEG = 30.0
"""A place this far from every measured direction is a hole, unless the whole set is sparse."""
_RIM_DEG = 3.0
"""A hole is filled from the directions that are at most this much farther than the nearest one."""
_MAX_FILLINGS = 64
_MAX_PIVOTS = 200
_INNER_RADIUS = 0.02
_CHUNK = 512


def nodes() -> Floats:
    """Return (elevations * azimuths, 3) unit vectors, row by row from the lowest elevation."""
    elevations, azimuths = np.meshgrid(
        np.linspace(-90, 90, ELEVATIONS), np.arange(AZIMUTHS) * float(STEP_DEG), indexing="ij"
    )
    return unit_vectors(azimuths.ravel(), elevations.ravel())


def areas() -> Floats:
    """Return each node's share of the sphere's area."""
    edges = np.clip(np.linspace(-90, 90, ELEVATIONS) + STEP_DEG / 2, None, 90)
    tops = np.sin(np.deg2rad(edges))
    bands = np.diff(np.concatenate([[-1.0], tops]))
    return np.repeat(bands / bands.sum() / AZIMUTHS, AZIMUTHS)


@dataclass(frozen=True)
class Blend:
    """How values at measured directions become values at other directions.

    The three directions around a node are the corners of a facet of the measured directions' convex
    hull, as in a Delaunay triangulation of the sphere.
    """

    fillings: Floats
    """(fillings, directions) weights for places in holes; each row adds up to 1."""
    corners: Indices
    """(nodes, 3) indices of directions, behind these of fillings."""
    weights: Floats
    """(nodes, 3); each row adds up to 1."""

    def __call__(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Blend values of shape (directions, …) to (nodes, …)."""
        if len(self.fillings):
            more = np.tensordot(self.fillings.astype(values.real.dtype), values, 1)
            values = np.concatenate([values, more])
        weights = self.weights.astype(values.real.dtype)
        shape = (-1,) + (1,) * (values.ndim - 1)
        blended = weights[:, 0].reshape(shape) * values[self.corners[:, 0]]
        for corner in (1, 2):
            blended += weights[:, corner].reshape(shape) * values[self.corners[:, corner]]
        return np.asarray(blended)


def blend(directions: Floats, wanted: Floats) -> Blend:
    """Find the weights that blend measured directions to wanted ones; both are unit vectors."""
    places, fillings = _fillings(directions)
    points = np.concatenate([directions, places]) if len(places) else directions
    corners, weights = _facets(points, wanted)
    return Blend(fillings, corners, weights)


def covered_share(directions: Floats) -> float:
    """Return the share of the sphere's area that lies in no hole."""
    return float(areas()[_nearest(directions, nodes()) <= _hole_deg(directions)].sum())


def _hole_deg(directions: Floats) -> float:
    nearest = [
        np.sort(directions[begin : begin + _CHUNK] @ directions.T, axis=1)[:, -2]
        for begin in range(0, len(directions), _CHUNK)
    ]
    spacing_deg = np.rad2deg(np.arccos(np.clip(np.median(np.concatenate(nearest)), -1, 1)))
    return float(max(_HOLE_DEG, 1.5 * spacing_deg))


def _nearest(directions: Floats, places: Floats) -> Floats:
    """Return the angle from each place to the nearest direction, in degrees."""
    cosines = [
        (places[begin : begin + _CHUNK] @ directions.T).max(axis=1)
        for begin in range(0, len(places), _CHUNK)
    ]
    return np.asarray(np.rad2deg(np.arccos(np.clip(np.concatenate(cosines), -1, 1))))


def _fillings(directions: Floats) -> tuple[Floats, Floats]:
    """Choose places in holes, the loneliest first, and weights of the directions around them."""
    candidates = nodes()
    hole_deg = _hole_deg(directions)
    distances = _nearest(directions, candidates)
    places: list[Floats] = []
    rows: list[Floats] = []
    while len(places) < _MAX_FILLINGS and distances.max() > hole_deg:
        loneliest = candidates[int(np.argmax(np.round(distances, 6)))]
        pair = np.stack([loneliest, loneliest * [1, -1, 1]])  # left and right alike
        for place in pair[: 1 if abs(loneliest[1]) < 1e-9 else 2]:
            angles = np.rad2deg(np.arccos(np.clip(directions @ place, -1, 1)))
            row = np.clip(1 - (angles - angles.min()) / _RIM_DEG, 0, None)
            places.append(place)
            rows.append(row / row.sum())
        distances = np.minimum(distances, _nearest(pair, candidates))
    if not places:
        return np.empty((0, 3)), np.empty((0, len(directions)))
    return np.array(places), np.array(rows)


def _facets(points: Floats, wanted: Floats) -> tuple[Indices, Floats]:
    """Find the facet of the points' convex hull through which each wanted direction passes.

    For each wanted direction d this is the linear program: minimise sum(w) with points.T @ w = d
    and w >= 0, solved by the simplex method for all directions at once.
    """
    # Points on one circle, as in every regular grid, form facets with more than three corners.
    # A tiny change of the radii, the same on the left and on the right, decides between them.
    x, y, z = points.T
    scatter = np.modf(np.sin(12.9898 * x + 78.233 * np.abs(y) + 37.719 * z) * 437.5)[0]
    radii = 1 + 1e-7 * scatter
    inner = _INNER_RADIUS * np.concatenate([np.eye(3), -np.eye(3)])
    vertices = np.concatenate([points * radii[:, np.newaxis], inner])
    count = len(points)
    corners = np.empty((len(wanted), 3), np.int64)
    weights = np.empty((len(wanted), 3))
    for begin in range(0, len(wanted), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        corners[part], weights[part] = _simplex(vertices, wanted[part], count)
    is_inner = corners >= count
    weights = np.where(is_inner, 0.0, np.clip(weights, 0, None))
    lost = weights.sum(axis=1) < 1e-9
    if lost.any():  # there is no measurement around this direction
        corners[lost, 0] = np.argmax(wanted[lost] @ points.T, axis=1)
        weights[lost, 0] = 1.0
    corners = np.where(corners >= count, corners[:, :1] % count, corners)
    return corners, np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float64)


def _simplex(vertices: Floats, wanted: Floats, inner_begin: int) -> tuple[Indices, Floats]:
    """Begin with a facet of a tiny octahedron around the centre, and move outwards."""
    corners = inner_begin + np.arange(3) + 3 * (wanted < 0)
    rows = np.arange(len(wanted))
    ones = np.ones((len(wanted), 3, 1))
    for _ in range(_MAX_PIVOTS):
        basis = vertices[corners[rows]]
        plane = np.linalg.solve(basis, ones[: len(rows)])[..., 0]
        heights = plane @ vertices.T
        entering = heights.argmax(axis=1)
        outside = heights[np.arange(len(rows)), entering] > 1 + 1e-10
        rows, entering, basis = rows[outside], entering[outside], basis[outside]
        if not len(rows):
            break
        columns = np.swapaxes(basis, 1, 2)
        right = np.stack([wanted[rows], vertices[entering]], axis=-1)
        current, change = np.moveaxis(np.linalg.solve(columns, right), -1, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = np.where(change > 1e-12, np.clip(current, 0, None) / change, np.inf)
        corners[rows, steps.argmin(axis=1)] = entering
    columns = np.swapaxes(vertices[corners], 1, 2)
    weights = np.linalg.solve(columns, wanted[..., np.newaxis])[..., 0]
    return corners, np.asarray(weights, np.float64)
