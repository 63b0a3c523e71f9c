"""Says how to install what `verify` alone needs."""

from collections.abc import Iterator
from contextlib import contextmanager

from entrain.errors import EntrainError
from entrain.platform.installation_kind import how_to_add


@contextmanager
def verify_installed() -> Iterator[None]:
    """Explain how to install scipy and matplotlib, if an import in the block misses them."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("scipy", "matplotlib"):
            raise
        how = how_to_add(("scipy", "matplotlib"))
        raise EntrainError(f"`entrain verify` needs two more packages; {how}") from error
