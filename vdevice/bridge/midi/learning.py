"""Learning: finds the control that a person moves, and how it writes its values.  Pure.

Other controls may send, too.  The first control whose movement is large enough is the right one.
Two knobs may have the controllers n and n + 32: these are one control only if each high part has
its low part right behind it.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from entrain.vdevice.bridge.midi.controls import LOW_PART, PAIRS_IN_A_ROW, Control, Movement
from entrain.vdevice.bridge.midi.encoders import detect
from entrain.vdevice.limits import MidiEncoding, MidiKind

MOST_VALUES = 64
"""Values of one control that are kept."""
_MOST_CONTROLS = 256
_LEAST_PAIRS = 2
"""Pairs in a row that are enough when no more messages come."""
_FINE_OF: dict[MidiKind, MidiKind] = {"cc": "cc14", "nrpn": "nrpn14"}


class Learned(NamedTuple):
    """A control that has been found."""

    device: str
    control: Control
    encoding: MidiEncoding


@dataclass
class _Heard:
    """The values of one control; for 14 bits, also how regularly both parts have come."""

    values: list[int] = field(default_factory=list)
    in_a_row: int = 0
    """High parts in a row that had their low part; 0 for a control with 7 bits."""
    is_open: bool = False
    """The last high part still lacks its low part."""

    def add(self, value: int) -> None:
        self.values.append(value)
        del self.values[:-MOST_VALUES]

    def open(self) -> None:
        """Note a high part."""
        self.in_a_row = 0 if self.is_open else self.in_a_row
        self.is_open = True

    def close(self) -> None:
        """Note the low part of a high part."""
        self.in_a_row += self.is_open
        self.is_open = False


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
        heard = self._heard.setdefault((device, control), _Heard())
        heard.add(movement.value)
        if control.kind in _FINE_OF.values():
            heard.close()
        elif (fine := _fine_of(control)) != control and fine.number == control.number:
            self._heard.setdefault((device, fine), _Heard()).open()
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
        heard = self._heard[device, control]
        if control.kind in _FINE_OF.values():
            is_pair = heard.in_a_row >= (_LEAST_PAIRS if is_last else PAIRS_IN_A_ROW)
            has_moved = len(set(heard.values)) > 1
            return Learned(device, control, "absolute") if is_pair and has_moved else None
        if self._may_be_half(device, control, is_last):
            return None
        encoding: MidiEncoding | None
        if control.kind == "bend":
            encoding = "absolute"
        elif control.kind == "nrpn_inc":
            encoding = "twos"
        else:
            encoding = detect(heard.values, is_last)
        if encoding is None or (encoding == "absolute" and len(set(heard.values)) < 2):
            return None
        return Learned(device, control, encoding)

    def _may_be_half(self, device: str, control: Control, is_last: bool) -> bool:
        """Tell whether a control may be a half of one with 14 bits."""
        both = self._heard.get((device, _fine_of(control)))
        return both is not None and both.in_a_row >= (_LEAST_PAIRS if is_last else 1)


def _fine_of(control: Control) -> Control:
    """Return the control with 14 bits of which this one may be a half; itself: there is none."""
    kind, number = _FINE_OF.get(control.kind, control.kind), control.number
    if control.kind == "cc" and number >= LOW_PART:
        if number >= 2 * LOW_PART:
            return control
        number -= LOW_PART
    return control._replace(kind=kind, number=number)


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
