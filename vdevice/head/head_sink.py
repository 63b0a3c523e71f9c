"""The receiver of the head's pose: the engine, or a stand-in that ignores it."""

from typing import Protocol


class HeadSink(Protocol):
    """Hears how the head is turned."""

    def turn_head(self, w: float, x: float, y: float, z: float) -> None:
        """Turn the head.

        Parameters
        ----------
        w, x, y, z : float
            Unit quaternion of the rotation from the room to the head: it takes a direction in the
            room to the direction in which the head has it.  x is front, y left, z up.  A head that
            is turned 90 degrees to the left is (sqrt(1/2), 0, 0, -sqrt(1/2)).

        """


class IgnoredHead:
    """Does nothing: for an engine that has no head to turn."""

    def turn_head(self, w: float, x: float, y: float, z: float) -> None:
        """Ignore the pose."""
