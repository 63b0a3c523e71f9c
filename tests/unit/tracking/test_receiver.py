"""A receiver picks the pose that counts, hands it on in time, and counts packets."""

import math
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from osc_packets import message, opentrack

from entrain.vdevice.bridge.tracking.ports import open_ports
from entrain.vdevice.bridge.tracking.pose_link import POSE, STILL_S, PoseLink
from entrain.vdevice.bridge.tracking.receiver import SILENT_S, Pacing, Rate, Receiver
from entrain.vdevice.bridge.tracking.senders import Pose, Senders
from entrain.vdevice.rotation import FORWARD, from_angles, inverse

HERE, THERE = "127.0.0.1", "192.168.0.7"
YPR = message("/ypr", 10.0, 0.0, 0.0)


def test_packets_are_counted():
    receiver = Receiver(Senders("standard"))
    for packet in (YPR, YPR, b"garbage", message("/other"), message("/ypr", math.nan, 0.0, 0.0)):
        receiver.take_osc(packet, HERE, 0.0)
    for packet in (opentrack(1, 2, 3)[:-1], b"", opentrack(math.inf, 0, 0)):
        receiver.take_opentrack(packet, HERE, 0.0)

    counters = receiver.counters
    assert (counters.poses, counters.ignored, counters.malformed) == (2, 1, 5)
    assert receiver.source == "/ypr from 127.0.0.1"


def test_one_sender_is_heard_until_it_is_silent():
    """The same machine at another address is another sender: it may have other signs."""
    receiver = Receiver(Senders("standard"))
    quaternion = message("/quaternion", 1.0, 0.0, 0.0, 0.0)

    assert receiver.take_osc(YPR, HERE, 0.0)
    assert receiver.take_osc(YPR, THERE, 0.5) is None
    assert receiver.take_osc(quaternion, HERE, 0.6) is None
    assert receiver.take_opentrack(opentrack(1, 2, 3), HERE, 0.7) is None
    assert receiver.take_osc(YPR, HERE, 0.9)
    assert receiver.take_osc(YPR, THERE, 0.91 + SILENT_S)
    assert receiver.take_osc(YPR, HERE, 1.0 + SILENT_S) is None
    assert receiver.source == "/ypr from 192.168.0.7"
    assert receiver.counters.ignored == 4


def test_of_two_programs_with_the_same_address_the_first_is_heard():
    receiver = Receiver(Senders("standard"))
    first = message("/ypr", 30.0, 0.0, 0.0)
    heard = []
    for number in range(100):
        heard.append(receiver.take_osc(first, HERE, 0.01 * number, 4001))
        heard.append(receiver.take_osc(YPR, HERE, 0.01 * number + 0.005, 4002))
    assert all(each is not None for each in heard[::2])
    assert not any(heard[3::2])  # two packets are needed to tell them apart
    assert receiver.take_osc(YPR, HERE, 1.0 + SILENT_S, 4002)
    assert receiver.take_osc(YPR, HERE, 1.1 + SILENT_S, 4002)
    assert receiver.take_osc(first, HERE, 1.2 + SILENT_S, 4001) is None


def test_axes_of_another_sender_are_not_mixed_in():
    """Neither while it is ignored, nor when it is heard after the first one."""
    receiver = Receiver(Senders("standard"))
    assert receiver.take_osc(message("/pitch", 20.0), HERE, 0.0)
    assert receiver.take_osc(message("/yaw", 90.0), THERE, 0.1) is None
    pose = receiver.take_osc(message("/roll", 0.0), HERE, 0.2)
    assert pose
    assert pose.rotation == from_angles(0, math.radians(20), 0)
    pose = receiver.take_osc(message("/yaw", 90.0), THERE, 0.3 + SILENT_S)
    assert pose
    assert pose.rotation == from_angles(math.radians(90), 0, 0)


def test_a_sender_may_take_another_port_for_each_packet():
    receiver = Receiver(Senders("standard"))
    assert all(receiver.take_osc(YPR, HERE, 0.01 * n, 4001 + n) for n in range(100))


def pose(yaw: float, is_partial: bool = False) -> Pose:
    return Pose(from_angles(yaw, 0, 0), "/ypr", {"y": yaw} if is_partial else {})


