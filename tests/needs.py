"""What a test cannot do without."""

import os
import shutil
from collections.abc import Sequence

import pytest


def skip(reason: str) -> None:
    """Skip the test for want of something that the machine could have.

    In CI it must have it: the test goes on, and fails.
    """
    if os.environ.get("CI") != "true":
        pytest.skip(reason)


def skip_without(missing: Sequence[str]) -> None:
    """`skip` the test where these packages are missing."""
    if missing:
        skip(f"not installed: {' '.join(missing)}")


def skip_without_programs(*names: str) -> None:
    """`skip` the test where one of these programs is missing."""
    skip_without([name for name in names if not shutil.which(name)])
