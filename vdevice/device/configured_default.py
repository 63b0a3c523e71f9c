"""Estimates the configured default on a server that reports only the effective default.

PulseAudio does not report whether a user has chosen the default, or whether it is just the best
device.  This module only makes decisions; it does not call a server.
"""

from collections.abc import Sequence

from entrain.platform.adapter import OWN_DEVICE
from entrain.vdevice.device.arrivals import SAME_MOMENT_S


class ConfiguredDefault:
    """An estimate of the configured default, made from the effective default and the devices.

    Parameters
    ----------
    stored : str or None
        The choice in the server's file, ``""`` if it has none; None: unknown.

    """

    def __init__(self, stored: str | None = None) -> None:
        self.name = ""
        """The configured default; ``""`` if, as far as known, no user has chosen one."""
        self._stored = stored
        self._effective = ""
        self._devices: Sequence[str] = ()
        self._best_since_s = float("-inf")

    def observe(self, effective: str, devices: Sequence[str], now_s: float) -> str:
        """Return the configured default.

        Parameters
        ----------
        effective : str
            The default in effect; ``""`` while it is unknown.
        devices : sequence of str
            The connected real devices, in the server's order of preference.
        now_s : float
            Seconds of any monotonic clock.

        """
        if not effective:
            return self.name
        if self._effective and devices[:1] != self._devices[:1]:
            self._best_since_s = now_s
        before, self._effective = self._effective, effective
        if not before:
            self.name = self.name or self._at_first(effective, devices)
        elif effective != before and self._is_a_choice(before, effective, devices, now_s):
            self.name = effective
        self._devices = devices
        return self.name

    def written(self, name: str) -> None:
        """Note that the server has accepted this default from Entrain."""
        self.name = name

    def _at_first(self, effective: str, devices: Sequence[str]) -> str:
        if effective == OWN_DEVICE:  # it has the lowest priority: it is the only device, or chosen
            return OWN_DEVICE if devices else ""
        stands_out = effective in devices and effective != devices[0]
        if stands_out or self._stored in (None, OWN_DEVICE):
            return effective if stands_out else ""
        # The stored choice may be out of date: if its device were connected, it would be in effect.
        stored = self._stored or ""
        return stored if stored == effective or stored not in devices else ""

    def _is_a_choice(self, before: str, now: str, devices: Sequence[str], now_s: float) -> bool:
        if now == OWN_DEVICE:
            return bool(devices)
        if now not in devices and now not in self._devices:
            # The device is not listed yet, or it is a dummy, which users do not choose.
            return before == OWN_DEVICE and bool(devices)
        if before != OWN_DEVICE and before not in devices:
            return False  # the device has gone, and the server has chosen another one
        # When a device is connected, or headphones are plugged into it, it may become the best one.
        # Then the server makes it the default by itself, unless another one is configured.
        by_itself = now in devices[:1] and now_s - self._best_since_s < SAME_MOMENT_S
        return self.name == before or not by_itself
