"""Each sender's address, order, units and signs lead to the same head.

The head is described in words (so far to the left, up, and to the right shoulder) and as a matrix;
each sender's numbers are derived from that in the sender's own axes.
"""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from osc_packets import bundle, message, opentrack

from entrain.vdevice.bridge.osc_reader import MalformedPacket, read_packet
from entrain.vdevice.bridge.tracking.receiver import Receiver
from entrain.vdevice.bridge.tracking.senders import Senders
from entrain.vdevice.rotation import Rotation

Matrix = npt.NDArray[np.float64]
HEADS = [
    (0, 0, 0),
    (30, 0, 0),
    (0, 20, 0),
    (0, 0, 10),
    (-100, 0, 0),
    (40, -25, 15),
    (-150, 60, -35),
]
"""Degrees to the left, up, and to the right shoulder."""


def true_head(left: float, up: float, right: float) -> Matrix:
    """The matrix from the room to the head: turned left, then lifted, then tilted."""
    a, b, c = np.radians([left, -up, right])
    about_z = [[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]
    about_y = [[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]]
    about_x = [[1, 0, 0], [0, np.cos(c), -np.sin(c)], [0, np.sin(c), np.cos(c)]]
    return np.array(about_z) @ np.array(about_y) @ np.array(about_x)


def matrix_of(rotation: Rotation) -> Matrix:
    w, x, y, z = rotation
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def quaternion(matrix: Matrix) -> tuple[float, float, float, float]:
    """The quaternion of a matrix, by the eigenvector that it belongs to."""
    m = matrix
    k = np.array(
        [
            [np.trace(m), m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]],
            [0, m[0, 0] - m[1, 1] - m[2, 2], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0]],
            [0, 0, m[1, 1] - m[0, 0] - m[2, 2], m[1, 2] + m[2, 1]],
            [0, 0, 0, m[2, 2] - m[0, 0] - m[1, 1]],
        ]
    )
    w, x, y, z = np.linalg.eigh(k, UPLO="U")[1][:, -1]
    return (w, x, y, z)


def seen_in(head: Matrix, *axes: tuple[int, int, int]) -> tuple[float, float, float, float]:
    """The quaternion in a sender's axes, each given in ours (front, left, up)."""
    basis = np.array(axes, float)
    return quaternion(basis @ head @ basis.T)


FRONT, LEFT, UP = (1, 0, 0), (0, 1, 0), (0, 0, 1)
RIGHT, DOWN = (0, -1, 0), (0, 0, -1)


def angles(address: str, order: str, left: int, up: int, right: int, unit: float = 1.0):
    """A sender of angles, with its signs for a turn to the left, up, and to the right."""

    def packet(head: tuple[float, float, float]) -> bytes:
        values = dict(zip("ypr", np.array(head) * (left, up, right) * unit, strict=True))
        return message(address, *(float(values[axis]) for axis in order))

    return packet


def normalised(prefix: str, left: int, up: int, right: int):
    """A sender of three messages whose numbers run from 0 to 1."""

    def packet(head: tuple[float, float, float]) -> bytes:
        values = 0.5 + np.array(head) * (left, up, right) / 360
        names = ("yaw", "pitch", "roll")
        return bundle(
            *(message(prefix + name, float(v)) for name, v in zip(names, values, strict=True))
        )

    return packet


def each_axis(prefix: str, left: int, up: int, right: int):
    """A sender of three messages in degrees."""

    def packet(head: tuple[float, float, float]) -> bytes:
        values = np.array(head, float) * (left, up, right)
        names = ("yaw", "pitch", "roll")
        return bundle(
            *(message(prefix + name, float(v)) for name, v in zip(names, values, strict=True))
        )

    return packet


def rotation_in(*axes: tuple[int, int, int], address: str, scene: bool = False):
    """A sender of w, x, y and z."""

    def packet(head: tuple[float, float, float]) -> bytes:
        w, x, y, z = seen_in(true_head(*head), *axes)
        sign = -1 if scene else 1
        return message(address, *map(float, (w, sign * x, sign * y, sign * z)))

    return packet


