"""Decides the volume when headphones are unplugged and a loudspeaker takes over.

This module only makes decisions; it does not call a server.  Entrain turns down the loudspeaker's
own volume before the first sample plays there.  So its slider shows the volume, the volume keys
raise it, and the sound does not get louder when Entrain ends.

The former volume is stored.  It is set back when no sound plays on that loudspeaker any more, or
when the user wishes so, but only if no other app has changed the volume meanwhile.  The entry is
kept until the server has saved the volume, because a server that crashes restores its saved one.
"""

import logging
from collections.abc import Collection, Mapping, Sequence

from entrain.platform.adapter import Device, Form, Volume
from entrain.vdevice.device.softened import SOFTER, TOLERANCE, Softened, are_close
from entrain.vdevice.limits import Unplugged

SETTLE_S = 0.5
"""Time after a change in which a session manager may restore a volume of its own, in seconds."""

AWAY_S = 1.0
"""Time without sound after which a loudspeaker gets its volume back, in seconds.

It is also the time after which a different volume counts as set by another app.
"""

UNPLUGGED_S = 1.0
"""Longest time that the headphones stay listed after the sound has moved, in seconds."""

KEPT_S = 15.0
"""Time for which an entry is kept after its volume was set back, in seconds.

PulseAudio saves volumes after 10 s, WirePlumber after 1 s.
"""


MOST_ENTRIES = 32

_log = logging.getLogger(__name__)


