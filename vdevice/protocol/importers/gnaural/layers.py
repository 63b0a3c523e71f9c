"""Makes layers from the sounds of a Gnaural schedule."""

import math
from collections.abc import Mapping

from entrain.block import Block
from entrain.vdevice.protocol.importers.gnaural.curves import Point
from entrain.vdevice.protocol.importers.gnaural.sound import Sound
from entrain.vdevice.protocol.importers.report import ImportRefused
from entrain.vdevice.protocol.model import Layer
from entrain.vdevice.protocol.parts.automation import Automation, Breakpoint

MAX_POINTS = 20_000
"""Limit for one parameter."""


class LayerBuilder:
    """Makes layers of sounds.  The sounds must outlive the builder."""

    def __init__(
        self, source: str, blocks: Mapping[str, Block], loop_s: float, quieter_db: float
    ) -> None:
        self._source, self._blocks = source, blocks
        self._loop_s, self._quieter_db = loop_s, quieter_db
        self._made: dict[int, Automation] = {}  # by id of the curve; layers may share curves

    def of(self, sounds: list[Sound]) -> tuple[Layer, ...]:
        result: list[Layer] = []
        kinds: list[str] = []
        for sound in sounds:
            kinds.append(sound.kind)
            count = kinds.count(sound.kind)
            result.append(self._layer(sound, sound.kind + (f"-{count}" if count > 1 else "")))
        return tuple(result)

    def _layer(self, sound: Sound, layer_id: str) -> Layer:
        most = max(value for _, value in sound.volume)
        level_db = 20 * math.log10(most * sound.rms) - self._quieter_db
        levels = self._blocks[sound.kind].parameters["floor_db"]
        level_db = round(levels.within(level_db), 2)
        params = {**sound.params, "floor_db": level_db, "ceiling_db": level_db}
        automation: dict[str, Automation] = {}
        for symbol, points in (sound.curves | {"amount": sound.volume}).items():
            unit = most if symbol == "amount" else 1.0
            if any(value != points[0][1] for _, value in points):
                automation[symbol] = self._automation(points, unit, sound.line)
            elif symbol != "amount":
                params[symbol] = points[0][1]
        return Layer(kind=sound.kind, id=layer_id, params=params, automation=automation)

    def _automation(self, points: list[Point], unit: float, line: int) -> Automation:
        if id(points) not in self._made:
            if len(points) > MAX_POINTS:
                raise ImportRefused(
                    f"{self._source}:{line}: the voice has more than {MAX_POINTS} breakpoints"
                )
            self._made[id(points)] = Automation(
                points=tuple(Breakpoint(at_s=at_s, value=round(v / unit, 6)) for at_s, v in points),
                loop_s=self._loop_s,
            )
        return self._made[id(points)]
