"""Says how to install what `verify` alone needs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from entrain.errors import EntrainError


@contextmanager
def verify_installed() -> Iterator[None]:
    """Explain how to install scipy and matplotlib, if an import in the block misses them."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("scipy", "matplotlib"):
            raise
        raise EntrainError(
            "`entrain verify` needs two more packages; install them with "
            f"`{sys.executable} -m pip install scipy matplotlib`"
        ) from error
