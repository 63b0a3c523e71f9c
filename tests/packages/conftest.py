"""The packages that `make packages` and `make deb` have put into dist/."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"


def the_one(pattern: str) -> Path:
    """Return the only file in dist/ with such a name; skip the test unless packages are tested."""
    if "ENTRAIN_PACKAGES" not in os.environ:
        pytest.skip("make test-packages runs it")
    (found,) = DIST.glob(pattern)
    return found


@pytest.fixture(scope="session")
def wheel() -> Path:
    return the_one("entrain-*.whl")


@pytest.fixture(scope="session")
def source() -> Path:
    return the_one("entrain-*.tar.gz")


@pytest.fixture(scope="session")
def deb() -> Path:
    return the_one("entrain_*.deb")
