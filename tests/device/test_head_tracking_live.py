"""A packet of a head tracker reaches the running app, and the bridge lives with it."""

import os
import signal
import socket
import struct
from collections.abc import Callable

import app
import osc_packets
import processes
import pytest
import soundlab


@pytest.fixture
def port() -> int:
    """A free UDP port, so that tests can run beside each other."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def send(port: int):
    """Send a packet to the tracker."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        yield lambda packet: sender.sendto(packet, ("127.0.0.1", port))


def tracker_of(entrain: app.App) -> int | None:
    """Return the bridge's process, if it runs."""
    for child in processes.children(entrain.pid):
        if b"entrain.vdevice.bridge" in processes.command_line(child):
            return child
    return None


def wait_for_head(entrain: app.App, what: str, holds: Callable[[dict], bool]) -> dict:
    """Wait until the status of the head is so."""
    soundlab.wait_until(lambda: holds(entrain.status()["head"]), 10, what)
    return dict(entrain.status()["head"])


def test_a_packet_reaches_the_app(any_server, port, send):
    with app.running(any_server.environment) as entrain:
        entrain.wait_for_output("speakers")
        told = entrain("head", "on", "--port", str(port))
        assert f"UDP port {port} (OSC)" in told
        assert "of this computer alone" in told

        def turned(head: dict) -> bool:
            send(osc_packets.message("/ypr", 30.0, -10.0, 5.0))
            return head["yaw_deg"] is not None and head["packets_per_s"] > 0

        head = wait_for_head(entrain, "a pose", turned)
        assert head["yaw_deg"] == pytest.approx(30, abs=0.001)
        assert head["pitch_deg"] == pytest.approx(10, abs=0.001)
        assert head["roll_deg"] == pytest.approx(5, abs=0.001)
        assert head["source"] == "/ypr from 127.0.0.1"

        def ahead(head: dict) -> bool:
            if turned(head) and abs(head["yaw_deg"]) < 0.001:
                return True
            entrain("head", "recentre")  # has no effect if the last packet came too long ago
            return False

        wait_for_head(entrain, "the head looks ahead", ahead)

        assert entrain("head", "off") == "head tracking is off\n"
        soundlab.wait_until(lambda: tracker_of(entrain) is None, 5, "the process has ended")


def test_the_tracker_lives_and_dies_with_the_app(any_server, port, send):
    with app.running(any_server.environment) as entrain:
        entrain.wait_for_output("speakers")
        entrain("head", "on", "--port", str(port))
        first = tracker_of(entrain)
        assert first is not None

        os.kill(first, signal.SIGKILL)
        soundlab.wait_until(lambda: tracker_of(entrain) not in (None, first), 5, "another process")
        wait_for_head(entrain, "it listens", lambda head: port in head["listening"])
        second = tracker_of(entrain)
        assert second is not None

        os.kill(second, signal.SIGSTOP)  # it does not hear that it is to end, and is killed
        entrain("head", "off")
        soundlab.wait_until(lambda: not processes.executable(second), 5, "it is killed")

        entrain("head", "on", "--port", str(port))
        third = tracker_of(entrain)
        assert third is not None
        entrain.kill()
        soundlab.wait_until(lambda: not processes.executable(third), 5, "it ends with the app")


def test_each_output_has_settings_of_its_own_also_after_a_restart(any_server, port):
    with app.running(any_server.environment) as entrain:
        entrain.wait_for_output("speakers")
        entrain("head", "on", "--port", str(port), "--preset", "supperware", "--invert", "roll")
        entrain("output", "headphones")
        entrain.wait_for_output("headphones")
        assert not entrain.status()["head"]["on"]
        soundlab.wait_until(lambda: tracker_of(entrain) is None, 5, "the process has ended")
        entrain("output", "speakers")
        wait_for_head(entrain, "it listens again", lambda head: port in head["listening"])
        assert entrain.quit() == 0
    with app.running(any_server.environment) as entrain:
        head = wait_for_head(entrain, "it listens", lambda head: port in head["listening"])
        assert (head["on"], head["preset"], head["invert"]) == (True, "supperware", ["roll"])


def test_hostile_packets_neither_end_the_tracker_nor_reach_the_app(any_server, port, send):
    with app.running(any_server.environment) as entrain:
        entrain.wait_for_output("speakers")
        entrain("head", "on", "--port", str(port))
        before = tracker_of(entrain)
        nan = float("nan")
        for packet in (
            b"",
            b"\0" * 4,
            b"/ypr",
            b"#bundle\0",
            osc_packets.message("/ypr", nan, 0.0, 0.0),
            osc_packets.message("/quaternion", 0.0, 0.0, 0.0, 0.0),
            osc_packets.message("/ypr", 1e30, 0.0, 0.0),
            struct.pack(">i", -1) * 4000,
            os.urandom(20_000),
        ):
            send(packet)
        send(osc_packets.message("/unknown", 1.0))
        head = wait_for_head(entrain, "they are counted", lambda head: head["malformed"] == 9)
        assert (head["ignored"], head["yaw_deg"], head["age_s"]) == (1, None, None)
        assert tracker_of(entrain) == before
