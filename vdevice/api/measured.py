"""Measures Entrain's own output, to prove that it has the promised effect.

It measures only on request, and at most twice a second.
"""

import time
from collections.abc import Iterable

from entrain.block import AMOUNT
from entrain.engine import Engine, blocks
from entrain.errors import EngineError
from entrain.readings import Measurement, Promise
from entrain.vdevice.api.messages import Interaural, Measured, Modulation, Tones
from entrain.vdevice.protocol.model import Layer

INTERVAL_S = 0.5
_LEAST_HZ = 10.0  # the engine does not measure lower tones
_MOST_OF_RATE = 0.45  # higher tones fade out


class SelfMeasurement:
    """Measures whether the output has the effects that its layers promise.

    Called on the main thread only.

    Parameters
    ----------
    engine : Engine
        Its output is measured.

    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._at_s = float("-inf")
        self._promise = Promise()
        self._measured: Measured | None = None

    def look(self, layers: Iterable[tuple[Layer, int]]) -> Measured | None:
        """Measure the effects that these layers promise.

        Parameters
        ----------
        layers : iterable of (Layer, int)
            The running layers, with their numbers in the engine.

        Returns
        -------
        Measured or None
            None if there is nothing to measure.

        """
        promise = self._promised(layers)
        now_s = time.monotonic()
        if promise == self._promise and now_s - self._at_s < INTERVAL_S:
            return self._measured
        self._at_s, self._promise = now_s, promise
        try:
            found = self._engine.measure(promise) if promise != Promise() else None
        except EngineError:  # too little sound has been played yet
            found = None
        self._measured = _reported(promise, found, self._engine.rate_hz) if found else None
        return self._measured

    def _promised(self, layers: Iterable[tuple[Layer, int]]) -> Promise:
        """Return the promise of the first layer of each kind, at its present values."""
        tone_hz, modulation_hz, corner_hz, interaural_hz = (0.0, 0.0), 0.0, 0.0, 0.0
        for layer, number in layers:
            block = blocks()[layer.kind]

            def now(symbol: str, number: int = number) -> float:
                return self._engine.parameter(number, symbol, target=False)

            if now(AMOUNT.symbol) == 0.0:
                continue
            if block.promise == "tones" and tone_hz == (0.0, 0.0):
                half_hz = block.in_hz(now(block.rate)) / 2
                tone_hz = (now(block.carrier) + half_hz, now(block.carrier) - half_hz)
            elif block.promise == "modulation" and not modulation_hz:
                modulation_hz = block.in_hz(now(block.rate))
                corner_hz = now(block.corner) if block.corner else 0.0
            elif block.promise == "interaural" and not interaural_hz:
                interaural_hz = block.in_hz(now(block.rate))
        return Promise(tone_hz, modulation_hz, corner_hz, interaural_hz)


def _reported(promise: Promise, found: Measurement, rate_hz: int) -> Measured:
    tones = modulation = interaural = None
    parts = []
    if all(found.tone_hz):
        tones = Tones(
            left_hz=found.tone_hz[0],
            right_hz=found.tone_hz[1],
            left_db=found.tone_db[0],
            right_db=found.tone_db[1],
            beat_hz=found.beat_hz,
            beat_error_hz=found.beat_error_hz,
        )
        left_hz, right_hz = found.tone_hz
        beat = _exact(found.beat_hz, found.beat_error_hz)
        parts.append(f"{beat} Hz between {left_hz:.2f} Hz (left) and {right_hz:.2f} Hz (right)")
    elif max(promise.tone_hz) > _MOST_OF_RATE * rate_hz:
        highest_hz = max(promise.tone_hz)
        parts.append(
            f"no tones: {highest_hz:.0f} Hz is too high for {rate_hz} Hz, the rate of the device"
        )
    elif promise.tone_hz != (0.0, 0.0) and min(map(abs, promise.tone_hz)) < _LEAST_HZ:
        parts.append(f"tones below {_LEAST_HZ:.0f} Hz, which are not measured")
    elif promise.tone_hz != (0.0, 0.0):
        parts.append("no tones")
    if found.modulation_hz:
        index = sum(found.index) / 2
        modulation = Modulation(
            rate_hz=found.modulation_hz,
            left_index=found.index[0],
            right_index=found.index[1],
            floor=max(found.index_floor),
        )
        parts.append(f"{found.modulation_hz:.2f} Hz swelling, index {index:.2f}")
    if found.interaural_hz:
        interaural = Interaural(hz=found.interaural_hz, coherence=found.coherence)
        turns = abs(found.interaural_hz)
        parts.append(f"the music turns {turns:.2f} times a second between the ears")
    return Measured(
        text="; ".join(parts), tones=tones, modulation=modulation, interaural=interaural
    )


def _exact(value: float, error: float) -> str:
    """Format a value with as many decimals as are certain."""
    return f"{value:.3f}" if error < 0.002 else f"{value:.2f}" if error < 0.02 else f"{value:.1f}"
