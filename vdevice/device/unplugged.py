"""What happens to the volume when headphones are unplugged and a loudspeaker takes over.

Decisions only: nothing here calls a server.  The loudspeaker's own volume is turned down, before
the first sample is played there, so that its slider shows it, the volume keys bring it back, and
nothing gets louder when Entrain ends.  What was turned down is written down with the volume
before, and set back when the sound has left that loudspeaker, or when the user wishes so; but only
while nobody else has changed that volume.  It stays written down until the server has saved the
volume, which a server that crashes brings back as it has saved it.
"""

import logging
from collections.abc import Collection, Mapping, Sequence

from entrain.platform.adapter import Device, Form, Volume
from entrain.vdevice.device.softened import SOFTER, TOLERANCE, Softened, are_close
from entrain.vdevice.limits import Unplugged

SETTLE_S = 0.5
"""For how long after a change a session manager may still bring back a volume of its own."""

AWAY_S = 1.0
"""For how long the sound must have left a loudspeaker before that gets its volume back, and for
how long a volume must differ from ours to count as somebody else's."""

UNPLUGGED_S = 1.0
"""For how long after the sound has moved the headphones may still be listed, in seconds."""

KEPT_S = 15.0
"""For how long an entry is kept after the volume was set back, in seconds: PulseAudio saves
volumes after 10 s, WirePlumber after 1 s."""


MOST_ENTRIES = 32

_log = logging.getLogger(__name__)


