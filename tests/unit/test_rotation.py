"""Rotations of the head: angles, parts of the way, and the pose that counts as straight ahead."""

import math

import pytest

from entrain.vdevice.rotation import (
    FORWARD,
    Centre,
    Rotation,
    angles_of,
    from_angles,
    inverse,
    is_near,
    normalized,
    product,
    share_of,
)


def head(left: float, up: float = 0.0, right: float = 0.0) -> Rotation:
    """A head that is turned to the left, lifted, and tilted to the right shoulder; degrees."""
    return from_angles(math.radians(left), -math.radians(up), math.radians(right))


def same(a: Rotation, b: Rotation) -> bool:
    """Tell whether these are one rotation, whatever the sign of the quaternion."""
    return is_near(a, b, 1e-5)


@pytest.mark.parametrize("angles", [(0, 0, 0), (30, 0, 0), (-170, 50, 20), (10, -89, 5)])
def test_angles_are_those_of_the_head(angles):
    assert angles_of(head(*angles)) == pytest.approx(angles, abs=1e-6)


def test_a_turn_to_the_left_is_the_documented_quaternion():
    half = math.sqrt(0.5)
    assert head(90) == pytest.approx((half, 0, 0, half))


@pytest.mark.parametrize("numbers", [(0, 0, 0, 0), (math.nan, 0, 0, 1), (math.inf, 0, 0, 0)])
def test_what_is_no_rotation_is_none(numbers):
    assert normalized(*numbers) is None


def test_a_quaternion_of_another_length_is_meant():
    assert normalized(2, 0, 0, 0) == FORWARD


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_a_share_of_a_turn_is_about_the_same_axis(share):
    for turn in (head(80), head(0, 60), head(0, 0, -40)):
        expected = [share * angle for angle in angles_of(turn)]
        assert angles_of(share_of(turn, share)) == pytest.approx(expected, abs=1e-9)
        negative = Rotation(-turn.w, -turn.x, -turn.y, -turn.z)
        assert angles_of(share_of(negative, share)) == pytest.approx(expected, abs=1e-9)
    assert share_of(FORWARD, share) == FORWARD


HEADINGS = [0, 75, -160]


@pytest.mark.parametrize("mount", [FORWARD, head(0, 30), head(0, -80), head(0, 0, 90)])
@pytest.mark.parametrize("heading", HEADINGS)
def test_after_recentring_the_head_is_what_it_is_from_there(heading, mount):
    """Wherever its front was, and however the sensor is tilted, to the side or to the front."""
    started = head(heading)
    centre = Centre.at(product(started, mount))

    for turned in (FORWARD, head(40), head(0, 25), head(0, 0, -30), head(-60, 20, 10)):
        measured = product(product(started, turned), mount)
        assert same(centre.applied_to(measured), turned)


@pytest.mark.parametrize("mount", [head(20, 30, 40), head(-90, 10), from_angles(1, 2, 3)])
@pytest.mark.parametrize("heading", HEADINGS)
def test_a_turn_to_the_side_is_right_however_the_sensor_is_mounted(heading, mount):
    pose = product(head(heading), mount)
    centre = Centre.at(pose)

    for degrees in (0, 40, -170):
        assert same(centre.applied_to(product(head(degrees), pose)), head(degrees))


def test_recentring_upside_down_is_well_defined():
    pose = from_angles(0.0, math.pi, 0.0)
    assert same(Centre.at(pose).applied_to(pose), FORWARD)


def test_turning_back_is_the_inverse():
    assert same(product(head(30, 20, 10), inverse(head(30, 20, 10))), FORWARD)
