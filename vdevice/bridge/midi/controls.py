"""Reads MIDI messages of one device as movements of its controls.  Knows no ports.

A pair of messages has 14 bits: first the high seven bits, then the low seven bits.  A high part
counts when its low part has come.  If a second high part comes first, the device does not send low
parts at present, and the high part counts by itself.

The controllers n and n + 32 may as well be two knobs.  They are a pair once the low part has come
right after its high part several times in a row, and two knobs again once parts have come alone.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import mido

from entrain.vdevice.limits import MidiKind

TOP = 127
FINE_TOP = 16383

_LONGEST_BYTES = 3
_MOST_HALVES = 512
"""Controls whose high part is remembered; no device has so many."""
LOW_PART = 32
"""Controller n + 32 is the low part of controller n."""
RIGHT_AFTER_S = 0.01
"""Longest time between both parts of a pair, in seconds; a slow cable needs 0.001 s."""
PAIRS_IN_A_ROW = 3
"""Pairs in a row after which two controllers count as one control with 14 bits."""
_ALONE_IN_A_ROW = 3
"""Parts alone, in a row, after which they count as two controls again."""
_DATA, _DATA_LOW, _INCREMENT, _DECREMENT = 6, 38, 96, 97
_NRPN_LOW, _NRPN_HIGH, _RPN_LOW, _RPN_HIGH = 98, 99, 100, 101
_NO_NUMBER = FINE_TOP
"""Number of the parameter that deselects all parameters."""
RESERVED = frozenset(
    (0, LOW_PART, _DATA, _DATA_LOW, *range(_INCREMENT, _RPN_HIGH + 1), *range(120, 128))
)
"""Controllers that are parts of other messages, so that no knob can have them: banks, data."""


class Control(NamedTuple):
    """A control of a device."""

    kind: MidiKind
    channel: int
    """0 … 15; people count from 1."""
    number: int
    """Number of the controller, the note, the program or the parameter (NRPN)."""


class Movement(NamedTuple):
    """A report of a control about itself."""

    control: Control
    value: int
    top: int = TOP
    """The highest value that the control can report."""

    @property
    def position(self) -> float:
        """0 … 1."""
        return self.value / self.top


class _Pair:
    """A high part and its low part: whether the device sends both."""

    def __init__(self, control: Control) -> None:
        self._enough = PAIRS_IN_A_ROW if control.kind == "cc14" else 1
        self.high = 0
        """The last high part."""
        self.is_open = False
        """The high part still lacks its low part."""
        self.is_pair = False
        """The device sends both parts."""
        self._in_a_row = self._alone = 0

    def came(self) -> None:
        """Note that a low part has come right after its high part."""
        self._in_a_row, self._alone = self._in_a_row + 1, 0
        self.is_pair = self.is_pair or self._in_a_row >= self._enough

    def was_alone(self) -> None:
        """Note that one part has come without the other one."""
        self._in_a_row, self._alone = 0, self._alone + 1
        self.is_pair = self.is_pair and self._alone < _ALONE_IN_A_ROW


class Controls:
    """Reads the messages of one device.

    Parameters
    ----------
    fine : collection of Control
        Controls with 14 bits that the user has mapped: their parts are always a pair.

    """

    def __init__(self, fine: Collection[Control] = ()) -> None:
        self.fine = fine
        self.malformed = 0
        """Messages that no device should send."""
        self._pairs: dict[Control, _Pair] = {}
        self._last: Control | None = None
        """The control whose high part was the last message."""
        self._selected: dict[int, list[int]] = {}
        """The high and the low part of the selected NRPN, by channel."""

    def read(self, data: Sequence[int], after_s: float = 0.0) -> list[Movement]:
        """Read one message; returns no movement if it is about something else.

        Parameters
        ----------
        data : sequence of int
            The bytes of the message.
        after_s : float
            Time since the device's last message, in seconds.

        """
        last, self._last = self._last, None
        before = last if after_s <= RIGHT_AFTER_S else None
        if len(data) > _LONGEST_BYTES:  # system exclusive
            return []
        try:
            message = mido.Message.from_bytes(data)
        except (ValueError, TypeError, LookupError):
            self.malformed += 1
            return []
        match message.type:
            case "control_change":
                return self._controller(message.channel, message.control, message.value, before)
            case "note_on":
                return [_movement("note", message.channel, message.note, message.velocity)]
            case "note_off":
                return [_movement("note", message.channel, message.note, 0)]
            case "program_change":
                return [_movement("program", message.channel, message.program, TOP)]
            case "pitchwheel":
                control = Control("bend", message.channel, 0)
                return [Movement(control, message.pitch + 8192, FINE_TOP)]
        return []

    def _controller(
        self, channel: int, number: int, value: int, before: Control | None
    ) -> list[Movement]:
        if number in (_NRPN_HIGH, _NRPN_LOW, _RPN_HIGH, _RPN_LOW):
            self._select(channel, number, value)
            return []
        if number in (_DATA, _DATA_LOW, _INCREMENT, _DECREMENT):
            return self._data(channel, number, value)
        if number in RESERVED:
            return []
        found = [_movement("cc", channel, number, value)]
        if number < LOW_PART:
            found += self._take_high(Control("cc14", channel, number), value)
        elif number < 2 * LOW_PART:
            fine = Control("cc14", channel, number - LOW_PART)
            found += self._take_low(fine, value, is_next=before == fine)
        return found

    def _select(self, channel: int, number: int, value: int) -> None:
        if number in (_RPN_HIGH, _RPN_LOW):  # tunings and the like
            self._selected.pop(channel, None)
            return
        parts = self._selected.setdefault(channel, [TOP, TOP])
        parts[number == _NRPN_LOW] = value

    def _data(self, channel: int, number: int, value: int) -> list[Movement]:
        high, low = self._selected.get(channel, (TOP, TOP))
        if (selected := high << 7 | low) == _NO_NUMBER:
            return []
        if number in (_INCREMENT, _DECREMENT):
            return [_movement("nrpn_inc", channel, selected, 1 if number == _INCREMENT else TOP)]
        fine = Control("nrpn14", channel, selected)
        if number == _DATA_LOW:
            return self._take_low(fine, value, is_next=True)
        return [_movement("nrpn", channel, selected, value), *self._take_high(fine, value)]

    def _take_high(self, control: Control, value: int) -> list[Movement]:
        self._last = control
        if len(self._pairs) >= _MOST_HALVES and control not in self._pairs:
            self.forget()
        pair = self._pairs.setdefault(control, _Pair(control))
        is_alone, pair.high, pair.is_open = pair.is_open, value, True
        if is_alone:
            pair.was_alone()
        if not is_alone or not self.is_paired(control):
            return []
        return [Movement(control, value << 7, FINE_TOP)]

    def _take_low(self, control: Control, value: int, *, is_next: bool) -> list[Movement]:
        if (pair := self._pairs.get(control)) is None:
            return []
        pair.is_open = False
        if is_next:
            pair.came()
        else:
            pair.was_alone()
            if not self.is_paired(control):
                return []
        return [Movement(control, pair.high << 7 | value, FINE_TOP)]

    def is_paired(self, control: Control) -> bool:
        """Tell whether the device sends both parts of a control."""
        pair = self._pairs.get(control)
        return control in self.fine or (pair is not None and pair.is_pair)

    def forget(self) -> None:
        """Forget all halves of messages: the device was unplugged."""
        self._pairs.clear()
        self._selected.clear()
        self._last = None


def message_bytes(control: Control, position: float) -> list[list[int]]:
    """Return the messages that tell a device the position of one of its controls.

    Parameters
    ----------
    control : Control
        Any kind; the result is empty for kinds that have no position.
    position : float
        0 … 1.

    """
    channel, number = control.channel, control.number
    fine, coarse = round(position * FINE_TOP), round(position * TOP)
    match control.kind:
        case "cc" if number <= TOP:
            return [_controller(channel, number, coarse)]
        case "cc14" if number < LOW_PART:
            high, low = fine >> 7, fine & TOP
            return [
                _controller(channel, number, high),
                _controller(channel, number + LOW_PART, low),
            ]
        case "nrpn" | "nrpn14":
            parts = [(_NRPN_HIGH, number >> 7), (_NRPN_LOW, number & TOP)]
            if control.kind == "nrpn":
                parts += [(_DATA, coarse)]
            else:
                parts += [(_DATA, fine >> 7), (_DATA_LOW, fine & TOP)]
            return [_controller(channel, *each) for each in parts]
        case "bend":
            return [mido.Message("pitchwheel", channel=channel, pitch=fine - 8192).bytes()]
        case "note" if number <= TOP:
            return [mido.Message("note_on", channel=channel, note=number, velocity=coarse).bytes()]
    return []


def top_of(kind: MidiKind) -> int:
    """Return the highest value of a kind of control."""
    return FINE_TOP if kind in ("cc14", "nrpn14", "bend") else TOP


def _controller(channel: int, number: int, value: int) -> list[int]:
    found: list[int] = mido.Message(
        "control_change", channel=channel, control=number, value=value
    ).bytes()
    return found


def _movement(kind: MidiKind, channel: int, number: int, value: int) -> Movement:
    return Movement(Control(kind, channel, number), value)
