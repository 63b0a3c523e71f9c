"""Carrying out what `DefaultPolicy` decides.

Runs on the main thread's asyncio loop; what may wait for the sound server is handed over.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from entrain.vdevice.device import default_policy as policy
from entrain.vdevice.device.sound_connection import SoundConnection
from entrain.vdevice.limits import Mode

_log = logging.getLogger(__name__)


class DefaultKeeper:
    """Keeps Entrain on or off, and the default output what it is to be then.

    Parameters
    ----------
    connection : SoundConnection
        The way to the sound server.
    decides : DefaultPolicy
        Whether Entrain is on, in which mode, and what was the default before.
    changed : callable
        Called when any of that has changed.  What it returns is waited for before a default is
        set.

    """

    def __init__(
        self,
        connection: SoundConnection,
        decides: policy.DefaultPolicy,
        changed: Callable[[], Awaitable[None] | None],
    ) -> None:
        self.reason = ""
        """Why Entrain is off, one line."""
        self.alone = False
        """Whether the protocol is to be heard without any player, while Entrain is on."""
        self._connection = connection
        self._decides = decides
        self._changed = changed

    @property
    def on(self) -> bool:
        """Whether Entrain is switched on; in `default` mode it then is the default output."""
        return self._decides.on

    @property
    def mode(self) -> Mode:
        """How programmes come to Entrain."""
        return self._decides.mode

    @property
    def takes(self) -> bool:
        """Whether Entrain is, or is to be, the default output."""
        return self.on and self.mode == "default"

    @property
    def plays_alone(self) -> bool:
        """Whether the protocol is heard without any player, which keeps the real device awake."""
        return self.on and self.alone

    async def open_backend(self, target: str) -> None:
        """Open the back end as things stand, to play on this device."""
        await self._connection.open(
            target, smart=self._smart, alone=self.plays_alone, former=self._decides.former
        )
        self.tell_backend()  # what was asked for meanwhile
        self.session_restarted()

    def session_restarted(self) -> None:
        """Take what the server says next as what is found at a start."""
        self._decides.session_restarted()

    def seen(self) -> policy.Defaults:
        """Return what there is to decide on."""
        return self._connection.defaults(time.monotonic())

    def switch(self, on: bool, reason: str) -> Sequence[policy.Action]:
        """Be on or off; `carry_out` is to follow.  `reason` tells why it is off."""
        act = self._decides.switch_on if on else self._decides.switch_off
        self.reason = reason
        return act(self.seen(), time.monotonic())

    async def set_mode(self, mode: Mode) -> None:
        """Change how programmes come to Entrain; raises `EntrainError`."""
        await self.carry_out(self._decides.set_mode(mode, self.seen(), time.monotonic()))

    def observe(self, seen: policy.Defaults) -> Sequence[policy.Action]:
        """React to what the server says; `carry_out` is to follow."""
        actions = self._decides.observe(seen, time.monotonic())
        for action in actions:  # now, so that nobody sees it off without the reason
            if isinstance(action, policy.SwitchOn | policy.SwitchOff):
                self.reason = action.reason
        return actions

    async def give_back(self) -> None:
        """Let a real device be the default, while ours stays; raises `EntrainError`."""
        await self.carry_out(self._decides.give_back(self.seen(), time.monotonic()))

    async def leave(self) -> None:
        """Leave the default as it would be without us, before our device goes."""
        await self.carry_out(self._decides.leave(self.seen(), time.monotonic()))

    async def carry_out(self, actions: Sequence[policy.Action]) -> None:
        """Do what was decided; raises `EntrainError`."""
        for action in actions:
            _log.info("%s", action)
            match action:
                case policy.SetDefault(name):
                    # On disk first: a crash right after must find the former default.
                    if (saving := self._changed()) is not None:
                        await saving
                    await self._connection.set_default(name)
                case policy.SwitchOn() | policy.SwitchOff():
                    self.reason = action.reason
                case policy.Remember(former):
                    if backend := self._connection.backend:
                        backend.set_former(former)
        if actions:
            self.tell_backend()
            self._changed()

    def tell_backend(self) -> None:
        """Let the back end do what goes with on and off, the mode and the protocol."""
        if backend := self._connection.backend:
            backend.set_smart(self._smart)
            backend.set_alone(self.plays_alone)

    def wanted(self, devices: Sequence[str]) -> str:
        """Return the real device that would be the default without Entrain, or ``""``."""
        return self._decides.wanted(devices)

    def wake_s(self) -> float | None:
        """Return when `observe` is to be called again even if nothing happens, or None."""
        return self._decides.wake_s()

    @property
    def _smart(self) -> bool:
        return self.on and self.mode == "smart"
