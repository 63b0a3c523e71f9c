"""Remembers which devices were connected just now.

If the default changes as a device is connected, then the server or one of its modules has changed
it: a user does not choose that quickly.
"""

from collections.abc import Sequence

SAME_MOMENT_S = 2.0
"""Time for which a device counts as new, in seconds."""


class Arrivals:
    """The time at which each device was connected, in seconds of any monotonic clock."""

    def __init__(self) -> None:
        self._since_s: dict[str, float] | None = None

    def observe(self, devices: Sequence[str], now_s: float) -> bool:
        """Note the present devices, and return whether any device is new since the last look.

        Devices of the first look do not count as new.
        """
        if self._since_s is None:
            self.restart(devices)
            return False
        before, self._since_s = (
            self._since_s,
            {name: self._since_s.get(name, now_s) for name in devices},
        )
        return not before.keys() >= self._since_s.keys()

    def restart(self, devices: Sequence[str]) -> None:
        """Begin again: these devices do not count as new."""
        self._since_s = dict.fromkeys(devices, float("-inf"))

    def is_new(self, name: str, now_s: float) -> bool:
        """Return whether this device is new."""
        since_s = (self._since_s or {}).get(name, float("-inf"))
        return now_s - since_s < SAME_MOMENT_S

    def any_new(self, now_s: float) -> bool:
        """Return whether any device is new."""
        return any(self.is_new(name, now_s) for name in self._since_s or {})
