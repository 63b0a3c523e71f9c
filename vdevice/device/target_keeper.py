"""Keeps the target: the real device on which Entrain plays.

Runs on the main thread's asyncio loop; calls that may wait for the sound server run elsewhere.
"""

from collections.abc import Sequence

from entrain.platform.adapter import OWN_DEVICE, Device, Form
from entrain.vdevice.device.default_keeper import DefaultKeeper
from entrain.vdevice.device.default_policy import choose_target
from entrain.vdevice.device.filter_keeper import FilterKeeper
from entrain.vdevice.device.sound_connection import SoundConnection
from entrain.vdevice.device.volume_keeper import VolumeKeeper

_APART: tuple[Form, ...] = ("headphones", "unknown")
"""Forms of devices that keep both ears apart, as far as known."""


class TargetKeeper:
    """Keeps Entrain on the best real device, without a loop through filters.

    Parameters
    ----------
    connection : SoundConnection
        The connection to the sound server.
    defaults : DefaultKeeper
        Knows whether Entrain is on, and the desktop's choice.
    volumes : VolumeKeeper
        Turns loudspeakers down before Entrain plays on them.
    chosen : str
        The real device that the user has chosen; ``""``: one of `preferred`, or the desktop's
        choice.
    preferred : sequence of str
        Real devices to play on whenever they are connected, the most preferred first.

    """

    def __init__(
        self,
        connection: SoundConnection,
        defaults: DefaultKeeper,
        volumes: VolumeKeeper,
        chosen: str,
        preferred: Sequence[str],
    ) -> None:
        self.chosen = chosen
        self.preferred = tuple(preferred)
        self._connection = connection
        self._defaults = defaults
        self._volumes = volumes
        self._filters = FilterKeeper(connection.wait)
        self._next = ""
        """The target that waits until its volume is set, or ``""``."""

    # ---- facts -------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Name of the target, even if Entrain does not play on it yet."""
        state = self._connection.state
        return self._next or (state.target if state else "")

    @property
    def device(self) -> Device | None:
        """The target, if it is connected."""
        return self._connection.find(self.name)

    @property
    def detour(self) -> str:
        """How Entrain avoids a loop through another app's filter, one line or ``""``."""
        return self._filters.note

    @property
    def heard_on(self) -> list[Device]:
        """The devices that play the target's sound: the target, or the devices behind a filter."""
        found = map(self._connection.find, self._filters.heard_on)
        return [device for device in found if device]

    @property
    def form(self) -> Form:
        """Form of the target; of several forms, a form that mixes both ears wins."""
        forms = [device.form for device in self.heard_on] if self.device else []
        together = [form for form in forms if form not in _APART]
        return next(iter(together or forms), "unknown")

    @property
    def in_use(self) -> set[str]:
        """Names of the devices that play sound and may have been turned down by Entrain."""
        state = self._connection.state
        if state is None:
            return set()
        in_use = {state.target, *self._filters.heard_on}
        if not self._defaults.on or self._defaults.mode == "manual":  # else all passes Entrain
            in_use.update(self._filters.ends(state.effective_default))
        return in_use

    def best(self, effective: str, names: Sequence[str] | None = None) -> str:
        """Return the best device to play on: the chosen one, a preferred one, or the desktop's.

        Parameters
        ----------
        effective : str
            The default output.
        names : sequence of str, optional
            The devices to choose from; by default all real devices.

        """
        real = self._connection.real
        if names is None:
            names = [device.name for device in real]
        plugged = [
            device.name
            for device in real
            if device.name in names
            and (device.form != "headphones" or device.headphones_in is not False)
        ]
        desktops = effective if effective in names else self._defaults.wanted(plugged or names)
        return choose_target((self.chosen, *self.preferred, desktops), names)

    def wake_s(self) -> float | None:
        """Return when to call `update` again even without news, or None."""
        return self._filters.wake_s()

    # ---- steps -------------------------------------------------------------------------------

    async def begin(self, default: str) -> None:
        """Open the back end on the best device of a server that was reached just now.

        Parameters
        ----------
        default : str
            The server's default output.

        """
        self._filters = FilterKeeper(self._connection.wait)
        target = self.best(default)
        # The devices behind a filter are not known yet.
        if (device := self._connection.find(target)) and device.form == "speakers":
            await self._quieten([device])
        await self._defaults.open_backend(target)

    async def update(self, confirmed: bool = False) -> None:
        """Switch to a better device if there is one, without a loop through filters.

        No other code changes the target while Entrain runs.  So code that depends on the forms of
        the old and the new target belongs here.

        Parameters
        ----------
        confirmed : bool
            The user wants to hear the present devices at their present volume.

        """
        backend, server = self._connection.backend, self._connection.server
        if backend is None:
            return
        effective = self._connection.effective_default
        plan = await self._filters.plan(
            backend,
            server,
            self._connection.real,
            OWN_DEVICE if self._defaults.takes else effective,
            lambda names: self.best(effective, names),
        )
        self._next = plan.target
        try:
            await self._quieten(self.heard_on, confirmed or self.chosen in self._filters.heard_on)
            await self._filters.carry_out(plan, backend, server)
            # If no device is connected, keep the former target and wait for it.  If every device
            # leads back, play on none.
            if plan.target != backend.state().target and (plan.target or self._filters.note):
                backend.set_target(plan.target)
        finally:
            self._next = ""

    async def _quieten(self, heard_on: Sequence[Device], chosen: bool = False) -> None:
        """Turn down loudspeakers that take over from headphones, before Entrain plays on them."""
        state, defaults = self._connection.state, self._defaults
        playing = defaults.plays_alone or (state is not None and state.playing > 0)
        carries = defaults.on and (defaults.mode != "manual" or playing)
        await self._volumes.quieten(heard_on, carries=carries, chosen=chosen)
