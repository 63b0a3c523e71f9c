"""All devices together: turns their messages into wishes, and values into messages for them.  Pure.

The clock is the caller's.  Wishes reach Entrain over the control socket, and its news come back
later, so a value that was just wished counts as the value meanwhile.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

from entrain.vdevice.bridge.midi import encoders
from entrain.vdevice.bridge.midi.controls import (
    LOW_PART,
    Control,
    Controls,
    Movement,
    message_bytes,
    top_of,
)
from entrain.vdevice.bridge.midi.glide import Glide
from entrain.vdevice.bridge.midi.mapping import Mapping, action_request
from entrain.vdevice.bridge.midi.pickup import NEAR, Pickup
from entrain.vdevice.bridge.midi.sound import Sound
from entrain.vdevice.bridge.midi.span import Span
from entrain.vdevice.limits import MidiKind

SETTLE_S = 0.3
"""Time after a movement in which news may be older than the wish, and the device gets no answer."""
AGAIN_S = 0.05
"""Shortest time between two actions of one control: pads bounce."""
_FINE = ("cc14", "nrpn14")
_SAME = 1e-6
"""Difference between two positions that are the same."""
_MOST_BINDINGS = 4096
_MOST_MESSAGES = 64
"""Most messages for the devices at a time; the others follow."""


class SetValue(NamedTuple):
    """A wish: a parameter's new value."""

    address: str
    value: float


class Act(NamedTuple):
    """A wish: a request that is not about a value."""

    request: dict[str, object]


Wish = SetValue | Act
Send = Callable[[str, Sequence[Sequence[int]]], bool]


