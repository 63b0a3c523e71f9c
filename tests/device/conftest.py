"""Each test gets its own sound server and folders.  The user's own are not touched."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lab_servers import LabPipeWire, LabPulse, LabServer
from needs import skip_without, skip_without_programs
from running_device import Desktop

from entrain.platform.sandbox import VirtualDevice

if TYPE_CHECKING:
    from midi_desk import JackServer, Knobs

SPEAKERS = VirtualDevice("speakers", "Speakers", 1000)
HEADPHONES = VirtualDevice("headphones", "Headphones", 900)

SANDBOXES: dict[str, type[LabServer]] = {"pipewire": LabPipeWire, "pulse": LabPulse}

Start = Callable[[type[LabServer]], LabServer]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and let the longest tests begin first.

    Each test has its own server, so all tests can run in parallel.  A long test that began last
    would keep one process busy while the others are idle.
    """
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("device")
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder for one test.  Its path is short, because a socket's path must be."""
    folder = Path(tempfile.mkdtemp(prefix="home-", dir="/tmp"))
    for variable in ("RUNTIME_DIR", "STATE_HOME", "CONFIG_HOME", "CACHE_HOME", "DATA_HOME"):
        place = folder / variable.split("_")[0].lower()
        place.mkdir(mode=0o700)
        monkeypatch.setenv(f"XDG_{variable}", str(place))
    monkeypatch.setenv("HOME", str(folder))
    for variable in (
        "PULSE_SERVER",
        "PULSE_RUNTIME_PATH",
        "PIPEWIRE_RUNTIME_DIR",
        "DBUS_SESSION_BUS_ADDRESS",
    ):
        monkeypatch.delenv(variable, raising=False)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def jack(home: Path, monkeypatch: pytest.MonkeyPatch) -> "Iterator[JackServer]":
    """A private JACK server, which Entrain and this test use."""
    from midi_desk import JackServer

    skip_without_programs("jackd")
    server = JackServer(home)
    monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    with server:
        yield server


@pytest.fixture
def knobs(jack: "JackServer") -> "Iterator[Knobs]":
    """A MIDI device at that server."""
    from midi_desk import Knobs

    found = Knobs()
    yield found
    with contextlib.suppress(Exception):  # a test may have ended the server
        found.unplug()


def is_installed(sandbox: type[LabServer]) -> bool:
    """Tell whether a server can be tested here.  In CI, both servers must be."""
    return not sandbox.missing_packages() or os.environ.get("CI") == "true"


def skip_unless_installed(sandbox: type[LabServer]) -> None:
    """Skip the test if a server's programs are missing."""
    skip_without(sandbox.missing_packages())


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[Start]:
    """Start a private sound server with two devices; this test's programs connect to it."""
    with ExitStack() as stack:

        def start(sandbox: type[LabServer]) -> LabServer:
            skip_unless_installed(sandbox)
            server = stack.enter_context(sandbox((SPEAKERS, HEADPHONES)))
            stack.callback(lambda: _last_words(server))
            for name, value in server.environment.items():
                monkeypatch.setenv(name, value)
            return server

        yield start


def _last_words(server: LabServer) -> None:
    """Print the server's log, which pytest shows if the test has failed."""
    if server.folder.exists():
        print(server.log[-4000:], server.ended or "")


def replace_session_manager(server: LabPipeWire) -> float:
    """Kill the session manager and start another one.  Real devices vanish and return with it.

    Returns the time of the new start, by `time.monotonic`.
    """
    server.kill_session_manager()
    for device in (SPEAKERS, HEADPHONES):
        server.remove_device(device.name)
    began_s = time.monotonic()
    server.start_session_manager(wait=False)
    for device in (SPEAKERS, HEADPHONES):
        server.add_device(device)
    return began_s


@pytest.fixture(params=SANDBOXES)
def server(request: pytest.FixtureRequest, start: Start) -> LabServer:
    """Each of the sound servers in turn."""
    return start(SANDBOXES[request.param])


@pytest.fixture
def desktop(server: LabServer) -> Iterator[Desktop]:
    """A user of that server, who chooses outputs and moves apps."""
    desktop = Desktop(server)
    yield desktop
    desktop.close()


@pytest.fixture
def any_server(start: Start) -> LabServer:
    """The quicker installed server, for behaviour that does not depend on the server."""
    return start(LabPulse if is_installed(LabPulse) else LabPipeWire)


@pytest.fixture
def pipewire_server(start: Start) -> LabServer:
    """PipeWire, for features that only PipeWire has."""
    return start(LabPipeWire)


@pytest.fixture
def pulse_server(start: Start) -> LabServer:
    """PulseAudio, for features that only PulseAudio has."""
    return start(LabPulse)
