"""All that `get` and feedback can show, by the address without its root."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from entrain.vdevice.bridge.app_mirror import AppMirror, Parameter
from entrain.vdevice.bridge.osc.patterns import is_pattern, matcher
from entrain.vdevice.bridge.osc.words import WORDS, levels, measured, rate_hz
from entrain.vdevice.bridge.osc.writer import Argument

ROOT = "entrain"
MEASURED, LEVELS = "measured", "levels"
_ALIKE = 0.7
"""Share of characters from which on a wrong address may mean another one."""
_MAX_ALIKE_CHARS = 100
"""Longest address that others are compared with, since that takes time."""

Values = Mapping[str, tuple[Argument, ...]]
"""Values by address without its root, such as `tone/beat_hz`; behind a value is its range."""


def values(mirror: AppMirror) -> Values:
    """Return all values that there are now."""
    found: dict[str, tuple[Argument, ...]] = {}
    for name, word in WORDS.items():
        if word.value:
            found[name] = word.value(mirror.status)
    found["rate_now"] = (rate_hz(mirror.status),)
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


def nearest(mirror: AppMirror, address: str) -> str:
    """Return the address that is most like a wrong one, or "" if none is.

    Takes about a millisecond.
    """
    if is_pattern(address) or len(address) > _MAX_ALIKE_CHARS:
        return ""
    import difflib  # few users mistype an address, and each bridge would keep it in memory

    names = [*values(mirror), *(word for word in WORDS if not WORDS[word].value), "xmit", "json"]
    begin = f"/{ROOT}/"
    # Where the begin is right, it would make all addresses alike.
    known = names if address.startswith(begin) else [begin + name for name in names]
    found = difflib.get_close_matches(address.removeprefix(begin), known, 1, _ALIKE)
    return begin + found[0].removeprefix(begin) if found else ""


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
