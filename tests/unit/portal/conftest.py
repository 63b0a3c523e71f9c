"""A private session bus, and an app at its portal."""

import queue
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from needs import skip_without_programs
from portal_double import PortalDouble
from session_bus import PATIENCE_S, PrivateBus, wait_until

from entrain.tray.portal import binding, service, status_line
from entrain.tray.portal.service import PortalService
from entrain.tray.portal.shortcuts import Report, Shortcut

SHORTCUTS = (Shortcut("bypass", "Hear the difference", "LOGO+ALT+b"), Shortcut("undo", "Undo"))


class Asking:
    """An app that asks for shortcuts, its reports and the pressed keys."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.pressed: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.service = PortalService(SHORTCUTS, self.pressed.put, self.reports.append)

    def wait_for(self, state: str, times: int = 1) -> Report:
        """Wait until this state has been reported so often; return the last such report."""

        def found() -> list[Report]:
            return [report for report in self.reports if report.state == state]

        wait_until(lambda: len(found()) >= times, f"{times} × {state}")
        return found()[-1]

    def next_pressed(self) -> str:
        return self.pressed.get(timeout=PATIENCE_S)


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateBus]:
    """Start a session bus that starts no services."""
    skip_without_programs("dbus-daemon")
    folder = Path(tempfile.mkdtemp(prefix="bus-", dir="/tmp"))
    bus = PrivateBus(folder, starts_services=False)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
    yield bus
    bus.stop()
    shutil.rmtree(folder)


@pytest.fixture
def portal(bus: PrivateBus) -> Iterator[PortalDouble]:
    with PortalDouble(bus.address) as portal:
        yield portal


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asking]:
    """Return an app, not started yet, whose pauses are short."""
    monkeypatch.setattr(binding, "FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(binding, "LONGEST_PAUSE_S", 0.1)
    monkeypatch.setattr(service, "FIRST_RETRY_S", 0.05)
    monkeypatch.setattr(status_line, "INTERVAL_S", 0.05)
    asking = Asking()
    yield asking
    asking.service.stop()