def vmc(head: tuple[float, float, float]) -> bytes:
    """A body in Unity's axes; the head is one of its bones."""
    w, x, y, z = seen_in(true_head(*head), RIGHT, UP, FRONT)
    place = (0.1, 1.6, 0.2)
    hips = message("/VMC/Ext/Bone/Pos", "Hips", *place, 0.0, 1.0, 0.0, 0.0)
    return bundle(
        message("/VMC/Ext/OK", 1),
        hips,
        message("/VMC/Ext/Bone/Pos", "Head", *place, *map(float, (x, y, z, w))),
        hips,
    )


SENDERS: dict[str, tuple[str, Callable[[tuple[float, float, float]], bytes]]] = {
    "SPARTA": ("standard", angles("/ypr", "ypr", 1, -1, 1)),
    "SPARTA, an axis a message": ("standard", each_axis("/", 1, -1, 1)),
    "SPARTA, quaternion": (
        "standard",
        rotation_in(FRONT, LEFT, UP, address="/quaternion"),
    ),
    "IEM": ("standard", angles("/SceneRotator/ypr", "ypr", -1, 1, -1)),
    "IEM, an axis a message": ("standard", each_axis("/SceneRotator/", -1, 1, -1)),
    "IEM, quaternion": (
        "standard",
        rotation_in(FRONT, LEFT, UP, address="/SceneRotator/quaternions", scene=True),
    ),
    "opentrack, OSC": ("standard", rotation_in(RIGHT, DOWN, FRONT, address="/bridge/quat")),
    "3D Tune-In": (
        "standard",
        angles("/3DTI-OSC/receiver/pry", "pry", -1, 1, 1, unit=math.radians(1)),
    ),
    "Mach1": ("standard", angles("/orientation", "ypr", -1, 1, 1)),
    "SALTE": ("standard", angles("/rendering/htrpy", "rpy", -1, 1, 1)),
    "VMC": ("standard", vmc),
    "VRChat": ("standard", angles("/tracking/trackers/head/rotation", "pyr", -1, -1, -1)),
    "Supperware": ("supperware", angles("/ypr", "ypr", 1, 1, 1)),
    "Supperware, an axis a message": ("supperware", each_axis("/", 1, 1, 1)),
    "Supperware, quaternion": (
        "supperware",
        rotation_in(RIGHT, FRONT, UP, address="/quaternion"),
    ),
    "nvsonic, Ambix Rotator": (
        "nvsonic",
        rotation_in(FRONT, LEFT, UP, address="/quaternion"),
    ),
    "nvsonic, Ambi Head HD": ("nvsonic", normalised("/", 1, 1, -1)),
    "nvsonic, OHTI": (
        "nvsonic",
        rotation_in(FRONT, LEFT, UP, address="/SceneRotator/quaternions"),
    ),
    "opentrack, angles": ("opentrack", angles("/ypr", "ypr", -1, 1, -1)),
    "librepods": ("librepods", angles("/ypr", "ypr", -1, 1, 1)),
}


def head_of(preset: str, packet: bytes, inverted: tuple[str, ...] = ()) -> Matrix:
    pose = Senders(preset, inverted).pose(read_packet(packet))  # type: ignore[arg-type]
    assert pose is not None
    return matrix_of(pose.rotation)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", SENDERS)
def test_the_head_is_where_its_sender_says(name, head):
    preset, packet = SENDERS[name]

    np.testing.assert_allclose(head_of(preset, packet(head)), true_head(*head), atol=1e-5)


