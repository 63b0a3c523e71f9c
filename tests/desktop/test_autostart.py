"""From login to logout: dex starts the programs of the autostart folder, as a desktop does."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import soundlab
from desk import Desk
from lab_servers import LabPipeWire, LabPulse, LabServer
from login import Login
from needs import skip_without, skip_without_programs
from session_bus import PrivateBus, wait_until

from entrain.platform.sandbox import VirtualDevice

SPEAKERS = VirtualDevice("speakers", "Speakers", 1000)
HEADSET = VirtualDevice("headset", "Headset", 900)


@pytest.fixture(params=[LabPipeWire, LabPulse])
def server(request: pytest.FixtureRequest) -> Iterator[LabServer]:
    """Run each of the sound servers in turn."""
    yield from _running(request.param)


@pytest.fixture
def any_server() -> Iterator[LabServer]:
    """Run the quicker sound server, for behaviour that does not depend on the server."""
    yield from _running(LabPulse if not LabPulse.missing_packages() else LabPipeWire)


def _running(kind: type[LabServer]) -> Iterator[LabServer]:
    skip_without(kind.missing_packages())
    with kind((SPEAKERS,)) as server:
        yield server


@pytest.fixture
def log_in_on() -> Iterator[Callable[[LabServer], Login]]:
    """Make a user with a sound server and without a panel."""
    skip_without_programs("dex", "dbus-daemon")
    with ExitStack() as stack:

        def make(server: LabServer) -> Login:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="user-")))
            environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **server.environment}
            for name in ("CONFIG_HOME", "CACHE_HOME", "DATA_HOME", "STATE_HOME", "RUNTIME_DIR"):
                place = folder / "a home" / name  # a space: the entry must be quoted
                place.mkdir(mode=0o700, parents=True)
                environment[f"XDG_{name}"] = str(place)
            bus = PrivateBus(folder)
            stack.callback(bus.stop)
            login = Login({**environment, "DBUS_SESSION_BUS_ADDRESS": bus.address})
            stack.callback(login.close)
            return login

        yield make


def test_what_was_on_at_logout_is_on_at_login_and_disable_ends_that(server, log_in_on):
    login = log_in_on(server)
    assert str(login.program) in login("autostart", "enable")
    entry = Path(login.environment["XDG_CONFIG_HOME"]) / "autostart/org.entrain.Entrain.desktop"
    skip_without_programs("desktop-file-validate")
    assert subprocess.check_output(["desktop-file-validate", entry], text=True) == ""

    assert str(login.program) in login.log_in()
    login.wait_for(state="off")
    assert "entrain" in soundlab.sink_states(server.environment)
    login("use", "focus-16")
    login("on")
    login.log_out()

    assert soundlab.default_sink(server.environment) == "speakers"
    assert login.command("status").returncode == 1

    login.log_in()
    status = login.wait_for(state="idle", on=True)
    assert status["protocol"]["id"] == "focus-16"
    soundlab.wait_until(
        lambda: soundlab.default_sink(server.environment) == "entrain", 10, "on again"
    )
    login("autostart", "disable")
    assert login.processes(), "disabling does not stop the running app"
    login.log_out()

    assert login.log_in() == ""
    assert login.processes() == []


def test_what_the_desktop_switches_off_is_not_started(any_server, log_in_on):
    login = log_in_on(any_server)
    login("autostart", "enable")
    entry = Path(login.environment["XDG_CONFIG_HOME"]) / "autostart/org.entrain.Entrain.desktop"
    entry.write_text(entry.read_text() + "Hidden=true\n")

    assert "Executing" not in login.log_in()
    assert login.processes() == []
    assert login("autostart", "status") == "disabled: switched off in the desktop's settings\n"


def test_the_sound_server_may_come_later(server, log_in_on):
    login = log_in_on(server)
    login("autostart", "enable")
    login.log_in()
    login.wait_for(state="off")
    login("on")
    login.log_out()
    server.stop_server()

    login.log_in()
    status = login.wait_for(state="failed", on=True)
    assert "no sound server answers" in status["reason"]
    server.start_server()

    login.wait_for(state="idle", on=True, reason="")
    soundlab.wait_until(
        lambda: soundlab.default_sink(server.environment) == "entrain", 10, "on again"
    )


def test_the_chosen_output_may_come_later(any_server, log_in_on):
    """The user switches a wireless headset on after login."""
    login = log_in_on(any_server)
    login("autostart", "enable")
    any_server.add_device(HEADSET)
    login.log_in()
    login.wait_for(state="off")
    login("output", "headset")
    login.log_out()
    any_server.remove_device("headset")

    login.log_in()
    assert login.wait_for(state="off")["output"]["name"] == "speakers"
    any_server.add_device(HEADSET)

    wait_until(lambda: login.wait_for()["output"]["name"] == "headset", "the headset is used")


def test_a_second_start_points_to_the_first(any_server, log_in_on):
    login = log_in_on(any_server)
    login("autostart", "enable")
    login.log_in()
    login.wait_for(state="off")
    first = login.processes()

    done = login.command()

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Entrain is already running. It is off; sound goes to ")
    assert done.stdout.count("\n") == 1
    assert login.processes() == first


def test_the_icon_comes_too(any_server, desk: Desk):
    skip_without_programs("dex")
    login = Login({**desk.environment, **any_server.environment})
    try:
        login("autostart", "enable")
        login.log_in()
        desk.item()
        login.wait_for(state="off")
    finally:
        login.close()
    wait_until(lambda: not desk.items(), "no icon")
