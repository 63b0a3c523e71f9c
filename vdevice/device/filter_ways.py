"""Which device to play on where other programs carry the sound on, and could carry it back.

Decisions only: nothing here calls a server.  Equalizers, loopbacks, echo cancellers and the like
are devices to which programs play, and play on another device themselves.  Most of them go
wherever the default output goes.  While that is Entrain, their sound would come back to it.

Such a filter stays in the way of the sound, if its own output can be pinned to the device behind
it.  If not, Entrain plays on that device directly.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from entrain.platform.adapter import OWN_DEVICE
from entrain.vdevice.device.way_ends import goes_to, sources_leading_back, ways_from
from entrain.ways import Way

SETTLE_S = 3.0
"""Longest time after which a stream that was sent to a device plays there."""


@dataclass(frozen=True)
class Pin:
    """Play this outlet of a filter on that device, or, with ``""``, where it goes by itself."""

    outlet: int
    device: str


@dataclass(frozen=True)
class Plan:
    """What to do.

    Parameters
    ----------
    target : str
        The device to play on, or ``""`` if none would be heard.
    pins : tuple of Pin
        To be done before that.
    around : str
        The filter that cannot be kept in the way, or ``""``.
    behind : str
        The device that is heard in the end because of us, or ``""`` where nothing leads back.

    """

    target: str
    pins: tuple[Pin, ...] = ()
    around: str = ""
    behind: str = ""


class FilterWays:
    """Remembers what it has asked for, so that it gives up what does not work.

    Times are in seconds of any clock that only goes forward.
    """

    def __init__(self) -> None:
        self._asked: dict[int, tuple[str, float]] = {}
        self._moved: dict[int, str] = {}
        """Outlets that are where we have sent them, and stay there without a pin."""
        self._immovable: set[int] = set()

    def plan(
        self,
        choose: Callable[[Sequence[str]], str],
        devices: Sequence[str],
        ways: Sequence[Way],
        default: str,
        now_s: float,
    ) -> Plan:
        """Decide; with the same facts it decides the same.

        Parameters
        ----------
        choose : callable
            Chooses one of some devices, or none: ``""``.
        devices : sequence of str
            The real devices that are there, in the server's order of preference.
        ways : sequence of Way
            How other programs carry the sound on.
        default : str
            The default output, as it is or is about to be.

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
        """Return when `plan` is to be asked again even if nothing happens, or None."""
        return min((at_s + SETTLE_S for _, at_s in self._asked.values()), default=None)

    def _watch(self, ways: Sequence[Way], now_s: float) -> None:
        """See which outlets have gone where they were sent."""
        there = {way.outlet: way for way in ways}
        self._immovable &= set(there)
        for outlet, device in list(self._moved.items()):
            if outlet not in there or there[outlet].sink != device:
                del self._moved[outlet]
                if outlet in there and there[outlet].sink == OWN_DEVICE:
                    self._immovable.add(outlet)  # somebody wants it to be there
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
        """Free the outlets that need not be pinned, those of a former Entrain among them."""
        pinned = {way.outlet for way in ways if way.pin}
        for outlet in pinned - set(keep):
            self._asked.pop(outlet, None)
        return tuple(Pin(outlet, "") for outlet in sorted(pinned - set(keep)))
