"""Carries out the decisions of `VolumeMirror` and `UnpluggedPolicy`.

Runs on the main thread's asyncio loop; calls that may wait for the sound server run elsewhere.
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
"""Number of looks at the devices until a new volume shows, and the pause between them."""

_log = logging.getLogger(__name__)


class VolumeKeeper:
    """Keeps Entrain's volume equal to its target's, and loudspeakers soft after headphones.

    Parameters
    ----------
    connection : SoundConnection
        The connection to the sound server.
    unplugged : UnpluggedPolicy
        Decides the volume after headphones were unplugged.
    changed : callable
        Called after the list of turned-down devices has changed.  The object that it returns is
        awaited before a volume is set.

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
        """Let the target's volume win, because the session manager is restoring old volumes."""
        self._mirror.distrust(time.monotonic())

    def softened(self, heard_on: Sequence[Device]) -> Softened | None:
        """Return the entry of one of these devices that is turned down, or None."""
        entries = map(self._unplugged.in_effect, heard_on)
        return next((entry for entry in entries if entry), None)

    async def quieten(self, heard_on: Sequence[Device], *, carries: bool, chosen: bool) -> None:
        """Turn down loudspeakers that take over from headphones, before Entrain plays on them.

        If the server has sent the sound there already (as it does for filters, and between ports
        of one device), Entrain is silent meanwhile.  `UnpluggedPolicy.arrive` describes the
        parameters.
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
        # Save first: after a crash, the next start must find the former volume.
        if (saving := self._changed()) is not None:
            await saving
        for name, volume in wanted:
            _log.info("headphones were unplugged: %s is set to %s", name, volume)
            await connection.set_volume(name, volume)
        for _ in range(VOLUME_LOOKS):  # until the server lists the new volume
            await connection.look()
            late = (device for name, _ in wanted if (device := connection.find(name)))
            if not any(device.volume == before[device.name] for device in late):
                return
            await asyncio.sleep(VOLUME_LOOK_S)

    async def confirm(self, heard_on: Sequence[Device]) -> None:
        """Restore the volume of loudspeakers that the user wants as loud as before."""
        for device in heard_on:
            volume = self._unplugged.confirm(device, time.monotonic())
            if volume:
                await self._connection.set_volume(device.name, volume)
                self._changed()

    async def look_after_softened(self, in_use: Collection[str]) -> None:
        """Restore the volume of loudspeakers that no longer need to be soft.

        If the session manager has restored a louder volume meanwhile, turn the loudspeaker down
        again.

        Parameters
        ----------
        in_use : collection of str
            Names of the devices that play the sound.

        """
        before = self._unplugged.entries
        devices = {device.name: device for device in self._connection.real}
        wanted = self._unplugged.observe(devices, in_use, time.monotonic())
        # Save first: this may turn a loudspeaker down, too.
        if self._unplugged.entries != before and (saving := self._changed()) is not None:
            await saving
        for name, volume in wanted:
            _log.info("%s is set to %s", name, volume)
            await self._connection.set_volume(name, volume)

    async def mirror(self, target: str) -> None:
        """Show the target's volume on Entrain, or set the target to Entrain's."""
        connection = self._connection
        if connection.server is None:
            return
        own, device = connection.own, connection.find(target)
        volumes = (own.volume if own else None, device.volume if device else None)
        for name, wanted in self._mirror.observe(*volumes, target, time.monotonic()):
            await connection.set_volume(name, wanted)

    async def set_back(self) -> None:
        """Restore the volume of loudspeakers before quitting, unless an app plays there.

        That app continues on the loudspeaker without Entrain, and would suddenly be louder.
        """
        connection = self._connection
        state = connection.state
        for device in connection.real:
            volume = self._unplugged.as_before(device)
            if volume is None or state is None:
                continue
            if state.playing or device.state == "running":
                _log.warning("%s stays turned down, because an app is playing there", device.name)
            else:
                await connection.set_volume(device.name, volume)

    def wake_s(self) -> float | None:
        """Return when to look again even without news, or None."""
        times = (self._mirror.wake_s(), self._unplugged.wake_s())
        return min((at_s for at_s in times if at_s), default=None)
