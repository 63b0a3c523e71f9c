"""A user with a sound server and a session bus, but without a display."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from desk import make_user
from lab_servers import LabPulse, LabServer
from listener import SPEAKERS
from needs import skip_without, skip_without_programs
from session_bus import PrivateBus


@contextmanager
def user() -> Iterator[tuple[LabServer, Path, dict[str, str]]]:
    """Make a user with a sound server, without a display, whose session bus has not started yet."""
    skip_without(LabPulse.missing_packages())
    skip_without_programs("dbus-daemon")
    with (
        tempfile.TemporaryDirectory(prefix="user-", dir="/tmp") as name,
        LabPulse((SPEAKERS,)) as server,
    ):
        folder = Path(name)
        address = f"unix:path={folder / 'bus'}"
        yield server, folder, make_user(folder) | {"DBUS_SESSION_BUS_ADDRESS": address}


@contextmanager
def running_bus(folder: Path, *, starts_services: bool = True) -> Iterator[PrivateBus]:
    bus = PrivateBus(folder, starts_services=starts_services)
    try:
        yield bus
    finally:
        bus.stop()
