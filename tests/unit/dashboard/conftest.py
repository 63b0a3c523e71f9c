"""A made-up Entrain with a dashboard before it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dashboard_lab import MadeUpEntrain, Served


@pytest.fixture
def app(tmp_path: Path) -> Iterator[MadeUpEntrain]:
    """Listen at a control socket."""
    app = MadeUpEntrain(tmp_path / "entrain" / "control.sock")
    yield app
    app.close()


@pytest.fixture
def serve(tmp_path: Path, app: MadeUpEntrain) -> Iterator[Callable[..., Served]]:
    """Serve dashboards until the test is over."""
    made: list[Served] = []

    def start(**options: Any) -> Served:
        made.append(Served(tmp_path / "entrain", app.path, **options))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    """Serve one dashboard."""
    return serve()
