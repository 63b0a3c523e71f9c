"""What takes the place of a layer that needs one ear per channel."""

from collections.abc import Sequence
from dataclasses import replace

from entrain.vdevice.protocol.model import Automation, Layer

DICHOTIC = {"binaural": "monaural", "harmonics": "monaural", "phasemod": "am", "selfbinaural": "am"}
"""Kinds that do nothing, or something else, where both ears hear both channels; and what gives
the same rate there."""

RATES = {
    "am": "rate_hz",
    "binaural": "beat_hz",
    "harmonics": "beat_hz",
    "isochronic": "rate_hz",
    "monaural": "beat_hz",
    "phasemod": "rate_hz",
    "selfbinaural": "beat_hz",
}
"""The rate of what can stand for another, by kind."""
_INITIAL_HZ = 10.0
_AM_DEPTH = 0.3
"""Subtle; in mono a self-binaural beat would swell and fade by much more."""


def need_headphones(layers: Sequence[Layer]) -> bool:
    """Tell whether one of them does."""
    return any(layer.kind in DICHOTIC for layer in layers)


def for_speakers(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Replace those that need headphones; the others stay as they are."""
    return tuple(_for_speakers(layer) for layer in layers)


def same_value(layer: Layer, twin: Layer, symbol: str, value: float) -> tuple[str, float] | None:
    """Tell what is to be set of a layer's twin where a value of the layer is set.

    Parameters
    ----------
    layer, twin : Layer
        What is heard with headphones and what is heard without, or the other way round.
    symbol : str
        Of a parameter of the layer.
    value : float
        The new one.

    Returns
    -------
    tuple of str and float, or None
        Parameter and value of the twin; None where it has no such thing.

    """
    alike = {kind for kind, other in DICHOTIC.items() if other == "monaural"} | {"monaural"}
    if layer.kind == twin.kind or {layer.kind, twin.kind} <= alike:
        return symbol, value
    if symbol == RATES.get(layer.kind) and (rate := RATES.get(twin.kind)):
        return rate, _am_rate(value)
    return None


def _for_speakers(layer: Layer) -> Layer:
    kind = DICHOTIC.get(layer.kind)
    if kind is None:
        return layer
    if kind == "monaural":  # has the same parameters, in wider ranges
        return layer.model_copy(update={"kind": kind})
    rate = RATES[layer.kind]
    params = {"depth": _AM_DEPTH, "rate_hz": _am_rate(layer.params.get(rate, _INITIAL_HZ))}
    automation = {}
    if rate in layer.automation:
        moving = layer.automation[rate]
        points = tuple(replace(p, value=_am_rate(p.value)) for p in moving.points)
        automation["rate_hz"] = Automation(points=points, loop_s=moving.loop_s)
    return layer.model_copy(update={"kind": kind, "params": params, "automation": automation})


def _am_rate(hz: float) -> float:
    return max(abs(hz), 0.05)
