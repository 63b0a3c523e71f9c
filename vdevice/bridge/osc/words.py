"""Addresses of Entrain as a whole, such as `/entrain/bypass` and `/entrain/undo`.

Each is a word with one request to the app, and where it has a state, its value for answers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from entrain.vdevice.bridge.osc.writer import Argument
from entrain.vdevice.limits import MAX_SESSION_S, MAX_SLEEP_MINUTES, MAX_STEPS

Status = Mapping[str, Any]
Request = dict[str, object]
"""A request to the app: its `command` and its fields."""

RATE_NOW = "rate_now"
"""Address of `rate_hz`."""
SILENT_DB = -200.0
"""Level of silence in messages, which have no number for it."""


@dataclass(frozen=True)
class Word:
    """One address.

    Parameters
    ----------
    request : callable
        Returns the request for a finite number or a text, or for None where the message has no
        argument.  None: there is nothing to do.  Raises ValueError with the reason of a refusal.
    value : callable
        Returns the value in answers and feedback, with its range, if it has one.
    newest : bool
        Only the newest of several requests counts.
    changes_layers : bool
        The request may change which addresses there are.

    """

    request: Callable[[float | str | None], Request | None]
    value: Callable[[Status], tuple[Argument, ...]] | None = None
    newest: bool = False
    changes_layers: bool = False


def _number(argument: float | str | None) -> float:
    if argument is None or isinstance(argument, str):
        raise ValueError("it takes a number")
    return argument


def _text(argument: float | str | None) -> str:
    if not isinstance(argument, str):
        raise ValueError("it takes a text")
    return argument


def _pressed(command: str) -> Callable[[float | str | None], Request | None]:
    """Make a request when a button is pressed, and none when it is released."""

    def request(argument: float | str | None) -> Request | None:
        if isinstance(argument, str):
            raise ValueError("it takes no text")
        return {"command": command} if argument is None or argument >= 0.5 else None

    return request


def _switched(argument: float | str | None) -> Request:
    on = True if argument is None else _number(argument) >= 0.5
    return {"command": "on" if on else "off"}


def _bypassed(argument: float | str | None) -> Request:
    on = None if argument is None else _number(argument) >= 0.5
    return {"command": "bypass", "on": on}


def _slept(argument: float | str | None) -> Request:
    minutes = min(_number(argument), MAX_SLEEP_MINUTES)
    return {"command": "sleep", "minutes": minutes if minutes > 0 else None}


def _stepped(field: str) -> Callable[[float | str | None], Request | None]:
    def request(argument: float | str | None) -> Request | None:
        steps = round(min(max(_number(argument), -MAX_STEPS), MAX_STEPS))
        return {"command": "adjust", field: steps} if steps else None

    return request


def _moved(argument: float | str | None) -> Request:
    position_s = min(max(_number(argument), 0.0), MAX_SESSION_S)
    return {"command": "session", "position_s": position_s}


def rate_hz(status: Status) -> float:
    """Return the protocol's rate in Hz, or 0.  It has an address that cannot be set.

    At the address of the steps, a program that sends back what it gets would step on and on.
    """
    protocol = status["protocol"] or {}
    return float(protocol.get("rate_hz") or 0.0)


WORDS: Mapping[str, Word] = {
    "bypass": Word(_bypassed, lambda status: (int(status["bypass"]), 0, 1)),
    "on": Word(_switched, lambda status: (int(status["on"]), 0, 1)),
    "use": Word(
        lambda argument: {"command": "use", "protocol": _text(argument)},
        lambda status: ((status["protocol"] or {}).get("id", ""),),
        changes_layers=True,
    ),
    "next": Word(_pressed("next"), changes_layers=True),
    "sleep": Word(
        _slept,
        lambda status: ((status["sleep_left_s"] or 0.0) / 60, 0.0, MAX_SLEEP_MINUTES),
        newest=True,
    ),
    "rate": Word(_stepped("rate_steps")),
    "level": Word(_stepped("level_steps")),
    "position": Word(
        _moved,
        lambda status: (status["position"]["elapsed_s"], 0.0, MAX_SESSION_S),
        newest=True,
    ),
    "undo": Word(_pressed("undo"), lambda status: (status["undo_text"],), changes_layers=True),
    "redo": Word(_pressed("redo"), lambda status: (status["redo_text"],), changes_layers=True),
}
"""By the part after `/entrain/`."""


def measured(status: Status) -> dict[str, float]:
    """Return the measurements that there are now, by the part after `/entrain/measured/`."""
    groups = (each for each in (status.get("measured") or {}).values() if isinstance(each, dict))
    return {name: float(value) for group in groups for name, value in group.items()}


def levels(status: Status) -> dict[str, float]:
    """Return the meters, by the part after `/entrain/levels/`."""
    found: dict[str, float] = {}
    for name, value in (status.get("levels") or {}).items():
        if isinstance(value, list):
            for ear, each in zip(("left", "right"), value, strict=True):
                found[f"{name.removesuffix('_db')}_{ear}_db"] = _level(each)
        else:
            found[name] = _level(value)
    return found


def _level(value: float | None) -> float:
    return SILENT_DB if value is None else float(value)
