"""Rotations of the head, as quaternions.

x points to the front, y to the left, z up.  A rotation turns the head out of the front: a head that
is turned 90 degrees to the left is (sqrt(1/2), 0, 0, sqrt(1/2)).

The engine and the control API ask for the inverse, the rotation from the room to the head: it takes
a direction in the room to the direction in which the head has it.
"""

import math
from typing import NamedTuple

_LEAST_NORM = 1e-3
_GREATEST_NORM = 1e3
"""Quaternions outside these lengths are not meant as rotations."""


class Rotation(NamedTuple):
    """A unit quaternion."""

    w: float
    x: float
    y: float
    z: float


class Angles(NamedTuple):
    """The same in degrees: first to the left, then up, then tilted to the right shoulder."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


FORWARD = Rotation(1.0, 0.0, 0.0, 0.0)


def normalized(w: float, x: float, y: float, z: float) -> Rotation | None:
    """Make a rotation of four numbers; None if they are not a rotation, such as zeros or NaN."""
    norm = math.sqrt(w * w + x * x + y * y + z * z)
    if not _LEAST_NORM <= norm <= _GREATEST_NORM:  # also refuses NaN
        return None
    return Rotation(w / norm, x / norm, y / norm, z / norm)


def from_angles(about_z: float, about_y: float, about_x: float) -> Rotation:
    """Turn about z, then about the turned y, then about the turned x; right-handed, in radians."""
    cz, sz = math.cos(about_z / 2), math.sin(about_z / 2)
    cy, sy = math.cos(about_y / 2), math.sin(about_y / 2)
    cx, sx = math.cos(about_x / 2), math.sin(about_x / 2)
    return Rotation(
        cz * cy * cx + sz * sy * sx,
        cz * cy * sx - sz * sy * cx,
        cz * sy * cx + sz * cy * sx,
        sz * cy * cx - cz * sy * sx,
    )


def angles_of(rotation: Rotation) -> Angles:
    """Return the angles of a rotation, as a listener names them."""
    w, x, y, z = rotation
    down = 2 * (w * y - z * x)
    return Angles(
        math.degrees(math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))),
        -math.degrees(math.asin(max(-1.0, min(1.0, down)))),
        math.degrees(math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))),
    )


def product(a: Rotation, b: Rotation) -> Rotation:
    """Turn by `a`, then by `b` about the axes that `a` has turned."""
    return Rotation(
        a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z,
        a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
        a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
        a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w,
    )


def inverse(a: Rotation) -> Rotation:
    """Turn back."""
    return Rotation(a.w, -a.x, -a.y, -a.z)


def share_of(a: Rotation, share: float) -> Rotation:
    """Turn only a part of the way, about the same axis; 0 is forward, 1 the whole rotation."""
    if a.w < 0:  # the same rotation, the short way round
        a = Rotation(-a.w, -a.x, -a.y, -a.z)
    sine = math.sqrt(a.x * a.x + a.y * a.y + a.z * a.z)
    if sine == 0.0:
        return FORWARD
    half = share * math.atan2(sine, a.w)
    factor = math.sin(half) / sine
    return Rotation(math.cos(half), factor * a.x, factor * a.y, factor * a.z)


def is_near(a: Rotation, b: Rotation, most_rad: float) -> bool:
    """Tell whether a small angle at most lies between two rotations."""
    return abs(a.w * b.w + a.x * b.x + a.y * b.y + a.z * b.z) >= math.cos(most_rad / 2)


class Centre(NamedTuple):
    """The pose that counts as straight ahead.

    A person who recentres sits upright and looks ahead.  So the heading of that pose is the front,
    and the rest of it is the way in which the sensor is mounted on the head.
    """

    heading_back: Rotation
    mount_back: Rotation

    @classmethod
    def at(cls, pose: Rotation) -> "Centre":
        """Count this pose as straight ahead."""
        heading = normalized(pose.w, 0.0, 0.0, pose.z) or FORWARD
        mount = product(inverse(heading), pose)
        return cls(inverse(heading), inverse(mount))

    def applied_to(self, pose: Rotation) -> Rotation:
        """Return how the head is turned from there."""
        return product(product(self.heading_back, pose), self.mount_back)