class _Binding:
    """One mapping in use: the state of one control that moves one parameter."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self.pickup = Pickup(not mapping.pickup)
        self.glide: Glide | None = None
        """The way of the value to the control after a pick-up; None: it has come."""
        self.moved_at_s = -1e9
        self.wished_at_s = -1e9
        self.agreed: float | None = None
        """Value on which the control and Entrain agreed last; None: not yet."""
        self.shown: int | None = None
        """Raw value that the device has sent or got last; None: not known."""
        self.last = 0
        """Last value of the control."""

    def span(self, sound: Sound) -> Span | None:
        parameter = sound.parameter(self.mapping.target)
        if parameter is None:
            return None
        return Span.of(parameter, self.mapping.low, self.mapping.high)

    def release(self) -> None:
        """Let the value go: it has been changed elsewhere."""
        self.pickup.release()
        self.agreed = self.glide = None

    def forget(self) -> None:
        """Forget the position of the control: its device was unplugged."""
        self.release()
        self.pickup.forget()
        self.shown = None

    def follow(self, span: Span, value: float, position: float, now_s: float) -> float | None:
        """Return the value that the control wants at its new position; None: it has no effect."""
        held = self.pickup.holds
        if not self.pickup.move(position, span.position(value)):
            return None
        target = span.value(position)
        if not held and not span.choices:
            self.glide = Glide(value, span.period)
            if abs(position - span.position(value)) <= NEAR:
                return value  # until the next position
        if self.glide is None:
            return target
        self.glide.begin(target, now_s)
        return self.glide.value(target, now_s)


class Surface:
    """The devices, their mappings and their state.

    Parameters
    ----------
    sound : Sound
        The values in Entrain.
    mappings : sequence of Mapping
        The user's; other controls have the defaults of the parameters.

    """

    def __init__(self, sound: Sound, mappings: Sequence[Mapping] = ()) -> None:
        self.wants_news = False
        """A value moves by itself, and a control waits for its present value."""
        self._sound = sound
        self._devices: dict[str, Controls] = {}
        self._bindings: dict[Mapping, _Binding] = {}
        self._gliding: list[_Binding] = []
        self._by_control: dict[tuple[str, Control], list[Mapping]] = {}
        self._taken: set[tuple[str, int]] = set()
        """Devices and controllers that the user has mapped."""
        self._fine: dict[str, set[Control]] = {}
        """The user's controls with 14 bits, by device."""
        self.map(mappings)

    @property
    def malformed(self) -> int:
        """Messages that no device should send."""
        return sum(each.malformed for each in self._devices.values())

    def map(self, mappings: Sequence[Mapping]) -> None:
        """Replace the user's mappings; mappings in both lists keep their state."""
        self._by_control = {}
        for each in mappings:
            self._by_control.setdefault((each.device, each.control), []).append(each)
        fine = [(device, each) for device, each in self._by_control if each.kind in _FINE]
        self._fine = {
            device: {each for owner, each in fine if owner == device} for device, _ in fine
        }
        for device, controls in self._devices.items():
            controls.fine = self._fine.get(device, ())
        self._taken = {
            (each.device, each.control.number)
            for each in mappings
            if each.control.kind in ("cc", "cc14")
        }
        known = {each: self._bindings.get(each) or _Binding(each) for each in mappings}
        self._bindings = known

    # ---- from the devices --------------------------------------------------------------------

    def read(self, device: str, data: Sequence[int], after_s: float = 0.0) -> list[Movement]:
        """Read one message of a device, which came this long after its last one, in seconds."""
        if (controls := self._devices.get(device)) is None:
            controls = self._devices[device] = Controls(self._fine.get(device, ()))
        return controls.read(data, after_s)

    def take(self, device: str, movement: Movement, now_s: float) -> list[Wish]:
        """Return the wishes that a movement causes."""
        found: list[Wish] = []
        for mapping in self._mappings(device, movement.control):
            if wish := self._wish(self._binding(mapping), movement, now_s):
                found.append(wish)
        return found

    def target(self, device: str, control: Control) -> str:
        """Return what a control moves or causes now; may be empty."""
        return next((each.target for each in self._mappings(device, control)), "")

    def reason(self, device: str, control: Control) -> str:
        """Return in a few words why the last movement of a control had no effect."""
        for mapping in self._mappings(device, control):
            if action_request(mapping.target):
                return "no press"
            value, binding = self._sound.value(mapping.target), self._bindings.get(mapping)
            if value is None:
                return "not there now"
            if control.kind in ("note", "program"):
                return "has no positions"
            if binding is None or not binding.pickup.holds:
                return f"waits for pick-up at {value:g}{self._end(mapping, value)}"
            span, position = binding.span(self._sound), binding.pickup.position
            glides = binding.glide is not None and binding.glide.has_begun
            if glides and span is not None and position is not None:
                return f"glides to {span.value(position):g}"
            return f"holds {value:g}"
        if control.kind == "cc" and self.target(device, control._replace(kind="cc14")):
            return "waits for its low part"
        return "not mapped"

    def _end(self, mapping: Mapping, value: float) -> str:
        """Return what to do where a value lies beyond the end of the control's way, or ""."""
        span = self._binding(mapping).span(self._sound)
        if span is None or span.reaches(value):
            return ""
        return f"; turn it to its {'lower' if span.position(value) < 0.5 else 'upper'} end"

    def forget(self, device: str) -> None:
        """Forget the positions of a device's controls: it was unplugged."""
        self._devices.pop(device, None)
        for mapping, binding in list(self._bindings.items()):
            if mapping.device == device:
                binding.forget()

    def _mappings(self, device: str, control: Control) -> Sequence[Mapping]:
        if found := self._by_control.get((device, control)):
            return found
        is_fine = control.kind == "cc14"
        if (device, control.number) in self._taken or not (is_fine or control.kind == "cc"):
            return ()
        fine = Control("cc14", control.channel, control.number)
        low = Control("cc", control.channel, control.number + LOW_PART)
        has_low = self._devices[device].is_paired(fine) and (device, low) not in self._by_control
        if is_fine != has_low:
            return ()
        address = self._sound.controllers.get(control.number)
        return (Mapping(device, control, address),) if address else ()

    def _binding(self, mapping: Mapping) -> _Binding:
        if mapping not in self._bindings:
            if len(self._bindings) >= _MOST_BINDINGS:
                kept = {each for listed in self._by_control.values() for each in listed}
                self._bindings = {
                    each: binding for each, binding in self._bindings.items() if each in kept
                }
            self._bindings[mapping] = self._former(mapping) or _Binding(mapping)
        return self._bindings[mapping]

    def _former(self, mapping: Mapping) -> _Binding | None:
        """Take over the state of a control that has begun to send 14 bits, or stopped to."""
        others: dict[MidiKind, MidiKind] = {"cc": "cc14", "cc14": "cc"}
        kind = others.get(mapping.control.kind)
        is_default = (mapping.device, mapping.control) not in self._by_control
        if kind is None or not is_default:
            return None
        other = replace(mapping, control=mapping.control._replace(kind=kind))
        if (binding := self._bindings.pop(other, None)) is not None:
            binding.mapping, binding.shown = mapping, None
        return binding

    def _wish(self, binding: _Binding, movement: Movement, now_s: float) -> Wish | None:
        target = binding.mapping.target
        if request := action_request(target):
            return self._act(binding, movement, request, now_s)
        news, span = self._sound.value(target), binding.span(self._sound)
        parameter = self._sound.parameter(target)
        if news is None or span is None or parameter is None:
            return None
        if movement.control.kind in ("note", "program"):
            return None
        if self._sound.is_uncertain(target, now_s):
            self.wants_news = True
            return None
        value = self._present(binding, span, news, now_s)
        binding.moved_at_s = now_s
        encoding = binding.mapping.encoding
        if encoding == "absolute":
            binding.shown = movement.value
            found = binding.follow(span, value, movement.position, now_s)
            if found is None:
                return None
            wanted = found
            if binding.glide is not None and binding not in self._gliding:
                self._gliding.append(binding)
        else:
            binding.shown = None
            way = span if span.reaches(value) else Span.whole(parameter)
            wanted = way.moved(value, encoders.steps(encoding, movement.value))
        return self._set(binding, value, wanted, now_s)

    def glide(self, now_s: float) -> list[Wish]:
        """Return the wishes that bring values to the knobs that have just taken hold."""
        found: list[Wish] = []
        for binding in list(self._gliding):
            if wish := self._glided(binding, now_s):
                found.append(wish)
            if binding.glide is None:
                self._gliding.remove(binding)
        return found

    def _glided(self, binding: _Binding, now_s: float) -> Wish | None:
        target, position = binding.mapping.target, binding.pickup.position
        news, span = self._sound.value(target), binding.span(self._sound)
        is_mapped = self._bindings.get(binding.mapping) is binding
        if news is None or span is None or position is None or not is_mapped:
            binding.glide = None
            return None
        value = self._present(binding, span, news, now_s)
        if binding.glide is None:
            return None
        wanted = binding.glide.value(span.value(position), now_s)
        if binding.glide.is_over(now_s):
            binding.glide = None
        return self._set(binding, value, wanted, now_s)

    def _set(self, binding: _Binding, value: float, wanted: float, now_s: float) -> Wish | None:
        binding.agreed = wanted
        if wanted == value:
            return None
        binding.moved_at_s = binding.wished_at_s = now_s
        return SetValue(binding.mapping.target, wanted)

    def _present(self, binding: _Binding, span: Span, news: float, now_s: float) -> float:
        """Return the present value, and let go if it was changed elsewhere."""
        if binding.agreed is None:
            return news
        if now_s - binding.wished_at_s < SETTLE_S:
            return binding.agreed
        if abs(span.position(news) - span.position(binding.agreed)) > _SAME:
            binding.release()
        return news

    def _act(
        self, binding: _Binding, movement: Movement, request: dict[str, object], now_s: float
    ) -> Wish | None:
        """Return the wish when a button goes down; buttons may send no message when they go up."""
        last, binding.last = binding.last, movement.value
        is_down = movement.position >= 0.5
        was_down = last / movement.top >= 0.5 and last != movement.value
        binding.shown = movement.value
        if not is_down or was_down or now_s - binding.wished_at_s < AGAIN_S:
            return None
        binding.moved_at_s = binding.wished_at_s = now_s
        return Act(dict(request))

    # ---- to the devices ----------------------------------------------------------------------

    def feedback(self, outputs: Collection[str], now_s: float, send: Send) -> bool:
        """Send the messages that show the values on motor faders, LED rings and lamps.

        A device gets nothing that it has sent itself, and no message while its control moves.

        Parameters
        ----------
        outputs : collection of str
            Devices that take messages.
        now_s : float
            Time of the caller's clock.
        send : callable
            Sends all messages of one control to its device; false if it cannot now.

        Returns
        -------
        bool
            Whether something was sent or refused, so that more may follow.

        """
        count, is_refused = 0, False
        for mapping, binding in self._bindings.items():
            if mapping.device not in outputs or now_s - binding.moved_at_s < SETTLE_S:
                continue
            raw = self._raw(binding)
            if raw is None or raw == binding.shown:
                continue
            top = top_of(mapping.control.kind)
            messages = message_bytes(mapping.control, raw / top)
            if messages and not send(mapping.device, messages):
                is_refused = True
                continue
            count += len(messages)
            binding.shown = raw
            if count >= _MOST_MESSAGES:
                break
        return count > 0 or is_refused

    def _raw(self, binding: _Binding) -> int | None:
        """Return what the device should show; None: it shows the value already, or cannot."""
        mapping = binding.mapping
        top = top_of(mapping.control.kind)
        if action_request(mapping.target):
            is_lit = self._sound.is_lit(mapping.target)
            return None if is_lit is None else top * is_lit
        value, span = self._sound.value(mapping.target), binding.span(self._sound)
        if value is None or span is None:
            return None
        position = span.position(value)
        agreed = binding.agreed if binding.shown is not None and binding.pickup.holds else None
        if agreed is not None and abs(position - span.position(agreed)) <= _SAME:
            return None
        return round(position * top)
