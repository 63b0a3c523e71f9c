"""A cache of prepared heads for one test."""

from pathlib import Path

import pytest


@pytest.fixture
def cache_of_its_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep prepared heads in the test's own home folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
