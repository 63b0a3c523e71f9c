"""Tests on which device Entrain plays when devices come and go.

A choice by the server leaves Entrain on.  Entrain accepts a choice by the user.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import app
import pytest
import soundlab
from conftest import HEADPHONES, SPEAKERS
from lab_servers import LabServer
from test_defaults import BLUETOOTH, becomes, choose, configured, effective

from entrain.platform.sandbox import VirtualDevice
from entrain.vdevice.api.client import Client
from entrain.vdevice.device.arrivals import SAME_MOMENT_S
from entrain.vdevice.device.default_policy import ECHO_S

DOCK = VirtualDevice("dock", "Dock", 700)
LONG = os.environ.get("ENTRAIN_SOAK") == "1"

# Makes each new sink the default.  PipeWire's own module does so only for hardware.
SWITCH_ON_CONNECT = """\
pactl subscribe | grep --line-buffered "'new' on sink #" | while read -r _; do
    pactl set-default-sink "$(pactl list short sinks | tail -n 1 | cut -f 2)"
done
"""


@contextmanager
def connected(server: LabServer, device: VirtualDevice) -> Iterator[None]:
    """Connect a device during the block."""
    server.add_device(device)
    yield
    server.remove_device(device.name)


@contextmanager
def switching_on_connect(server: LabServer) -> Iterator[None]:
    """Let the server make each new device the default during the block."""
    if server.kind == "pulse":
        module = ("module-switch-on-connect", "ignore_virtual=no")
        soundlab.run(server.environment, "pactl", "load-module", *module)
        yield
        return
    environment = {**os.environ, **server.environment, "LC_ALL": "C"}
    with subprocess.Popen(
        ["sh", "-c", SWITCH_ON_CONNECT], env=environment, start_new_session=True
    ) as process:
        time.sleep(0.3)  # until it has subscribed
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def wait_for_default(server: LabServer, name: str) -> None:
    soundlab.wait_until(lambda: effective(server) == name, 5, f"the default is {name}")


def stays(entrain: app.App, server: LabServer, name: str) -> None:
    """Assert after a while that Entrain is on, is the default, and plays on this device."""
    time.sleep(0.3)
    status = entrain.status()
    assert (status["on"], status["output"]["name"]) == (True, name), status["reason"]
    assert effective(server) == "entrain"


def test_where_nobody_has_chosen_the_best_device_is_followed(server):
    with app.running(server.environment, "--protocol", "default") as entrain:
        becomes(server, "entrain")
        entrain.wait_for_output("speakers")
        with (
            soundlab.play(server.environment, soundlab.sine(1000, 60, 0.1), sink=""),
            connected(server, BLUETOOTH),
            soundlab.recording(server.environment, "bluetooth") as recorder,
        ):
            entrain.wait_for_output("bluetooth")
            soundlab.wait_until(
                lambda: soundlab.tone_db(recorder.take(0.1), 1000) > -40, 10, "it is heard there"
            )
            stays(entrain, server, "bluetooth")
        entrain.wait_for_output("speakers")
        with connected(server, DOCK):
            stays(entrain, server, "speakers")

        entrain("off")
        becomes(server, "speakers")
        with connected(server, BLUETOOTH):  # as without Entrain
            wait_for_default(server, "bluetooth")
        wait_for_default(server, "speakers")
        entrain("on")
        becomes(server, "entrain")
        entrain.wait_for_output("speakers")
    wait_for_default(server, "speakers")


def test_quitting_leaves_the_choice_to_the_server_where_nobody_has_chosen(server):
    with app.running(server.environment, "--protocol", "default"):
        becomes(server, "entrain")
    wait_for_default(server, "speakers")
    with connected(server, BLUETOOTH):
        wait_for_default(server, "bluetooth")


@pytest.mark.parametrize("name", ["speakers", "headphones"])
def test_a_configured_default_is_kept_when_a_better_device_comes(server, name):
    choose(server, name)
    if server.kind == "pulse" and name == "speakers":
        # The speakers are also the best device.  The restart makes the server save the choice.
        server.stop_server()
        server.start_server()
    with app.running(server.environment, "--protocol", "default") as entrain:
        becomes(server, "entrain")
        entrain.wait_for_output(name)
        with connected(server, BLUETOOTH):
            time.sleep(SAME_MOMENT_S)
            stays(entrain, server, name)
            choose(server, "bluetooth")
            status = entrain.wait_for(on=False)
            assert "bluetooth" in status["reason"]


def test_a_server_that_switches_to_what_is_connected_does_not_switch_entrain_off(server):
    with app.running(server.environment, "--protocol", "default") as entrain:
        becomes(server, "entrain")
        with switching_on_connect(server):
            with connected(server, DOCK):
                entrain.wait_for_output("dock")
                becomes(server, "entrain")
                stays(entrain, server, "dock")
            entrain.wait_for_output("speakers")
            stays(entrain, server, "speakers")
            with connected(server, DOCK):
                entrain.wait_for_output("dock")
                becomes(server, "entrain")


def test_a_preferred_output_is_played_on_whenever_it_is_connected(server):
    with (
        app.running(server.environment, "--protocol", "default") as entrain,
        Client(app.control_socket(server.environment)) as client,
    ):
        becomes(server, "entrain")
        answer = entrain("output", "--prefer", "bluetooth", "headphones")
        assert "bluetooth is not connected" in answer
        assert "headphones is not" not in answer
        entrain.wait_for_output("headphones")
        with connected(server, BLUETOOTH):
            entrain.wait_for_output("bluetooth")
            client.ask("output", name="speakers")  # a chosen output has priority
            entrain.wait_for_output("speakers")
            places = {device["name"]: device["preferred"] for device in client.ask("devices")}
            assert places == {"bluetooth": 1, "speakers": None, "headphones": 2}
            client.ask("output", name=None)
            entrain.wait_for_output("bluetooth")
        entrain.wait_for_output("headphones")
        client.ask("settings", preferred_outputs=[])
        entrain.wait_for_output("speakers")
        stays(entrain, server, "speakers")


@pytest.mark.parametrize("after_s", [1, 5, 60] if LONG else [1])
def test_on_after_a_login_at_which_the_devices_come_later(server, home, after_s):
    for device in (SPEAKERS, HEADPHONES):
        server.remove_device(device.name)
    state = home / "state" / "entrain" / "state.json"
    state.parent.mkdir()
    state.write_text(json.dumps({"schema_version": 1, "on": True}))
    with app.running(server.environment) as entrain:
        began_s = time.monotonic()
        time.sleep(after_s)
        status = entrain.status()
        assert (status["on"], status["state"]) == (True, "waiting-for-device"), status
        assert status["outputs"] == []

        for device in (HEADPHONES, DOCK):
            with connected(server, device):
                entrain.wait_for_output(device.name)
                entrain.wait_for(state="idle")
                stays(entrain, server, device.name)
            entrain.wait_for(state="waiting-for-device")
            assert entrain.status()["on"]
        server.add_device(SPEAKERS)
        server.add_device(HEADPHONES)
        entrain.wait_for_output("speakers")
        # Wait until Entrain would have given up the default that it configured at its start.
        time.sleep(max(0.0, began_s + ECHO_S + 1 - time.monotonic()))
        stays(entrain, server, "speakers")
    assert json.loads(state.read_text())["former_default"] is None
    wait_for_default(server, "speakers")


def test_without_pipewires_pulseaudio_face_the_default_is_given_back(pipewire_server):
    server = pipewire_server

    def configured_becomes(name: str) -> None:
        soundlab.wait_until(lambda: configured(server) == name, 5, f"configured is {name}")

    choose(server, "headphones")
    with app.running(server.environment, "--protocol", "default") as entrain:
        becomes(server, "entrain", chosen="entrain")
        server.kill_pulse()
        configured_becomes("headphones")
        server.start_server()
        configured_becomes("entrain")
        entrain.wait_for_output("headphones")
        server.kill_pulse()
        configured_becomes("headphones")
        entrain.kill()
    server.start_server()
    becomes(server, "headphones", chosen="headphones")
