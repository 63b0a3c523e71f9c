"""Carries out the decisions of `FilterWays`.

Runs on the main thread's asyncio loop; calls that may wait for the sound server run elsewhere.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Sequence

from entrain.backend import Backend
from entrain.errors import EntrainError
from entrain.platform.adapter import Device, SoundServer
from entrain.vdevice.device.applications.stream_router import Wait
from entrain.vdevice.device.filter_ways import FilterWays, Pin, Plan
from entrain.vdevice.device.way_ends import ends
from entrain.ways import Way

_log = logging.getLogger(__name__)


class FilterKeeper:
    """Prevents other apps' filters from playing Entrain's output back into Entrain.

    Parameters
    ----------
    wait : callable
        Runs calls of the server.

    """

    def __init__(self, wait: Wait) -> None:
        self.note = ""
        """The filter that would lead back and Entrain's reaction, one line, or ``""``."""
        self.heard_on: tuple[str, ...] = ()
        """Names of the devices that finally play Entrain's sound; ``()`` if there are none."""
        self._decides = FilterWays()
        self._ways: Sequence[Way] = ()
        self._known: set[str] = set()
        """Devices whose form is known."""
        self._backend_tells = False
        self._wait = wait

    async def plan(
        self,
        backend: Backend,
        server: SoundServer | None,
        devices: Sequence[Device],
        default: str,
        choose: Callable[[Sequence[str]], str],
    ) -> Plan:
        """Decide on the device to play on, and on the filters to pin first.

        Call `carry_out` next; `heard_on` is valid before that, so that loudspeakers can be turned
        down first.

        Parameters
        ----------
        backend, server
            The two sources of ways.
        devices : sequence of Device
            All outputs.
        default : str
            The default output, present or about to be set by Entrain.
        choose : callable
            Chooses among real devices by name.

        """
        natively = backend.ways()
        self._backend_tells = bool(natively)
        self._ways = natively or await self._ask(server)
        real = [device.name for device in devices if device.is_real]
        plan = self._decides.plan(choose, real, self._ways, default, time.monotonic())
        behind = "" if plan.around else plan.behind
        self._known = {device.name for device in devices if device.form != "unknown"}
        self.heard_on = ends(plan.target, self._ways, default, behind, self._known)
        self._say(plan, devices)
        return plan

    async def carry_out(self, plan: Plan, backend: Backend, server: SoundServer | None) -> None:
        """Pin the filters of a plan."""
        for pin in plan.pins:
            _log.info("%s", pin)
            if self._backend_tells:
                backend.pin(pin.outlet, pin.device)
            elif server:
                await self._reroute(server, pin)

    def ends(self, device: str) -> tuple[str, ...]:
        """Return the devices that finally play a device's sound without Entrain."""
        return ends(device, self._ways, device, known=self._known)

    def wake_s(self) -> float | None:
        """Return when to call `plan` again even without news, or None."""
        return self._decides.wake_s()

    async def _ask(self, server: SoundServer | None) -> Sequence[Way]:
        """Ask the server for ways.  If it does not answer, assume the former ones.

        A user must be able to choose another device, or to switch off, even then.
        """
        if server is None:
            return []
        try:
            return await self._wait(server.ways)
        except EntrainError as error:
            _log.warning("cannot ask for other apps' filters: %s", error)
            return self._ways

    async def _reroute(self, server: SoundServer, pin: Pin) -> None:
        # The stream or the device may have vanished; then news of that will follow.
        with contextlib.suppress(EntrainError):
            await self._wait(lambda: server.reroute(pin.outlet, pin.device))

    def _say(self, plan: Plan, devices: Sequence[Device]) -> None:
        names = {device.name: _described(device) for device in devices}
        note = ""
        if plan.around:
            note = f"{names.get(plan.around, plan.around)} plays back into Entrain; "
            past = f"Entrain plays on {names.get(plan.behind, plan.behind)} directly"
            note += past if plan.behind else "connect another output"
        elif plan.behind:
            note = f"{names.get(plan.target, plan.target)} plays on "
            note += f"{names.get(plan.behind, plan.behind)}, not back into Entrain"
        if note and note != self.note:
            _log.info("%s", note)
        self.note = note


def _described(device: Device) -> str:
    """Return a name for messages, without Bluetooth names, which contain their owners' names."""
    return "a Bluetooth device" if "bluez" in device.name else device.description or device.name
