"""Learning: finds the control that a person moves, and how it writes its values.  Pure.

Other controls may send, too.  The first control whose movement is large enough is the right one.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from entrain.vdevice.bridge.midi.controls import LOW_PART, Control, Movement
from entrain.vdevice.bridge.midi.encoders import detect
from entrain.vdevice.limits import MidiEncoding, MidiKind

MOST_VALUES = 64
"""Values of one control that are kept."""
_MOST_CONTROLS = 256
_FINE_SHARE = 0.5
"""Share of the messages that must have a low part."""
_FINE_OF: dict[MidiKind, MidiKind] = {"cc": "cc14", "nrpn": "nrpn14"}


class Learned(NamedTuple):
    """A control that has been found."""

    device: str
    control: Control
    encoding: MidiEncoding


@dataclass
class _Heard:
    values: list[int] = field(default_factory=list)

    def add(self, value: int) -> None:
        self.values.append(value)
        del self.values[:-MOST_VALUES]


class Learner:
    """Listens until it knows the control that a person moves.

    Parameters
    ----------
    is_action : bool
        A press is enough, and notes and programs count; otherwise only controls with positions or
        steps count.

    """

    def __init__(self, is_action: bool) -> None:
        self.heard = ""
        """The last movement, for a person; empty before the first one."""
        self._is_action = is_action
        self._heard: dict[tuple[str, Control], _Heard] = {}

    def take(self, device: str, movement: Movement) -> Learned | None:
        """Note a movement; returns the control once it is known."""
        control = movement.control
        if self._is_action:
            if control.kind in ("cc14", "nrpn14") or movement.position < 0.5:
                return None
            self.heard = f"{name_of(control)} on {device}"
            return Learned(device, control, "absolute")
        if control.kind in ("note", "program"):
            self.heard = f"{name_of(control)} on {device}, which has no positions: move a knob"
            return None
        if len(self._heard) >= _MOST_CONTROLS and (device, control) not in self._heard:
            return None
        self.heard = f"{name_of(control)} on {device}: {movement.value}"
        self._heard.setdefault((device, control), _Heard()).add(movement.value)
        return self._decided(device, control, is_last=False)

    def last(self) -> Learned | None:
        """Return the likeliest control after the last movement; None if none has moved enough."""
        for device, control in sorted(
            self._heard, key=lambda each: len(self._heard[each].values), reverse=True
        ):
            if found := self._decided(device, control, is_last=True):
                return found
        return None

    def _decided(self, device: str, control: Control, is_last: bool) -> Learned | None:
        if control.kind in ("cc14", "nrpn14"):
            return None  # decided by its high part
        if control.kind == "cc" and self._is_low_part(device, control):
            return None
        values = self._heard[device, control].values
        if fine := self._fine(device, control):  # its high parts repeat themselves
            return Learned(device, fine, "absolute") if is_last or len(values) >= 4 else None
        encoding: MidiEncoding | None
        if control.kind == "bend":
            encoding = "absolute"
        elif control.kind == "nrpn_inc":
            encoding = "twos"
        else:
            encoding = detect(values, is_last)
        if encoding is None or (encoding == "absolute" and len(set(values)) < 2):
            return None
        return Learned(device, control, encoding)

    def _fine(self, device: str, control: Control) -> Control | None:
        """Return the control with 14 bits of which this is the high part; None: it has seven."""
        if (kind := _FINE_OF.get(control.kind)) is None:
            return None
        fine = Control(kind, control.channel, control.number)
        pairs = self._heard.get((device, fine))
        values = self._heard[device, control].values
        if pairs is None or len(pairs.values) < _FINE_SHARE * len(values):
            return None
        return fine if len(set(pairs.values)) > 1 else None

    def _is_low_part(self, device: str, control: Control) -> bool:
        high = Control("cc", control.channel, control.number - LOW_PART)
        return control.number >= LOW_PART and (device, high) in self._heard


def name_of(control: Control) -> str:
    """Return the name of a control for a person."""
    channel = f"channel {control.channel + 1}"
    match control.kind:
        case "cc":
            return f"controller {control.number}, {channel}"
        case "cc14":
            return f"controller {control.number} with 14 bits, {channel}"
        case "bend":
            return f"pitch bend, {channel}"
        case "nrpn" | "nrpn14" | "nrpn_inc":
            return f"parameter {control.number} (NRPN), {channel}"
    return f"{control.kind} {control.number}, {channel}"