@pytest.mark.parametrize("head", HEADS)
def test_opentracks_48_bytes(head):
    """Its yaw is positive to the right, its pitch up, and its roll to the left shoulder."""
    left, up, right = head
    receiver = Receiver(Senders("standard"))

    pose = receiver.take_opentrack(opentrack(-left, up, -right), "127.0.0.1", 0.0)

    assert pose is not None
    np.testing.assert_allclose(matrix_of(pose.rotation), true_head(*head), atol=1e-12)
    assert receiver.source == "opentrack from 127.0.0.1"


def test_words_for_the_axes_are_right():
    """A head that is turned left sees what was on the left in front of it, and so on."""
    np.testing.assert_allclose(true_head(90, 0, 0) @ FRONT, LEFT, atol=1e-12)
    np.testing.assert_allclose(true_head(0, 90, 0) @ FRONT, UP, atol=1e-12)
    np.testing.assert_allclose(true_head(0, 0, 90) @ UP, RIGHT, atol=1e-12)


@pytest.mark.parametrize("name", ["SPARTA", "SPARTA, quaternion", "VMC", "Supperware, quaternion"])
@pytest.mark.parametrize("axis", ["yaw", "pitch", "roll"])
def test_each_axis_can_be_inverted(name, axis):
    preset, packet = SENDERS[name]
    for place, other in enumerate(("yaw", "pitch", "roll")):
        head = [0.0, 0.0, 0.0]
        head[place] = 25.0
        expected = true_head(*(-angle if axis == other else angle for angle in head))
        found = head_of(preset, packet((head[0], head[1], head[2])), (axis,))
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("name", ["IEM, quaternion", "opentrack, OSC", "VMC"])
def test_all_axes_inverted_are_the_inverse_rotation(name):
    preset, packet = SENDERS[name]
    head = (40.0, -25.0, 15.0)

    found = head_of(preset, packet(head), ("yaw", "pitch", "roll"))

    np.testing.assert_allclose(found, true_head(*head).T, atol=1e-5)


def test_addresses_are_matched_without_their_case():
    senders = Senders("standard")
    for address in ("/scenerotator/ypr", "/SCENEROTATOR/YPR"):
        assert senders.pose(read_packet(message(address, 1, 2, 3))) is not None


def test_an_axis_keeps_its_angle_until_its_next_message():
    receiver = Receiver(Senders("standard"))
    heads = []
    for address, angle in (("/yaw", 30.0), ("/pitch", -20.0), ("/roll", 10.0), ("/YAW", 0.0)):
        pose = receiver.take_osc(message(address, angle), "127.0.0.1", 0.0)
        assert pose is not None
        assert pose.is_partial
        heads.append(matrix_of(pose.rotation))
    np.testing.assert_allclose(heads[2], true_head(30, 20, 10), atol=1e-6)
    np.testing.assert_allclose(heads[3], true_head(0, 20, 10), atol=1e-6)


@pytest.mark.parametrize(
    "packet",
    [
        message("/ypr", 1.0, 2.0),
        message("/ypr", 1.0, 2.0, 3.0, 4.0),
        message("/ypr", "left", 0.0, 0.0),
        message("/ypr", math.nan, 0.0, 0.0),
        message("/ypr", 0.0, math.inf, 0.0),
        message("/ypr", 1e30, 0.0, 0.0),
        message("/yaw"),
        message("/quaternion", 0.0, 0.0, 0.0, 0.0),
        message("/quaternion", math.nan, 0.0, 0.0, 1.0),
        message("/quaternion", 1e30, 1e30, 0.0, 0.0),
        message("/VMC/Ext/Bone/Pos", "Head", 1.0),
    ],
    ids=range(11),
)
def test_a_known_address_with_other_arguments_is_malformed(packet):
    with pytest.raises(MalformedPacket):
        Senders("standard").pose(read_packet(packet))


def test_other_addresses_and_other_bones_say_nothing_of_the_head():
    senders = Senders("standard")
    hand = message("/VMC/Ext/Bone/Pos", "LeftHand", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    for packet in (message("/volume", 1.0), hand, bundle()):
        assert senders.pose(read_packet(packet)) is None
