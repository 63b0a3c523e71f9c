"""The interface of a part of the bridge."""

from collections.abc import Callable, Mapping
from typing import Protocol

Report = Callable[[Mapping[str, object]], None]
"""Reports on one part; a report equal to the last one is left out."""


class Part(Protocol):
    """A running part of the bridge."""

    def close(self) -> None:
        """End it at once.  Idempotent."""
