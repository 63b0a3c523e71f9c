"""Packages and programs that a test needs."""

import os
import shutil
from collections.abc import Sequence

import pytest


def skip(reason: str) -> None:
    """Skip the test because this machine lacks something that could be installed.

    In CI the test goes on, and fails: a CI machine must have everything.
    """
    if os.environ.get("CI") != "true":
        pytest.skip(reason)


def skip_without(missing: Sequence[str]) -> None:
    """Skip the test, as `skip` does, if packages are missing."""
    if missing:
        skip(f"not installed: {' '.join(missing)}")


def skip_without_programs(*names: str) -> None:
    """Skip the test, as `skip` does, if one of these programs is missing."""
    skip_without([name for name in names if not shutil.which(name)])
