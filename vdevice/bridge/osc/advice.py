"""Says what the sender of a wrong address may have meant, or why there is nothing at it now."""

from collections.abc import Collection

from entrain.vdevice.bridge.app_mirror import AppMirror
from entrain.vdevice.bridge.osc.patterns import is_pattern
from entrain.vdevice.bridge.osc.tree import MEASURED, ROOT, values
from entrain.vdevice.bridge.osc.words import WORDS, measured

_BEGIN = f"/{ROOT}/"
_ALIKE = 0.7
"""Share of characters from which on a wrong address may mean another one."""
_MAX_ALIKE_CHARS = 100
"""Longest address that others are compared with, since that takes time."""
_MOST_NAMES = 5
NOTHING_MEASURED = "there are no measurements now"
_COMMANDS = {
    "off": "on 0",
    "faster": "rate 1",
    "slower": "rate -1",
    "stronger": "level 1",
    "weaker": "level -1",
}
"""Commands of `entrain` that OSC has at another address, and the message there."""


def advice(mirror: AppMirror, address: str) -> str:
    """Return what to do about an address at which there is nothing; may be empty.

    Takes about a millisecond.
    """
    if is_pattern(address) or len(address) > _MAX_ALIKE_CHARS:
        return ""
    stripped = address.rstrip("/")
    layer, _, symbol = stripped.removeprefix(_BEGIN).partition("/")
    is_ours = stripped.startswith(_BEGIN)
    is_there = stripped == f"/{ROOT}" or (is_ours and _is_there(mirror, layer, symbol))
    if is_there and stripped != address:
        return f"did you mean {stripped}?"
    if is_ours:
        if not symbol and layer in _COMMANDS:
            return f"did you mean {_BEGIN}{_COMMANDS[layer]}?"
        if layer == "space" and mirror.status["space"]["mode"] == "off":
            return "the space is off"
        if layer == MEASURED and not measured(mirror.status):
            return NOTHING_MEASURED
    if near := _nearest(mirror, address):
        return f"did you mean {near}?"
    return _present(mirror, layer, symbol) if is_ours else ""


def _is_there(mirror: AppMirror, layer: str, symbol: str) -> bool:
    path = f"{layer}/{symbol}" if symbol else layer
    return path in values(mirror) or path in WORDS or path in mirror.layers


def _nearest(mirror: AppMirror, address: str) -> str:
    """Return the address that is most like a wrong one, or "" if none is."""
    import difflib  # few users mistype an address, and each bridge would keep it in memory

    names = [*values(mirror), *(word for word in WORDS if not WORDS[word].value), "xmit", "json"]
    # Where the begin is right, it would make all addresses alike.
    known = names if address.startswith(_BEGIN) else [_BEGIN + name for name in names]
    found = difflib.get_close_matches(address.removeprefix(_BEGIN), known, 1, _ALIKE)
    return _BEGIN + found[0].removeprefix(_BEGIN) if found else ""


def _present(mirror: AppMirror, layer: str, symbol: str) -> str:
    """Return which layers or parameters there are instead; may be empty."""
    if layer in mirror.layers:
        return f"{layer} has {_listed(mirror.layers[layer])}"
    if not symbol or layer in WORDS:
        return ""
    protocol = mirror.status["protocol"]
    if protocol is None:
        return "no protocol is in use"
    return f"the layers now: {_listed([each['id'] for each in protocol['layers']])}"


def _listed(names: Collection[str]) -> str:
    """Return a few names, and how many more there are."""
    more = len(names) - _MOST_NAMES
    return ", ".join(list(names)[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