def test_a_pose_is_handed_on_at_once_and_at_most_100_a_second():
    pacing, handed = Pacing(), []
    for number in range(10_000):  # ten times as fast, for ten seconds
        now_s = number / 1000
        pacing.put(pose(now_s), now_s)
        if turned := pacing.take(now_s):
            handed.append((now_s, turned))

    assert handed[0] == (0.0, from_angles(0, 0, 0))
    assert 990 <= len(handed) <= 1001
    assert all(turned == from_angles(now_s, 0, 0) for now_s, turned in handed)  # the newest


def test_a_slow_sender_waits_for_nothing():
    pacing = Pacing()
    for number in range(100):
        now_s = number / 60
        pacing.put(pose(number), now_s)
        assert pacing.take(now_s) == from_angles(number, 0, 0)
        assert pacing.due_s() is None


def test_three_messages_of_one_moment_are_one_pose():
    pacing = Pacing()
    for number in range(3):
        pacing.put(pose(number, is_partial=True), number * 0.0002)
        assert pacing.take(number * 0.0002) is None
    due_s = pacing.due_s()
    assert due_s == pytest.approx(Pacing.SETTLE_S)
    assert pacing.take(due_s) == from_angles(2, 0, 0)


def test_the_rate_is_of_the_last_second_and_ends_with_the_sender():
    rate = Rate()
    assert rate.due_s() is None
    for number in range(100):
        rate.add(number / 100)
    assert not rate.look(0.99)
    assert rate.look(1.0)
    assert rate.per_s == pytest.approx(100)
    assert rate.due_s() == 2.0
    assert rate.look(2.0)
    assert rate.per_s == 0
    assert rate.due_s() is None


@contextmanager
def linked() -> Iterator[tuple[socket.socket, PoseLink]]:
    """A link, and Entrain's end of it."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    with ours, theirs:
        yield ours, PoseLink(theirs)


def test_a_still_head_is_told_four_times_a_second_and_a_moving_one_at_once():
    with linked() as (ours, link):
        for number in range(100):  # a second of a sensor's noise, 0.05 degrees
            noise = math.radians(0.05) * (number % 2)
            link.send(from_angles(noise, 0, 0), number / 100)
        still = ours.recv(10_000)
        assert len(still) == POSE.size * round(1 / STILL_S)
        for number in range(100):  # 20 degrees a second
            link.send(from_angles(math.radians(number / 5), 0, 0), 1 + number / 100)
        assert len(ours.recv(10_000)) >= 99 * POSE.size


def test_what_is_sent_is_the_rotation_from_the_room_to_the_head():
    with linked() as (ours, link):
        link.send(from_angles(0.1, 0.2, 0.3), 0.0)
        assert POSE.unpack(ours.recv(100)) == inverse(from_angles(0.1, 0.2, 0.3))


def test_nothing_waits_for_an_app_that_does_not_read():
    with linked() as (ours, link):
        for number in range(100_000):
            link.send(from_angles(number, 0, 0), float(number))
        ours.settimeout(5)
        assert POSE.unpack(ours.recv(POSE.size)) == pytest.approx(FORWARD)
        ours.close()
        link.send(from_angles(1, 0, 0), 1e6)  # the app may have ended


# ---- ports -------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("lan", [False, True])
def test_the_network_is_heard_only_if_wanted(lan):
    number = free_port()
    ports, _ = open_ports(number, lan)
    try:
        hosts = {each.socket.getsockname()[0] for each in ports if each.number == number}
        assert hosts <= ({"0.0.0.0", "::"} if lan else {"127.0.0.1", "::1"})
        assert hosts & {"0.0.0.0", "127.0.0.1"}
    finally:
        for each in ports:
            each.socket.close()


def test_a_port_of_another_app_is_named_and_the_others_are_heard():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        number = int(other.getsockname()[1])
        ports, problems = open_ports(number, lan=False)
        for each in ports:
            each.socket.close()
    assert f"another app uses UDP port {number}" in problems
    assert number not in {each.number for each in ports}


def test_packets_may_be_of_any_size():
    receiver = Receiver(Senders("standard"))
    for size in (0, 1, 47, 48, 49, 16384, 16385, 65507):
        receiver.take_osc(os.urandom(size), HERE, 0.0)
        receiver.take_opentrack(bytes(size), HERE, 5.0)
    assert receiver.counters.poses == 1  # 48 zeros are a pose of opentrack
