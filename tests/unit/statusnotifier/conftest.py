"""A private session bus for the tests in this folder that ask for one."""

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from icon_menu import RED, MenuState
from needs import skip_without_programs
from session_bus import PrivateBus
from tray_client import StubTray

from entrain.tray.statusnotifier.icon import Icon


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Remove bus and display; make a runtime folder whose name is short enough for a socket."""
    for variable in ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "PYSTRAY_BACKEND"):
        monkeypatch.delenv(variable, raising=False)
    folder = Path(tempfile.mkdtemp(prefix="bus-", dir="/tmp"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def bus(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateBus]:
    """Start a session bus, which programs of this test find."""
    skip_without_programs("dbus-daemon")
    bus = PrivateBus(home)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
    yield bus
    bus.stop()


@pytest.fixture
def tray(bus: PrivateBus) -> Iterator[StubTray]:
    """Make a tray that accepts icons."""
    with StubTray(bus.address) as tray:
        yield tray


Run = Callable[..., Icon]


@pytest.fixture
def run() -> Iterator[Run]:
    """Run an icon on a thread until the test ends."""
    with ExitStack() as stack:

        def run(icon: Icon, setup: Callable[[Any], object] | None = None) -> Icon:
            thread = threading.Thread(target=icon.run, args=(setup,))
            thread.start()
            stack.callback(thread.join, 10)
            stack.callback(icon.stop)
            icon.thread = thread
            return icon

        yield run


@pytest.fixture
def state() -> MenuState:
    return MenuState()


@pytest.fixture
def icon(run, state) -> Icon:
    return run(Icon("entrain", RED, "Entrain: idle", state.menu()))


@pytest.fixture
def item(tray, icon):
    return tray.item()
