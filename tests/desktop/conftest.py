"""Every test here gets a desktop of its own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("desktop")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desktop with a panel; icons of this process find it."""
    missing = Desk.missing_packages()
    if missing and os.environ.get("CI") != "true":
        pytest.skip(f"not installed: {' '.join(missing)}")
    with Desk() as desk:
        for name in ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "XDG_RUNTIME_DIR"):
            monkeypatch.setenv(name, desk.environment[name])
        yield desk
