"""Decides which device to play on if other apps' filters could carry the sound back.

This module only makes decisions; it does not call a server.  A filter (equalizer, loopback, echo
canceller) is a device for players, and plays on another device itself, in most cases on the
default output.  While Entrain is the default, such a filter behind Entrain would play back into it.

If the filter's output can be pinned to the device behind it, the filter stays in use.  Otherwise
Entrain plays on that device directly.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from entrain.platform.adapter import OWN_DEVICE
from entrain.vdevice.device.way_ends import goes_to, sources_leading_back, ways_from
from entrain.ways import Way

SETTLE_S = 3.0
"""Longest time until a stream plays on the device to which it was moved, in seconds."""


@dataclass(frozen=True)
class Pin:
    """Play an outlet of a filter on a device; ``""``: let the server choose the device."""

    outlet: int
    device: str


@dataclass(frozen=True)
class Plan:
    """A decision.

    Parameters
    ----------
    target : str
        The device to play on; ``""``: no device would be heard.
    pins : tuple of Pin
        Pins to set before that.
    around : str
        The filter that must be left out, or ``""``.
    behind : str
        The device that finally plays the sound because of Entrain; ``""`` if no way leads back.

    """

    target: str
    pins: tuple[Pin, ...] = ()
    around: str = ""
    behind: str = ""


class FilterWays:
    """Remembers its pins, so that it gives up pins without an effect.

    Times are in seconds of any monotonic clock.
    """

    def __init__(self) -> None:
        self._asked: dict[int, tuple[str, float]] = {}
        self._moved: dict[int, str] = {}
        """Outlets that Entrain has moved and that stay on their new device without a pin."""
        self._immovable: set[int] = set()

    def plan(
        self,
        choose: Callable[[Sequence[str]], str],
        devices: Sequence[str],
        ways: Sequence[Way],
        default: str,
        now_s: float,
    ) -> Plan:
        """Make a plan; the same facts give the same plan.

        Parameters
        ----------
        choose : callable
            Chooses one of several devices; returns ``""`` if none fits.
        devices : sequence of str
            The connected real devices, in the server's order of preference.
        ways : sequence of Way
            The ways on which other apps carry the sound.
        default : str
            The default output, present or about to be set by Entrain.

        """
        self._watch(ways, now_s)
        wanted = choose(devices)
        leading_back = sources_leading_back(ways, default)
        if wanted not in leading_back:
            moved = {way.outlet for way in ways_from(wanted, ways, default)} & set(self._moved)
            behind = self._moved[min(moved)] if moved else ""
            return Plan(wanted, self._undo(ways, keep={}), behind=behind)
        behind = choose([name for name in devices if name not in leading_back])
        last = [
            way for way in ways_from(wanted, ways, default) if goes_to(way, default) == OWN_DEVICE
        ]
        if behind and all(way.movable and way.outlet not in self._immovable for way in last):
            keep = {way.outlet: behind for way in last}
            pins = self._undo(ways, keep) + self._pin(last, behind, now_s)
            return Plan(wanted, pins, behind=behind)
        return Plan(behind, self._undo(ways, keep={}), around=wanted, behind=behind)

    def wake_s(self) -> float | None:
        """Return when to call `plan` again even without news, or None."""
        return min((at_s + SETTLE_S for _, at_s in self._asked.values()), default=None)

    def _watch(self, ways: Sequence[Way], now_s: float) -> None:
        """Note which outlets have reached the device to which they were moved."""
        there = {way.outlet: way for way in ways}
        self._immovable &= set(there)
        for outlet, device in list(self._moved.items()):
            if outlet not in there or there[outlet].sink != device:
                del self._moved[outlet]
                if outlet in there and there[outlet].sink == OWN_DEVICE:
                    self._immovable.add(outlet)  # the user or an app has moved it back
        for outlet, (device, at_s) in list(self._asked.items()):
            if outlet not in there or there[outlet].sink == device:
                del self._asked[outlet]
                if outlet in there and not there[outlet].follows:
                    self._moved[outlet] = device
            elif now_s >= at_s + SETTLE_S:
                del self._asked[outlet]
                self._immovable.add(outlet)

    def _pin(self, ways: Sequence[Way], device: str, now_s: float) -> tuple[Pin, ...]:
        pins = []
        for way in ways:
            if self._is_there(way, device) or self._asked.get(way.outlet, ("", 0))[0] == device:
                continue
            self._asked[way.outlet] = (device, now_s)
            pins.append(Pin(way.outlet, device))
        return tuple(pins)

    @staticmethod
    def _is_there(way: Way, device: str) -> bool:
        return way.pin == device if way.follows else way.sink == device

    def _undo(self, ways: Sequence[Way], keep: dict[int, str]) -> tuple[Pin, ...]:
        """Unpin the outlets that need no pin, including pins of an earlier Entrain."""
        pinned = {way.outlet for way in ways if way.pin}
        for outlet in pinned - set(keep):
            self._asked.pop(outlet, None)
        return tuple(Pin(outlet, "") for outlet in sorted(pinned - set(keep)))