class UnpluggedPolicy:
    """Remembers loudspeakers that Entrain has turned down.  Times are monotonic, in seconds.

    Parameters
    ----------
    setting : str
        What to do when headphones are unplugged.
    entries : sequence of Softened
        Loudspeakers that an earlier Entrain has turned down.

    """

    def __init__(self, setting: Unplugged = "softer", entries: Sequence[Softened] = ()) -> None:
        self.setting = setting
        self._entries = {entry.device: entry for entry in entries[-MOST_ENTRIES:]}
        self._heard_on: tuple[Device, ...] = ()
        self._left: tuple[Device, ...] = ()
        """The former devices, as long as they may turn out to be unplugged."""
        self._left_at_s = 0.0
        self._settles_until_s: dict[str, float] = {}
        """Time until which a loudspeaker that was turned down is watched."""
        self._earlier: dict[str, Softened] = {}
        """Former entries of these loudspeakers."""
        self._away_since_s: dict[str, float] = {}
        self._changed_since_s: dict[str, float] = {}
        self._set_back_at_s: dict[str, float] = {}
        """Times at which volumes were set back, for entries that are kept for `KEPT_S`."""

    @property
    def entries(self) -> tuple[Softened, ...]:
        """All entries, for the stored state."""
        return tuple(self._entries.values())

    def in_effect(self, heard_on: Device) -> Softened | None:
        """Return the entry of a device if it is turned down now."""
        name, entry = heard_on.name, self._entries.get(heard_on.name)
        if entry is None or heard_on.form != "speakers" or name in self._set_back_at_s:
            return None
        # An earlier Entrain may have set this volume back when it ended.
        is_ours = name in self._settles_until_s or entry.is_as_left(heard_on.volume)
        return entry if is_ours else None

    def arrive(
        self,
        heard_on: Sequence[Device],
        devices: Sequence[Device],
        *,
        carries: bool,
        chosen: bool,
        now_s: float,
    ) -> list[tuple[str, Volume]]:
        """Decide on volumes before sound plays on devices; call it for present devices, too.

        Parameters
        ----------
        heard_on : sequence of Device
            The devices that play the sound from now on: the target, or the devices behind a filter.
        devices : sequence of Device
            All connected devices.
        carries : bool
            The sound on these devices passes Entrain.
        chosen : bool
            The user has just chosen these devices.
        now_s : float
            The time.

        Returns
        -------
        list of (str, Volume)
            Volumes to set before the sound plays.

        """
        before, self._heard_on = self._heard_on, tuple(heard_on)
        if _places(before) != _places(heard_on):
            self._left, self._left_at_s = before, now_s
        left = self._left
        if chosen or not carries or now_s - self._left_at_s > UNPLUGGED_S:
            self._left = ()
            return []
        # From one loudspeaker to the next: the reason is still the missing headphones.
        if not all(device.form == "headphones" or self.in_effect(device) for device in left):
            return []
        if not left or not all(_is_unplugged(device, devices) for device in left):
            return []
        self._left = ()
        new = [device for device in heard_on if device.form == "speakers"]
        volumes = [
            (device.name, self._turn_down(device, left, now_s))
            for device in new
            if not _places([device]) & _places(left)
        ]
        return [(name, volume) for name, volume in volumes if volume is not None]

    def observe(
        self,
        devices: Mapping[str, Device],
        in_use: Collection[str],
        now_s: float,
    ) -> list[tuple[str, Volume]]:
        """Watch the loudspeakers that are turned down.

        Parameters
        ----------
        devices : mapping of Device
            All connected devices, by name.
        in_use : collection of str
            The devices that play the sound of Entrain or of the default output.
        now_s : float
            The time.

        Returns
        -------
        list of (str, Volume)
            Volumes to set.

        """
        wanted = []
        for name, entry in list(self._entries.items()):
            device = devices.get(name)
            if name in self._set_back_at_s:
                age_s = now_s - self._set_back_at_s[name]
                # A restarted server means a new connection, so another app has set this volume.
                is_changed = device is not None and entry.is_as_left(device.volume)
                if age_s >= KEPT_S or (is_changed and age_s >= SETTLE_S):
                    self._forget(name)
                continue
            if device is None:
                self._away_since_s.pop(name, None)
                self._changed_since_s.pop(name, None)
                continue
            if len(device.volume.channels) != len(entry.after):
                _log.warning("%s has a new number of channels; its volume stays as it is", name)
                self._forget(name)
                continue
            if device.form != "speakers":
                volume = self._at_headphones(entry, device, now_s)
            elif name in in_use:
                self._away_since_s.pop(name, None)
                volume = self._where_it_plays(entry, device, now_s)
            else:
                volume = self._left_behind(entry, device, now_s)
            if volume is not None:
                wanted.append((name, volume))
        return wanted

    def confirm(self, device: Device, now_s: float) -> Volume | None:
        """Return the former volume for a loudspeaker that the user wants as loud as before."""
        entry = self.in_effect(device)
        if entry is None:
            return None
        if not entry.is_as_left(device.volume):
            self._forget(entry.device)
            return None
        self._keep_for_a_while(entry, now_s)
        return entry.restored(device.volume)

    def as_before(self, device: Device) -> Volume | None:
        """Return the former volume of a loudspeaker that is still turned down; keep the entry."""
        entry = self._entries.get(device.name)
        if entry is None or device.form != "speakers" or not entry.is_as_left(device.volume):
            return None
        return entry.restored(device.volume)

    def reconnected(self) -> None:
        """Check again volumes that were set back lately; call this after the server's restart."""
        self._set_back_at_s.clear()

    def wake_s(self) -> float | None:
        """Return when to call `observe` again even without news, or None."""
        times = [
            *(at_s + AWAY_S for at_s in self._away_since_s.values()),
            *(at_s + AWAY_S for at_s in self._changed_since_s.values()),
            *(at_s + KEPT_S for at_s in self._set_back_at_s.values()),
        ]
        return min(times, default=None)

    # ---- internals -------------------------------------------------------------------------

    def _turn_down(self, device: Device, left: Sequence[Device], now_s: float) -> Volume | None:
        levels = device.volume.channels
        earlier = self._entries.get(device.name)
        if earlier is not None and earlier.is_as_left(device.volume):
            levels = earlier.levels  # Entrain has turned it down already; do not do it twice
        elif device.volume.muted:
            return None
        if self.setting == "same" or not any(levels):
            return None
        headphones = [other.volume.channels for other in left if other.name == device.name]
        entry = Softened(
            device=device.name,
            before=levels,
            after=levels if self.setting == "silent" else _softer(levels),
            silent=self.setting == "silent",
            headphones=headphones[0] if headphones else None,
        )
        self._forget(device.name)
        self._entries[device.name] = entry
        self._settles_until_s[device.name] = now_s + SETTLE_S
        if earlier is not None:
            self._earlier[device.name] = earlier
        while len(self._entries) > MOST_ENTRIES:
            self._forget(next(iter(self._entries)))
        is_quiet = device.volume.muted == entry.silent and are_close(
            device.volume.channels, entry.after
        )
        return None if is_quiet else entry.quiet

    def _where_it_plays(self, entry: Softened, device: Device, now_s: float) -> Volume | None:
        settles = now_s < self._settles_until_s.get(entry.device, 0.0)
        if settles and _is_louder(device.volume, entry.quiet):
            # The session manager has restored a volume of its own, or Entrain's is on its way.
            earlier, levels = self._earlier.get(entry.device), device.volume.channels
            if earlier and earlier.is_as_left(device.volume):
                self._entries[device.name] = earlier
                return None
            # The user may have set it with the headphones in mind: never get louder than before.
            if len(levels) == len(entry.before):
                levels = tuple(map(min, levels, entry.before))
            after = levels if entry.silent else _softer(levels)
            entry = entry.model_copy(update={"before": levels, "after": after})
            self._entries[device.name] = entry
            return entry.quiet
        self._drop_if_changed(entry, device, now_s)
        return None

    def _left_behind(self, entry: Softened, device: Device, now_s: float) -> Volume | None:
        """Set the volume back when no more sound can arrive there."""
        if self._drop_if_changed(entry, device, now_s):
            self._away_since_s.pop(entry.device, None)
            return None
        if now_s - self._away_since_s.setdefault(entry.device, now_s) < AWAY_S:
            return None
        self._keep_for_a_while(entry, now_s)
        return entry.restored(device.volume)

    def _at_headphones(self, entry: Softened, device: Device, now_s: float) -> Volume | None:
        """Restore the headphones' volume, if the server does not keep one for each port."""
        self._changed_since_s.pop(entry.device, None)
        if entry.headphones is None or not entry.is_as_left(device.volume):
            self._away_since_s.pop(entry.device, None)
            return None
        if now_s - self._away_since_s.setdefault(entry.device, now_s) < AWAY_S:
            return None
        self._keep_for_a_while(entry, now_s)
        levels = tuple(min(level, 1.0) for level in entry.headphones)
        return Volume(levels, device.volume.muted and not entry.silent)

    def _drop_if_changed(self, entry: Softened, device: Device, now_s: float) -> bool:
        """Forget the entry if another app has changed the volume; return whether it differs now."""
        if entry.is_as_left(device.volume):
            self._changed_since_s.pop(entry.device, None)
            return False
        since_s = self._changed_since_s.setdefault(entry.device, now_s)
        if now_s - since_s >= AWAY_S:
            self._forget(entry.device)
        return True

    def _keep_for_a_while(self, entry: Softened, now_s: float) -> None:
        self._set_back_at_s[entry.device] = now_s
        self._away_since_s.pop(entry.device, None)
        self._changed_since_s.pop(entry.device, None)

    def _forget(self, name: str) -> None:
        self._set_back_at_s.pop(name, None)
        self._entries.pop(name, None)
        self._earlier.pop(name, None)
        self._settles_until_s.pop(name, None)
        self._away_since_s.pop(name, None)
        self._changed_since_s.pop(name, None)


def _places(devices: Sequence[Device]) -> set[tuple[str, Form]]:
    return {(device.name, device.form) for device in devices}


def _is_unplugged(before: Device, devices: Sequence[Device]) -> bool:
    """Return whether a device was unplugged, not just left for another one."""
    now = next((device for device in devices if device.name == before.name), None)
    if now is None:
        return True
    if before.form != "headphones":
        return False
    if now.headphones_in is not None:
        return not now.headphones_in
    return now.form != "headphones"


def _is_louder(one: Volume, other: Volume) -> bool:
    if one.muted or other.muted:
        return other.muted and not one.muted
    return max(one.channels) > max(other.channels) + TOLERANCE


def _softer(levels: Sequence[float]) -> tuple[float, ...]:
    return tuple(SOFTER * level for level in levels)
