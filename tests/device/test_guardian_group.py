"""The guardian survives when the session's whole group is killed, as when memory runs out.

A stand-in for systemd, on a private bus, notes which processes ask for their own group.  The tests
kill all other processes at once.
"""

import os
import signal
import time

import app
import pytest
import soundlab
from needs import skip_without_programs
from processes import children, executable
from system_bus import UserManager, private_bus

from entrain.platform import service_manager
from entrain.platform.adapter import PlatformError

GUARDIAN = "entrain-guardian"


@pytest.fixture(autouse=True)
def tools():
    skip_without_programs("dbus-daemon")


@pytest.fixture
def bus(home, monkeypatch):
    """Start a session bus for the programs of this test."""
    with private_bus(home) as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield address


def guardian(entrain):
    found = [pid for pid in children(entrain.pid) if executable(pid) == GUARDIAN]
    return found[0] if found else 0


def kill_group(entrain, spared):
    """Kill Entrain and its children, except the children with their own group."""
    members = [pid for pid in (entrain.pid, *children(entrain.pid)) if pid not in spared]
    for how in (signal.SIGSTOP, signal.SIGKILL):  # stopped first, none sees another one die
        for pid in members:
            os.kill(pid, how)
    entrain.process.wait()


def test_an_end_of_the_whole_group_is_cleaned_up_after(pulse_server, bus):
    """The second guardian, which replaces a killed one, also has its own group."""
    environment = pulse_server.environment
    soundlab.run(environment, "pactl", "set-default-sink", "headphones")
    with (
        UserManager(bus, "gives") as manager,
        app.running(environment, "--layer", "binaural") as entrain,
    ):

        def spared():
            return {pid for processes in manager.scopes.values() for pid in processes}

        soundlab.wait_until(lambda: guardian(entrain) in spared(), 10, "a group of its own")
        first = guardian(entrain)
        os.kill(first, signal.SIGKILL)
        soundlab.wait_until(
            lambda: guardian(entrain) in spared() - {first}, 10, "a group for the next guardian"
        )
        soundlab.wait_until(
            lambda: soundlab.default_sink(environment) == "entrain", 10, "Entrain is the default"
        )

        kill_group(entrain, spared())

        soundlab.wait_until(
            lambda: (
                soundlab.default_sink(environment) == "headphones"
                and "entrain" not in soundlab.sink_states(environment)
            ),
            5,
            "the former default is back",
        )


@pytest.mark.parametrize("behaviour", ["refuses", "silent", "no service", "no bus"])
def test_without_it_one_line_says_why(bus, monkeypatch, behaviour):
    monkeypatch.setattr(service_manager, "TIMEOUT_S", 0.5)
    began_s = time.monotonic()
    if behaviour == "no bus":
        monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    if behaviour in ("no service", "no bus"):
        with pytest.raises(PlatformError) as raised:
            service_manager.move_to_own_group(os.getpid())
    else:
        with UserManager(bus, behaviour), pytest.raises(PlatformError) as raised:
            service_manager.move_to_own_group(os.getpid())

    assert "\n" not in str(raised.value)
    assert time.monotonic() - began_s < 10
