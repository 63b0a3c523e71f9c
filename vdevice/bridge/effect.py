"""Says what a request to the app does, for the monitors of OSC and MIDI.  Pure."""

from collections.abc import Mapping

_MOST_CHARS = 100
"""Most characters of a protocol's name, which may be a long SPEC."""
_PLAIN = {
    "on": "switches Entrain on",
    "off": "switches Entrain off",
    "next": "uses the next protocol",
    "undo": "undoes the last change",
    "redo": "makes the undone change again",
}
_BYPASS = {None: "toggles bypass", True: "switches bypass on", False: "switches bypass off"}
_STEPS = {
    "rate_steps": ("rate", "faster", "slower"),
    "level_steps": ("level", "stronger", "weaker"),
}


def effect_of(request: Mapping[str, object]) -> str:
    """Return the effect of a request in plain words, such as "toggles bypass".

    Parameters
    ----------
    request : mapping
        Its `command` and its fields: any request that an OSC message or a MIDI control can cause.

    """
    match request:
        case {"command": "bypass", "on": bool() as on}:
            return _BYPASS[on]
        case {"command": "bypass"}:
            return _BYPASS[None]
        case {"command": "use", "protocol": protocol}:
            return f"uses {str(protocol)[:_MOST_CHARS]}"
        case {"command": "sleep", "minutes": None}:
            return "cancels the sleep timer"
        case {"command": "sleep", "minutes": minutes}:
            return f"sets the sleep timer to {minutes:g} min"
        case {"command": "session", "position_s": position_s}:
            return f"moves the session to {position_s:g} s"
        case {"command": "adjust"}:
            return ", ".join(_steps(name, request[name]) for name in _STEPS if name in request)
    command = str(request["command"])
    return _PLAIN.get(command, f"asks for {command}")


def _steps(name: str, steps: object) -> str:
    assert isinstance(steps, int)
    what, more, less = _STEPS[name]
    count = abs(steps)
    return f"{what}: {count} step{'' if count == 1 else 's'} {more if steps > 0 else less}"
