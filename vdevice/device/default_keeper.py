"""Carries out the decisions of `DefaultPolicy`.

Runs on the main thread's asyncio loop; calls that may wait for the sound server run elsewhere.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from entrain.vdevice.device import default_policy as policy
from entrain.vdevice.device.sound_connection import SoundConnection
from entrain.vdevice.limits import Mode

_log = logging.getLogger(__name__)


class DefaultKeeper:
    """Keeps Entrain on or off, and the default output as decided.

    Parameters
    ----------
    connection : SoundConnection
        The connection to the sound server.
    decides : DefaultPolicy
        Knows whether Entrain is on, its mode, and the former default.
    changed : callable
        Called after a change of these.  The object that it returns is awaited before a default is
        set.

    """

    def __init__(
        self,
        connection: SoundConnection,
        decides: policy.DefaultPolicy,
        changed: Callable[[], Awaitable[None] | None],
    ) -> None:
        self.reason = ""
        """The reason why Entrain is off, one line."""
        self.alone = False
        """Whether the protocol plays without any app while Entrain is on."""
        self._connection = connection
        self._decides = decides
        self._changed = changed

    @property
    def on(self) -> bool:
        """Whether Entrain is switched on; in `default` mode it then is the default output."""
        return self._decides.on

    @property
    def mode(self) -> Mode:
        """The sound that Entrain processes."""
        return self._decides.mode

    @property
    def takes(self) -> bool:
        """Whether Entrain is, or should become, the default output."""
        return self.on and self.mode == "default"

    @property
    def plays_alone(self) -> bool:
        """Whether the protocol plays without any app, which keeps the real device awake."""
        return self.on and self.alone

    async def open_backend(self, target: str) -> None:
        """Open the back end with the present settings, to play on this device."""
        await self._connection.open(
            target, smart=self._smart, alone=self.plays_alone, former=self._decides.former
        )
        self.tell_backend()  # settings may have changed meanwhile
        self.session_restarted()

    def session_restarted(self) -> None:
        """Treat the server's next report like the first one after a start."""
        self._decides.session_restarted()

    def seen(self) -> policy.Defaults:
        """Return the facts for a decision."""
        return self._connection.defaults(time.monotonic())

    def switch(self, on: bool, reason: str) -> Sequence[policy.Action]:
        """Switch on or off; call `carry_out` next.  `reason` says why Entrain is off."""
        act = self._decides.switch_on if on else self._decides.switch_off
        self.reason = reason
        return act(self.seen(), time.monotonic())

    async def set_mode(self, mode: Mode) -> None:
        """Change which sound Entrain processes; raises `EntrainError`."""
        await self.carry_out(self._decides.set_mode(mode, self.seen(), time.monotonic()))

    def observe(self, seen: policy.Defaults) -> Sequence[policy.Action]:
        """React to the server's report; call `carry_out` next."""
        actions = self._decides.observe(seen, time.monotonic())
        for action in actions:  # at once, so that no client sees it off without the reason
            if isinstance(action, policy.SwitchOn | policy.SwitchOff):
                self.reason = action.reason
        return actions

    async def give_back(self) -> None:
        """Make a real device the default, while Entrain's device stays; raises `EntrainError`."""
        await self.carry_out(self._decides.give_back(self.seen(), time.monotonic()))

    async def leave(self) -> None:
        """Restore the default as it would be without Entrain, before Entrain's device goes."""
        await self.carry_out(self._decides.leave(self.seen(), time.monotonic()))

    async def carry_out(self, actions: Sequence[policy.Action]) -> None:
        """Carry out decisions; raises `EntrainError`."""
        for action in actions:
            _log.info("%s", action)
            match action:
                case policy.SetDefault(name):
                    # Save first: after a crash, the next start must find the former default.
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
        """Pass the settings on to the back end."""
        if backend := self._connection.backend:
            backend.set_smart(self._smart)
            backend.set_alone(self.plays_alone)

    def wanted(self, devices: Sequence[str]) -> str:
        """Return the real device that would be the default without Entrain, or ``""``."""
        return self._decides.wanted(devices)

    def wake_s(self) -> float | None:
        """Return when to call `observe` again even without news, or None."""
        return self._decides.wake_s()

    @property
    def _smart(self) -> bool:
        return self.on and self.mode == "smart"
