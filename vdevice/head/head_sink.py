"""The receiver of the head's pose: the engine."""

from typing import Protocol

from entrain.engine import Engine
from entrain.vdevice.rotation import Angles, Rotation, angles_of, inverse


class HeadSink(Protocol):
    """Hears how the head is turned."""

    def turn_head(self, w: float, x: float, y: float, z: float) -> None:
        """Turn the head: a unit quaternion from the room to the head, x front, y left, z up."""


class EngineHead:
    """Turns the head of an engine.

    The engine's turn takes a direction in the room to the same direction as the head sees it, which
    is the inverse of the turn that takes the room's axes to the head's.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def turn_head(self, w: float, x: float, y: float, z: float) -> None:
        """Turn the head; one thread at a time."""
        self._engine.turn_head(inverse(Rotation(w, x, y, z)))

    @property
    def angles(self) -> Angles:
        """How the head is turned, as the ears have it now."""
        return angles_of(inverse(Rotation(*self._engine.space().turn)))
