"""Lines of `entrain midi monitor`: a message and its effect.  Pure."""

from collections.abc import Sequence

from entrain.vdevice.bridge.effect import effect_of
from entrain.vdevice.bridge.midi.controls import Movement
from entrain.vdevice.bridge.midi.learning import name_of
from entrain.vdevice.bridge.midi.surface import Act, SetValue, Surface, Wish

_MOST_BYTES = 8


def line(
    surface: Surface,
    device: str,
    message: Sequence[int],
    movements: Sequence[Movement],
    wishes: Sequence[Wish],
) -> dict[str, object]:
    """Return the line about one message.

    Parameters
    ----------
    surface : Surface
        Has read the message, and taken the movements.
    device : str
        Sender.
    message : sequence of int
        The bytes.
    movements : sequence of Movement
        What the message means; both parts of a pair are movements, and the pair is one, too.
    wishes : sequence of Wish
        What the movements have caused.

    """
    if not movements:
        shown = " ".join(f"{each:02X}" for each in message[:_MOST_BYTES])
        return entry(device, f"bytes {shown}", effect="is not a movement of a control")
    mapped = [each for each in movements if surface.target(device, each.control)]
    movement = mapped[-1] if mapped else movements[0]
    control = movement.control
    effect = ", ".join(map(_effect, wishes)) or surface.reason(device, control)
    return entry(device, said(movement), surface.target(device, control), effect)


def said(movement: Movement) -> str:
    """Return the control and its value; a program change has no value."""
    name = name_of(movement.control)
    return name if movement.control.kind == "program" else f"{name}: {movement.value}"


def entry(
    device: str = "", message: str = "", target: str = "", effect: str = "", refused: str = ""
) -> dict[str, object]:
    """Return a line of these fields."""
    return {
        "device": device,
        "message": message,
        "target": target,
        "effect": effect,
        "refused": refused,
    }


def _effect(wish: Wish) -> str:
    match wish:
        case SetValue(address, value):
            return f"set {address} {value:g}"
        case Act(request):
            return effect_of(request)
