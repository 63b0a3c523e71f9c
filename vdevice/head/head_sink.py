"""The receiver of the head's pose: the engine, or a stand-in that ignores it."""

from typing import Protocol


class HeadSink(Protocol):
    """Hears how the head is turned."""

    def turn_head(self, w: float, x: float, y: float, z: float) -> None:
        """Turn the head: a unit quaternion from the room to the head, x front, y left, z up."""


class IgnoredHead:
    """Does nothing: for an engine that has no head to turn."""

    def turn_head(self, w: float, x: float, y: float, z: float) -> None:
        """Ignore the pose."""
