"""Carrying out what `VolumeMirror` and `UnpluggedPolicy` decide.

Runs on the main thread's asyncio loop; what may wait for the sound server is handed over.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sequence

from entrain.platform.adapter import Device
from entrain.vdevice.device.softened import Softened
from entrain.vdevice.device.sound_connection import SoundConnection
from entrain.vdevice.device.unplugged import UnpluggedPolicy
from entrain.vdevice.device.volume_mirror import VolumeMirror

VOLUME_LOOKS, VOLUME_LOOK_S = 10, 0.02
"""How often, and how far apart, the devices are listed until a new volume shows."""

_log = logging.getLogger(__name__)


class VolumeKeeper:
    """Keeps Entrain as loud as its target, and loudspeakers soft that take over from headphones.

    Parameters
    ----------
    connection : SoundConnection
        The way to the sound server.
    unplugged : UnpluggedPolicy
        What becomes of the volume where headphones are unplugged.
    changed : callable
        Called when what is turned down has changed.  What it returns is waited for before a
        volume is set.

    """

    def __init__(
        self,
        connection: SoundConnection,
        unplugged: UnpluggedPolicy,
        changed: Callable[[], Awaitable[None] | None],
    ) -> None:
        self._connection = connection
        self._unplugged = unplugged
        self._changed = changed
        self._mirror = VolumeMirror()

    def reconnected(self) -> None:
        """Forget the volumes of the former connection."""
        self._mirror = VolumeMirror()

    def session_manager_is_back(self) -> None:
        """Let the target's volume win: the session manager restores old ones now."""
        self._mirror.distrust(time.monotonic())

    def softened(self, heard_on: Sequence[Device]) -> Softened | None:
        """Return how one of these loudspeakers was turned down, if one was."""
        entries = map(self._unplugged.in_effect, heard_on)
        return next((entry for entry in entries if entry), None)

    async def quieten(self, heard_on: Sequence[Device], *, carries: bool, chosen: bool) -> None:
        """Turn down loudspeakers that take over from headphones, before they are played on.

        Where the server has sent the sound there already, as it does with that of a filter, and
        between sockets of one device, Entrain is silent meanwhile.  `UnpluggedPolicy.arrive` says
        what the parameters are.
        """
        if not heard_on:
            return
        connection = self._connection
        wanted = self._unplugged.arrive(
            heard_on, connection.devices, carries=carries, chosen=chosen, now_s=time.monotonic()
        )
        if not wanted:
            return
        if connection.backend is not None:
            connection.backend.set_target("")
        before = {device.name: device.volume for device in heard_on}
        # On disk first: after a crash the volume before must be known.
        if (saving := self._changed()) is not None:
            await saving
        for name, volume in wanted:
            _log.info("headphones were unplugged: %s is set to %s", name, volume)
            await connection.set_volume(name, volume)
        for _ in range(VOLUME_LOOKS):  # until it holds, and the mirror will see it
            await connection.look()
            late = (device for name, _ in wanted if (device := connection.find(name)))
            if not any(device.volume == before[device.name] for device in late):
                return
            await asyncio.sleep(VOLUME_LOOK_S)

    async def confirm(self, heard_on: Sequence[Device]) -> None:
        """Set back the loudspeakers that the user wants to hear as loud as before."""
        for device in heard_on:
            volume = self._unplugged.confirm(device, time.monotonic())
            if volume:
                await self._connection.set_volume(device.name, volume)
                self._changed()

    async def look_after_softened(self, in_use: Collection[str]) -> None:
        """Set loudspeakers back that were turned down, where it is time for that.

        Those are turned down again whose volume something else has brought back meanwhile.

        Parameters
        ----------
        in_use : collection of str
            Names of the devices on which the sound is heard.

        """
        before = self._unplugged.entries
        devices = {device.name: device for device in self._connection.real}
        wanted = self._unplugged.observe(devices, in_use, time.monotonic())
        # On disk first: a loudspeaker may be turned down anew here, too.
        if self._unplugged.entries != before and (saving := self._changed()) is not None:
            await saving
        for name, volume in wanted:
            _log.info("%s is set to %s", name, volume)
            await self._connection.set_volume(name, volume)

    async def mirror(self, target: str) -> None:
        """Show the target's volume on Entrain, or give the target Entrain's."""
        connection = self._connection
        if connection.server is None:
            return
        own, device = connection.own, connection.find(target)
        volumes = (own.volume if own else None, device.volume if device else None)
        for name, wanted in self._mirror.observe(*volumes, target, time.monotonic()):
            await connection.set_volume(name, wanted)

    async def set_back(self) -> None:
        """Set loudspeakers back before quitting, but none on which something plays.

        What plays goes on there without Entrain, and would be louder at once.
        """
        connection = self._connection
        state = connection.state
        for device in connection.real:
            volume = self._unplugged.as_before(device)
            if volume is None or state is None:
                continue
            if state.playing or device.state == "running":
                _log.warning("%s stays turned down, since something plays there", device.name)
            else:
                await connection.set_volume(device.name, volume)

    def wake_s(self) -> float | None:
        """Return when there is something to do even if nothing happens, or None."""
        times = (self._mirror.wake_s(), self._unplugged.wake_s())
        return min((at_s for at_s in times if at_s), default=None)
