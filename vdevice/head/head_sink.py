"""The receiver of the head's pose: the engine."""

from typing import Protocol

from entrain.engine import Engine
from entrain.vdevice.rotation import Angles, Rotation, angles_of, inverse


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


class EngineHead:
    """Turns the head of an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def turn_head(self, w: float, x: float, y: float, z: float) -> None:
        """Turn the head; one thread at a time."""
        self._engine.turn_head((w, x, y, z))

    @property
    def angles(self) -> Angles:
        """How the head is turned, as the ears have it now."""
        return angles_of(inverse(Rotation(*self._engine.space().turn)))
