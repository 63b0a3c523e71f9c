"""What is configured as default on a server that tells only which default is in effect.

PulseAudio does not tell its clients whether somebody has chosen the default, or whether it is
only the best device.  Decisions only: nothing here calls a server.
"""

from collections.abc import Sequence

from entrain.platform.adapter import OWN_DEVICE
from entrain.vdevice.device.arrivals import SAME_MOMENT_S


class ConfiguredDefault:
    """An estimate that follows the effective default from the first look on.

    Parameters
    ----------
    stored : str or None
        The choice that the server has written down, ``""`` for none; None: it is not known.

    """

    def __init__(self, stored: str | None = None) -> None:
        self.name = ""
        """The configured default; ``""`` where nobody has chosen one, as far as can be told."""
        self._stored = stored
        self._effective = ""
        self._devices: Sequence[str] = ()
        self._best_since_s = float("-inf")

    def observe(self, effective: str, devices: Sequence[str], now_s: float) -> str:
        """Return the configured default.

        Parameters
        ----------
        effective : str
            The default in effect; ``""`` before it is known.
        devices : sequence of str
            The real devices that are there, in the server's order of preference.
        now_s : float
            In seconds of any clock that only goes forward.

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
        """Note that the server has accepted this default from us."""
        self.name = name

    def _at_first(self, effective: str, devices: Sequence[str]) -> str:
        if effective == OWN_DEVICE:  # the least preferred one: for lack of others, or chosen
            return OWN_DEVICE if devices else ""
        stands_out = effective in devices and effective != devices[0]
        if stands_out or self._stored in (None, OWN_DEVICE):
            return effective if stands_out else ""
        # What was stored may be out of date: a present one would be in effect.
        stored = self._stored or ""
        return stored if stored == effective or stored not in devices else ""

    def _is_a_choice(self, before: str, now: str, devices: Sequence[str], now_s: float) -> bool:
        if now == OWN_DEVICE:
            return bool(devices)
        if now not in devices and now not in self._devices:
            # A device that is not listed yet, or a dummy, which nobody chooses.
            return before == OWN_DEVICE and bool(devices)
        if before != OWN_DEVICE and before not in devices:
            return False  # it has gone, and the server has taken another one
        # A device that has become the best one, as it was connected or something was plugged into
        # it, becomes the default by itself, unless another one is configured.
        by_itself = now in devices[:1] and now_s - self._best_since_s < SAME_MOMENT_S
        return self.name == before or not by_itself
