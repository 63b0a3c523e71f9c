"""The interface of a part of the bridge."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

Report = Callable[[Mapping[str, object]], None]
"""Reports on one part; a report equal to the last one is left out."""


class Part(Protocol):
    """A running part of the bridge."""

    def change(self, settings: Mapping[str, Any], report: Report) -> bool:
        """Take other settings without an interruption; False: they need a new start."""

    def close(self) -> None:
        """End it at once.  Idempotent."""
