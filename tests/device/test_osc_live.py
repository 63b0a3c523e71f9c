"""OSC messages change the sound at the device; the process that hears them lives with the app."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable

import app
import numpy as np
import processes
import pytest
import soundlab
from measure import frequency_hz

LAYER = "tone=binaural:carrier_hz=400,beat_hz=10,floor_db=-20,ceiling_db=-20"


def free_port() -> int:
    """Return a free UDP port, so that tests can run beside each other."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def ports() -> tuple[int, int]:
    """Return Entrain's port and the other program's."""
    return free_port(), free_port()


def switch_on(entrain: app.App, ports: tuple[int, int]) -> None:
    told = entrain("osc", "on", "--port", str(ports[0]), "--feedback-port", str(ports[1]))
    assert f"it listens on UDP port {ports[0]} of this computer alone" in told


def bridge_of(entrain: app.App) -> int | None:
    """Return the bridge's process, if it runs."""
    for child in processes.children(entrain.pid):
        if b"entrain.vdevice.bridge" in processes.command_line(child):
            return child
    return None


@pytest.fixture
def oscsend(ports) -> Callable[..., None]:
    """Send a message with liblo's program."""
    if not shutil.which("oscsend"):
        pytest.skip("liblo-tools is not installed")

    def send(address: str, types: str = "", *values: object) -> None:
        subprocess.run(
            ["oscsend", "127.0.0.1", str(ports[0]), address, types, *map(str, values)],
            check=True,
            timeout=10,
        )

    return send


def test_a_message_changes_the_beat_at_the_device(any_server, ports, oscsend):
    """Both ears' tones, and so the beat, are right within 0.1 Hz."""
    environment = any_server.environment

    def is_beating(beat_hz: float) -> bool:
        heard = recorder.take(1)
        left_hz, right_hz = 400 + beat_hz / 2, 400 - beat_hz / 2
        return (
            abs(frequency_hz(heard[:, 0], left_hz) - left_hz) < 0.05
            and abs(frequency_hz(heard[:, 1], right_hz) - right_hz) < 0.05
        )

    with (
        app.running(environment, "--layer", LAYER, *app.PATIENT[any_server.kind]) as entrain,
        soundlab.recording(environment, "speakers") as recorder,
        soundlab.play(environment, soundlab.sine(1000, 60, 0.1)),
    ):
        switch_on(entrain, ports)
        soundlab.wait_until(lambda: np.any(recorder.take(0.05)), 10, "sound arrives")
        soundlab.wait_until(lambda: is_beating(10), 10, "10 Hz")
        oscsend("/entrain/tone/beat_hz", "f", 4)
        soundlab.wait_until(lambda: is_beating(4), 10, "4 Hz")
        oscsend("/entrain/*/beat_hz", "i", 6)
        soundlab.wait_until(lambda: is_beating(6), 10, "6 Hz")


def test_the_bridge_lives_and_dies_with_the_app(any_server, ports):
    with app.running(any_server.environment) as entrain:
        entrain.wait_for_output("speakers")
        switch_on(entrain, ports)
        first = bridge_of(entrain)
        assert first is not None
        entrain("head", "on", "--port", str(free_port()))
        soundlab.wait_until(lambda: entrain.status()["head"]["listening"], 5, "trackers are heard")
        assert bridge_of(entrain) == first

        os.kill(first, signal.SIGKILL)
        soundlab.wait_until(lambda: bridge_of(entrain) not in (None, first), 5, "another process")
        soundlab.wait_until(lambda: entrain.status()["osc"]["listening"], 5, "it listens")
        second = bridge_of(entrain)
        assert second is not None

        entrain("osc", "off")
        assert bridge_of(entrain) == second
        entrain("head", "off")
        soundlab.wait_until(lambda: bridge_of(entrain) is None, 5, "it ends")
        switch_on(entrain, ports)
        third = bridge_of(entrain)
        assert third is not None
        entrain.kill()
        soundlab.wait_until(lambda: not processes.executable(third), 5, "it ends with the app")


def test_settings_are_kept(any_server, ports):
    with app.running(any_server.environment) as entrain:
        switch_on(entrain, ports)
        assert entrain.quit() == 0
    with app.running(any_server.environment) as entrain:
        soundlab.wait_until(lambda: entrain.status()["osc"]["listening"], 5, "it listens again")
        osc = entrain.status()["osc"]
        assert (osc["port"], osc["feedback_port"]) == ports
