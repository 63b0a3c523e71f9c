"""Every test here gets a sound server and folders of its own; the user's stay untouched."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrain.platform.sandbox import Sandbox, VirtualDevice

SPEAKERS = VirtualDevice("speakers", "Speakers", 1000)
HEADPHONES = VirtualDevice("headphones", "Headphones", 900)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("device")


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder for one test; short, since sockets' names must be."""
    folder = Path(tempfile.mkdtemp(prefix="home-", dir="/tmp"))
    for variable in ("RUNTIME_DIR", "STATE_HOME", "CONFIG_HOME", "CACHE_HOME", "DATA_HOME"):
        place = folder / variable.split("_")[0].lower()
        place.mkdir(mode=0o700)
        monkeypatch.setenv(f"XDG_{variable}", str(place))
    monkeypatch.setenv("HOME", str(folder))
    for variable in ("PULSE_SERVER", "PULSE_RUNTIME_PATH", "PIPEWIRE_RUNTIME_DIR"):
        monkeypatch.delenv(variable, raising=False)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[Sandbox]:
    """A private sound server with two devices; programs of this test reach it."""
    with Sandbox((SPEAKERS, HEADPHONES)) as sandbox:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        yield sandbox
