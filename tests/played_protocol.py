"""A player with its engine, and the level of its output."""

import numpy as np

from entrain.engine import Engine
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.session.player import Player
from entrain.vdevice.session.session_log import Stretch

TONE = {"kind": "binaural", "id": "tone", "params": {"floor_db": -20, "ceiling_db": -20}}
MONAURAL = {"kind": "monaural", "id": "tone", "params": {"floor_db": -20, "ceiling_db": -20}}


def protocol(*layers: object, **fields: object) -> Protocol:
    whole = {"id": "x", "name": "X", "standalone": True, "layers": layers or (TONE,), **fields}
    return Protocol.model_validate(whole, strict=False)


class Heard:
    """A player and its engine."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.log: list[Stretch] = []
        self.player = Player(self.engine, self.log.append)

    def rms(self, seconds: float) -> float:
        """Process this time, and return the level of the last tenth of a second."""
        tail = np.zeros((2, 0))
        for _ in range(round(seconds * 10)):
            tail = self.engine.process(np.zeros((2, self.engine.rate_hz // 10), np.float32))
        return float(np.sqrt(np.mean(tail.astype(float) ** 2)))
