"""The effect of each key: a request to Entrain, or a change of the screen.  Pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from entrain.tray.terminal.scene import Scene
from entrain.tray.terminal.values import amount, level
from entrain.tray.text.text_layout import clean, clock
from entrain.vdevice.limits import MAX_SLEEP_MINUTES, MAX_STEPS

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import Block, Status, StatusCommand

SLEEP_STEP_MINUTES = 15
KEYS = (
    ("← →", "slower, faster"),
    ("↑ ↓", "stronger, weaker by 3 dB"),
    ("space", "bypass: hear the difference"),
    ("o", "Entrain on or off"),
    ("n", "next protocol of the same category"),
    ("u r", "undo, redo the last change of the sound"),
    ("t T", "15 minutes more until Entrain switches off; no timer"),
    ("Tab", "choose a layer"),
    ("m", "mute this layer, or let it sound again"),
    ("?", "this page"),
    ("q", "quit; Entrain goes on"),
)
"""Keys and their effects, for the help page."""


@dataclass(frozen=True)
class Request:
    """A request that a key makes."""

    command: "StatusCommand"
    fields: dict[str, object] = field(default_factory=dict)
    says: str = ""
    """Beginning of the message that the screen shows after success."""

    def joined(self, later: "Request") -> "Request | None":
        """Return one request with the effect of both, or None: for keys that are held down."""
        if self.command != "adjust" or later.command != "adjust":
            return None
        if self.fields.keys() != later.fields.keys() or self.says != later.says:
            return None
        ((name, before),) = self.fields.items()
        steps = int(str(before)) + int(str(later.fields[name]))
        return Request("adjust", {name: max(-MAX_STEPS, min(MAX_STEPS, steps))}, self.says)


_FIXED = {
    "right": Request("adjust", {"rate_steps": 1}, "Faster"),
    "left": Request("adjust", {"rate_steps": -1}, "Slower"),
    "up": Request("adjust", {"level_steps": 1}, "Stronger"),
    "down": Request("adjust", {"level_steps": -1}, "Weaker"),
    "n": Request("next"),
    "u": Request("undo"),
    "r": Request("redo"),
    "T": Request("sleep", {"minutes": None}),
}


def press(key: str, scene: Scene) -> Request | None:
    """Return the request of a key; or change the scene, and return None.

    The key ``q`` is for the caller.
    """
    if key == "?" or (scene.shows_help and key in ("escape", "enter")):
        scene.shows_help = not scene.shows_help
        scene.say("")
    elif key in ("tab", "back-tab"):
        _choose(scene, 1 if key == "tab" else -1)
    elif scene.status is None:
        scene.say("Entrain is not running; q quits", is_error=True)
    elif key in _FIXED:
        return _FIXED[key]
    elif key == "space":
        return Request("bypass", {"on": not scene.status["bypass"], "matched": True})
    elif key == "o":
        return Request("off" if scene.status["on"] else "on")
    elif key == "t":
        minutes = (scene.status["sleep_left_s"] or 0.0) / 60 + SLEEP_STEP_MINUTES
        return Request("sleep", {"minutes": min(minutes, MAX_SLEEP_MINUTES)})
    elif key == "m":
        return _mute(scene)
    elif key.isdecimal():
        return _use(int(key), scene)
    elif key not in ("escape", "enter"):
        scene.say(f"{key} has no effect; ? lists the keys", is_error=True)
    return None


def outcome(request: Request, status: "Status", blocks: "Mapping[str, Block]") -> str:
    """Return what a request has done, in one line; `status` is its answer."""
    match request.command:
        case "adjust":
            return f"{request.says}: {_adjusted(request, status, blocks)}"
        case "undo":
            return clean(f"Undone: {status['redo_text']}")
        case "redo":
            return clean(f"Made again: {status['undo_text']}")
        case "bypass":
            return (
                "Bypass on: you hear your music untouched, equally loud"
                if status["bypass"]
                else "Bypass off: Entrain processes your music again"
            )
        case "on":
            return "Entrain is on"
        case "off":
            return "Entrain is off; o switches it on"
        case "sleep":
            left_s = status["sleep_left_s"]
            if left_s is None:
                return "No sleep timer"
            return f"Entrain switches off in {clock(round(left_s))}"
        case "use" | "next":
            protocol = status["protocol"]
            return clean(f"Protocol: {protocol['name']}") if protocol else "No protocol"
    return request.says


def _adjusted(request: Request, status: "Status", blocks: "Mapping[str, Block]") -> str:
    """Return the new rate or level.

    `undo_text` may tell of another step: a step back within a second leaves none.
    """
    protocol = status["protocol"]
    if "rate_steps" not in request.fields:
        return level(status, blocks)
    return f"{protocol['rate_hz']:.4g} Hz" if protocol and protocol["rate_hz"] is not None else ""


def _choose(scene: Scene, step: int) -> None:
    layers = scene.layers
    if not layers:
        scene.say("There is no layer to choose", is_error=True)
        return
    if scene.selected:
        scene.selected = layers[(scene.place + step) % len(layers)]["id"]
    else:
        scene.selected = layers[0 if step > 0 else -1]["id"]
    verb = "mutes it" if amount(layers[scene.place]) else "lets it sound again"
    scene.say(f"Layer {clean(scene.selected)} is chosen; m {verb}")


def _mute(scene: Scene) -> Request | None:
    if not scene.layers:
        scene.say("There is no layer to mute", is_error=True)
        return None
    layer = scene.layers[scene.place]
    scene.selected = layer["id"]
    address, now = f"{layer['id']}.amount", amount(layer)
    name = clean(layer["id"])
    if now:
        scene.amounts[layer["id"]] = now
        return Request("set", {"address": address, "value": 0.0}, f"Layer {name} is muted")
    before = scene.amounts.get(layer["id"], 1.0)
    return Request("set", {"address": address, "value": before}, f"Layer {name} sounds again")


def _use(number: int, scene: Scene) -> Request | None:
    if not 1 <= number <= len(scene.slots):
        scene.say(f"{number} has no protocol; ? lists the keys", is_error=True)
        return None
    return Request("use", {"protocol": scene.slots[number - 1].id})
