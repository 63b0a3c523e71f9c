"""A private desktop for each test in this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk
from needs import skip_without


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("desktop")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Start a desktop with a panel, which icons of this process find."""
    skip_without(Desk.missing_packages())
    with Desk() as desk:
        for name in ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "XDG_RUNTIME_DIR"):
            monkeypatch.setenv(name, desk.environment[name])
        yield desk
