"""What a test cannot do without."""

import os
import shutil
from collections.abc import Sequence

import pytest


def skip_without(missing: Sequence[str]) -> None:
    """Skip the test where these packages are missing.

    In CI they must be there: the test goes on, and fails.
    """
    if missing and os.environ.get("CI") != "true":
        pytest.skip(f"not installed: {' '.join(missing)}")


def skip_without_programs(*names: str) -> None:
    """Skip the test where one of these programs is missing; as `skip_without`."""
    skip_without([name for name in names if not shutil.which(name)])