class UnpluggedPolicy:
    """Remembers what was turned down, and decides.  Times only go forward, in seconds.

    Parameters
    ----------
    setting : str
        What to do when headphones are unplugged.
    entries : sequence of Softened
        What was turned down when Entrain ran last.

    """

    def __init__(self, setting: Unplugged = "softer", entries: Sequence[Softened] = ()) -> None:
        self.setting = setting
        self._entries = {entry.device: entry for entry in entries[-MOST_ENTRIES:]}
        self._heard_on: tuple[Device, ...] = ()
        self._left: tuple[Device, ...] = ()
        """Where the sound was heard before, as long as that may turn out to be unplugged."""
        self._left_at_s = 0.0
        self._settles_until_s: dict[str, float] = {}
        """Until when a loudspeaker that has just been turned down is watched."""
        self._earlier: dict[str, Softened] = {}
        """What was known of those loudspeakers before."""
        self._away_since_s: dict[str, float] = {}
        self._changed_since_s: dict[str, float] = {}
        self._set_back_at_s: dict[str, float] = {}
        """When the volume was set back of those whose entry is only kept for a while."""

    @property
    def entries(self) -> tuple[Softened, ...]:
        """What is turned down, to be stored."""
        return tuple(self._entries.values())

    def in_effect(self, heard_on: Device) -> Softened | None:
        """Return what was done to a loudspeaker that is heard, if anything was."""
        name, entry = heard_on.name, self._entries.get(heard_on.name)
        if entry is None or heard_on.form != "speakers" or name in self._set_back_at_s:
            return None
        # One of an earlier run may have been set back at its end.
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
        """Decide on the volume before sound is heard on devices; for the present ones, too.

        Parameters
        ----------
        heard_on : sequence of Device
            The devices on which the sound is heard from now on: the one that is played on, or
            those behind the filter that is played on.
        devices : sequence of Device
            All that are there.
        carries : bool
            The sound that goes there goes through Entrain.
        chosen : bool
            The user has just chosen them.
        now_s : float
            The time.

        Returns
        -------
        list of (str, Volume)
            Devices to be set first.

        """
        before, self._heard_on = self._heard_on, tuple(heard_on)
        if _places(before) != _places(heard_on):
            self._left, self._left_at_s = before, now_s
        left = self._left
        if chosen or not carries or now_s - self._left_at_s > UNPLUGGED_S:
            self._left = ()
            return []
        # From one loudspeaker to the next it is still because the headphones are missing.
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
        """Look after what was turned down.

        Parameters
        ----------
        devices : mapping of Device
            All that are there, by name.
        in_use : collection of str
            The devices on which Entrain, or the default output, is heard.
        now_s : float
            The time.

        Returns
        -------
        list of (str, Volume)
            Devices to be set.

        """
        wanted = []
        for name, entry in list(self._entries.items()):
            device = devices.get(name)
            if name in self._set_back_at_s:
                age_s = now_s - self._set_back_at_s[name]
                # A server that has crashed is connected to anew: so it was somebody else.
                is_changed = device is not None and entry.is_as_left(device.volume)
                if age_s >= KEPT_S or (is_changed and age_s >= SETTLE_S):
                    self._forget(name)
                continue
            if device is None:
                self._away_since_s.pop(name, None)
                self._changed_since_s.pop(name, None)
                continue
            if len(device.volume.channels) != len(entry.after):
                _log.warning("%s has another number of channels; its volume stays as it is", name)
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
        """The user wants to hear a loudspeaker as loud as before."""
        entry = self.in_effect(device)
        if entry is None:
            return None
        if not entry.is_as_left(device.volume):
            self._forget(entry.device)
            return None
        self._keep_for_a_while(entry, now_s)
        return entry.restored(device.volume)

    def as_before(self, device: Device) -> Volume | None:
        """Return the volume before that of a loudspeaker was turned down, if it still is.

        Nothing is forgotten.
        """
        entry = self._entries.get(device.name)
        if entry is None or device.form != "speakers" or not entry.is_as_left(device.volume):
            return None
        return entry.restored(device.volume)

    def reconnected(self) -> None:
        """Doubt what was set back lately: to be called when the server has been started again."""
        self._set_back_at_s.clear()

    def wake_s(self) -> float | None:
        """Return when `observe` is to be called again even if nothing happens, or None."""
        times = [
            *(at_s + AWAY_S for at_s in self._away_since_s.values()),
            *(at_s + AWAY_S for at_s in self._changed_since_s.values()),
            *(at_s + KEPT_S for at_s in self._set_back_at_s.values()),
        ]
        return min(times, default=None)

    # ---- inside ----------------------------------------------------------------------------

    def _turn_down(self, device: Device, left: Sequence[Device], now_s: float) -> Volume | None:
        levels = device.volume.channels
        earlier = self._entries.get(device.name)
        if earlier is not None and earlier.is_as_left(device.volume):
            levels = earlier.levels  # it was turned down by us, and is not once more
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
            # The session manager has brought back a volume of its own, or ours is on its way.
            earlier, levels = self._earlier.get(entry.device), device.volume.channels
            if earlier and earlier.is_as_left(device.volume):
                self._entries[device.name] = earlier
                return None
            # It may also be the user's, who has the headphones in mind: never louder than before.
            if len(levels) == len(entry.before):
                levels = tuple(map(min, levels, entry.before))
            after = levels if entry.silent else _softer(levels)
            entry = entry.model_copy(update={"before": levels, "after": after})
            self._entries[device.name] = entry
            return entry.quiet
        self._drop_if_changed(entry, device, now_s)
        return None

    def _left_behind(self, entry: Softened, device: Device, now_s: float) -> Volume | None:
        """Set it back once nothing can be on its way there any more."""
        if self._drop_if_changed(entry, device, now_s):
            self._away_since_s.pop(entry.device, None)
            return None
        if now_s - self._away_since_s.setdefault(entry.device, now_s) < AWAY_S:
            return None
        self._keep_for_a_while(entry, now_s)
        return entry.restored(device.volume)

    def _at_headphones(self, entry: Softened, device: Device, now_s: float) -> Volume | None:
        """Servers keep a volume for each port; one that does not is helped."""
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
        """Forget what somebody has changed since; tells whether it differs now."""
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
    """Tell whether what was played on has gone, rather than been left by choice."""
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
