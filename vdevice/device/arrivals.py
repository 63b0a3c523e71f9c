"""Which devices have only just been connected.

A default that changes in the moment in which a device comes was changed by the server, or by one
of its modules; nobody chooses that quickly.
"""

from collections.abc import Sequence

SAME_MOMENT_S = 2.0
"""For how long a device is new, in seconds."""


class Arrivals:
    """When each device has come.  Times are in seconds of any clock that only goes forward."""

    def __init__(self) -> None:
        self._since_s: dict[str, float] | None = None

    def observe(self, devices: Sequence[str], now_s: float) -> bool:
        """Note the devices that are there, and tell whether one has come since the last look.

        Those of the first look have always been there.
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
        """Take these devices as those that have always been there."""
        self._since_s = dict.fromkeys(devices, float("-inf"))

    def is_new(self, name: str, now_s: float) -> bool:
        """Tell whether this device has just come."""
        since_s = (self._since_s or {}).get(name, float("-inf"))
        return now_s - since_s < SAME_MOMENT_S

    def any_new(self, now_s: float) -> bool:
        """Tell whether any device has just come."""
        return any(self.is_new(name, now_s) for name in self._since_s or {})
