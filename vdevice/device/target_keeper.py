"""The real device on which Entrain plays: which one it is, and how the sound is heard there.

Runs on the main thread's asyncio loop; what may wait for the sound server is handed over.
"""

from collections.abc import Sequence

from entrain.platform.adapter import OWN_DEVICE, Device, Form
from entrain.vdevice.device.default_keeper import DefaultKeeper
from entrain.vdevice.device.default_policy import choose_target
from entrain.vdevice.device.filter_keeper import FilterKeeper
from entrain.vdevice.device.sound_connection import SoundConnection
from entrain.vdevice.device.volume_keeper import VolumeKeeper

_APART: tuple[Form, ...] = ("headphones", "unknown")
"""What a device is that keeps both ears apart, as far as is known."""


class TargetKeeper:
    """Keeps Entrain on the best real device, and its sound from coming back to it.

    Parameters
    ----------
    connection : SoundConnection
        The way to the sound server.
    defaults : DefaultKeeper
        Whether Entrain is on, and which device the desktop would take.
    volumes : VolumeKeeper
        Turns loudspeakers down before they are played on.
    chosen : str
        The real device that the user chose; ``""``: one of `preferred`, or follow the desktop.
    preferred : sequence of str
        Real devices that are played on whenever they are connected, the most wanted first.

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
        """What is played on once its volume is set; ``""`` while nothing has to wait for that."""

    # ---- what there is -----------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Name of the real device that is played on, or is about to be."""
        state = self._connection.state
        return self._next or (state.target if state else "")

    @property
    def device(self) -> Device | None:
        """The real device that is played on, if it is there."""
        return self._connection.find(self.name)

    @property
    def detour(self) -> str:
        """How the sound gets around a loop through another program's filter, one line or ``""``."""
        return self._filters.note

    @property
    def heard_on(self) -> list[Device]:
        """The devices on which the target is heard: itself, or those behind another filter."""
        found = map(self._connection.find, self._filters.heard_on)
        return [device for device in found if device]

    @property
    def form(self) -> Form:
        """What the target is to the ears; of several devices, one that does not keep them apart."""
        forms = [device.form for device in self.heard_on] if self.device else []
        together = [form for form in forms if form not in _APART]
        return next(iter(together or forms), "unknown")

    @property
    def in_use(self) -> set[str]:
        """Names of the devices on which sound is heard that Entrain may have turned down."""
        state = self._connection.state
        if state is None:
            return set()
        in_use = {state.target, *self._filters.heard_on}
        if not self._defaults.on or self._defaults.mode == "manual":  # else all passes Entrain
            in_use.update(self._filters.ends(state.effective_default))
        return in_use

    def best(self, effective: str, names: Sequence[str] | None = None) -> str:
        """Name the device to play on: the chosen one, a preferred one, or the desktop's.

        Parameters
        ----------
        effective : str
            The default output.
        names : sequence of str, optional
            The devices to choose from; all real ones where it is left out.

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
        """Return when `update` is to be called again even if nothing happens, or None."""
        return self._filters.wake_s()

    # ---- steps -------------------------------------------------------------------------------

    async def begin(self, default: str) -> None:
        """Open the back end on the best device of a server that was just reached.

        Parameters
        ----------
        default : str
            The server's default output.

        """
        self._filters = FilterKeeper(self._connection.wait)
        target = self.best(default)
        # Of a filter it is known only later on which device it is heard.
        if (device := self._connection.find(target)) and device.form == "speakers":
            await self._quieten([device])
        await self._defaults.open_backend(target)

    async def update(self, confirmed: bool = False) -> None:
        """Play on another device where there is a better one, and not in a circle.

        Nothing else changes the target while Entrain runs: what depends on the kind of device
        that is left and on the one that comes belongs here.

        Parameters
        ----------
        confirmed : bool
            The user wants to hear the present devices as loud as they are.

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
            # Without any device it waits for the one that was there; with none but a circle, for
            # none.
            if plan.target != backend.state().target and (plan.target or self._filters.note):
                backend.set_target(plan.target)
        finally:
            self._next = ""

    async def _quieten(self, heard_on: Sequence[Device], chosen: bool = False) -> None:
        """Turn down loudspeakers that take over from headphones, before they are played on."""
        state, defaults = self._connection.state, self._defaults
        playing = defaults.plays_alone or (state is not None and state.playing > 0)
        carries = defaults.on and (defaults.mode != "manual" or playing)
        await self._volumes.quieten(heard_on, carries=carries, chosen=chosen)
