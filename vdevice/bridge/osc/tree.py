"""All that `get` and feedback can show, by the address without its root."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from entrain.vdevice.bridge.app_mirror import AppMirror, Parameter
from entrain.vdevice.bridge.osc.patterns import is_pattern, matcher
from entrain.vdevice.bridge.osc.words import RATE_NOW, WORDS, levels, measured, rate_hz
from entrain.vdevice.bridge.osc.writer import Argument

ROOT = "entrain"
MEASURED, LEVELS = "measured", "levels"

Values = Mapping[str, tuple[Argument, ...]]
"""Values by address without its root, such as `tone/beat_hz`; behind a value is its range."""


def values(mirror: AppMirror) -> Values:
    """Return all values that there are now."""
    found: dict[str, tuple[Argument, ...]] = {}
    for name, word in WORDS.items():
        if word.value:
            found[name] = word.value(mirror.status)
    found[RATE_NOW] = (rate_hz(mirror.status),)
    for layer, parameters in mirror.layers.items():
        for symbol, each in parameters.items():
            value = mirror.present(layer, symbol)
            found[f"{layer}/{symbol}"] = (value, float(each.minimum), float(each.maximum))
    for name, value in measured(mirror.status).items():
        found[f"{MEASURED}/{name}"] = (value,)
    for name, value in levels(mirror.status).items():
        found[f"{LEVELS}/{name}"] = (value,)
    return found


def below(known: Values, parts: Sequence[str]) -> Iterator[str]:
    """Yield the addresses that begin with these parts, which may be patterns."""
    tests = [_test(part) for part in parts]
    for path in known:
        names = path.split("/")
        if len(names) >= len(tests) and all(
            test(name) for test, name in zip(tests, names, strict=False)
        ):
            yield path


def parameters(
    mirror: AppMirror, layer_part: str, symbol_part: str
) -> Iterator[tuple[str, Parameter]]:
    """Yield the parameters at an address whose parts may be patterns, with their layers."""
    if not is_pattern(layer_part) and not is_pattern(symbol_part):
        if found := mirror.layers.get(layer_part, {}).get(symbol_part):
            yield layer_part, found
        return
    is_layer, is_symbol = _test(layer_part), _test(symbol_part)
    for layer, known in mirror.layers.items():
        if is_layer(layer):
            yield from ((layer, each) for symbol, each in known.items() if is_symbol(symbol))


def _test(part: str) -> Callable[[str], object]:
    return matcher(part) if is_pattern(part) else part.__eq__


def described(mirror: AppMirror, host: str, port: int) -> str:
    """Return all parameters as FAUST describes its own, in JSON."""
    groups: list[Any] = [
        {
            "type": "vgroup",
            "label": layer,
            "items": [_slider(layer, each) for each in known.values()],
        }
        for layer, known in mirror.layers.items()
    ]
    root = {"type": "vgroup", "label": ROOT, "items": groups}
    return json.dumps({"name": ROOT, "address": host, "port": port, "ui": [root]})


def _slider(layer: str, each: Parameter) -> dict[str, Any]:
    return {
        "type": "hslider",
        "label": each.name,
        "address": f"/{ROOT}/{layer}/{each.symbol}",
        "meta": [{"unit": each.unit}, {"scale": each.scale}],
        "init": each.initial,
        "min": each.minimum,
        "max": each.maximum,
        "step": each.step,
    }
