"""Mappings: which control of which device moves which parameter, or causes which action.  Pure."""

from collections.abc import Mapping as Json
from dataclasses import dataclass
from typing import Any, Self, get_args

from entrain.vdevice.bridge.midi.controls import Control
from entrain.vdevice.limits import MidiAction, MidiEncoding

ACTIONS: dict[str, dict[str, object]] = {
    "bypass": {"command": "bypass"},
    "next": {"command": "next"},
    "undo": {"command": "undo"},
    "redo": {"command": "redo"},
    "on": {"command": "on"},
    "off": {"command": "off"},
    "faster": {"command": "adjust", "rate_steps": 1},
    "slower": {"command": "adjust", "rate_steps": -1},
    "stronger": {"command": "adjust", "level_steps": 1},
    "weaker": {"command": "adjust", "level_steps": -1},
}
"""Requests by action; their names are `MidiAction`."""
assert ACTIONS.keys() == set(get_args(MidiAction))

USE = "use:"
"""Beginning of the target that switches to a protocol; its id follows."""


def action_request(target: str) -> dict[str, object] | None:
    """Return the request of an action; None if the target is the address of a parameter."""
    if target.startswith(USE):
        return {"command": "use", "protocol": target.removeprefix(USE)}
    return ACTIONS.get(target)


@dataclass(frozen=True, slots=True)
class Mapping:
    """One control and its target."""

    device: str
    control: Control
    target: str
    """A parameter's address, an action's name, or ``use:`` with a protocol's id."""
    encoding: MidiEncoding = "absolute"
    low: float | None = None
    """Value at the lower end of the control; None: the parameter's own end."""
    high: float | None = None
    pickup: bool = True
    """False: the control follows the value by itself, so it holds the value at once."""

    @classmethod
    def from_json(cls, told: Json[str, Any]) -> Self:
        """Read a mapping as the control API has it, where channels count from 1."""
        return cls(
            told["device"],
            Control(told["kind"], told["channel"] - 1, told["number"]),
            told["target"],
            told["encoding"],
            told["low"],
            told["high"],
            told["pickup"],
        )

    def to_json(self) -> dict[str, Any]:
        """Write a mapping as the control API has it."""
        return {
            "device": self.device,
            "kind": self.control.kind,
            "channel": self.control.channel + 1,
            "number": self.control.number,
            "target": self.target,
            "encoding": self.encoding,
            "low": self.low,
            "high": self.high,
            "pickup": self.pickup,
        }
