"""The virtual device's life: made, linked to a real one, lost with its server, made again.

Runs on the main thread's asyncio loop.  It decides, or asks the modules that do; what may wait for
the sound server goes through its `SoundConnection`.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from entrain.backend import BackendState
from entrain.engine import Engine
from entrain.errors import EntrainError
from entrain.platform.adapter import Device, Form, PlatformAdapter
from entrain.vdevice.device.applications import ApplicationRules, Situation
from entrain.vdevice.device.default_keeper import DefaultKeeper
from entrain.vdevice.device.default_policy import DefaultPolicy
from entrain.vdevice.device.reconnection import Reconnection
from entrain.vdevice.device.softened import Softened
from entrain.vdevice.device.sound_connection import (
    MOST_LOOKS,
    NAME_TAKEN,
    SoundConnection,
    UnknownOutput,
)
from entrain.vdevice.device.stream_router import StreamRouter
from entrain.vdevice.device.target_keeper import TargetKeeper
from entrain.vdevice.device.unplugged import UnpluggedPolicy
from entrain.vdevice.device.volume_keeper import VolumeKeeper
from entrain.vdevice.limits import Mode, Unplugged
from entrain.vdevice.problems import Problems

CONNECT_TIMEOUT_S = 5.0
"""For the sink to be made, once the server has been reached."""

_log = logging.getLogger(__name__)


class VirtualDevice:
    """Keeps the sink alive, on the right target, at the right volume.

    Parameters
    ----------
    adapter : PlatformAdapter
        Gives the sound server.
    engine : Engine
        Processes what is played to the sink.
    backend : str
        Name of a back end, or ``auto``.
    chosen : str
        The real device that the user chose; ``""``: one of `preferred`, or follow the desktop.
    latency_ms : float or None
        Added delay to aim at where sink and device have a clock each; None: the back end's own.
    defaults : DefaultPolicy
        Whether Entrain is on, in which mode, and what was the default before.
    changed : callable
        Called after on, off, the mode, the former default, the target or its form have changed.
        What it returns is waited for under the lock before a default is set: it must have an end.
    rules : ApplicationRules, optional
        Which programs are heard through Entrain.
    looked : callable, optional
        Called after each look at what the sound server has to say.
    required : str
        The real device that was asked for just now; `live` ends where it is not there.  One that
        was chosen at another time may come later.
    preferred : sequence of str
        Real devices that are played on whenever they are connected, the most wanted first.
    unplugged : UnpluggedPolicy, optional
        What becomes of the volume where headphones are unplugged.
    problems : Problems, optional
        Takes what goes wrong.

    """

    def __init__(
        self,
        adapter: PlatformAdapter,
        engine: Engine,
        backend: str,
        chosen: str,
        latency_ms: float | None,
        defaults: DefaultPolicy,
        changed: Callable[[], Awaitable[None] | None],
        rules: ApplicationRules | None = None,
        looked: Callable[[], None] = lambda: None,
        required: str = "",
        preferred: Sequence[str] = (),
        unplugged: UnpluggedPolicy | None = None,
        problems: Problems | None = None,
    ) -> None:
        self.unplugged = unplugged or UnpluggedPolicy()
        self._problems = problems or Problems()
        self._required = required
        self._changed = changed
        self._looked = looked
        self._news = asyncio.Event()
        self._lock = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._connection = SoundConnection(adapter, engine, backend, latency_ms, self._news.set)
        self._reconnection = Reconnection(self._note)
        self._defaults = DefaultKeeper(self._connection, defaults, self._tell)
        self._volumes = VolumeKeeper(self._connection, self.unplugged, self._tell)
        self._router = StreamRouter(rules, self._connection.wait)
        self._target = TargetKeeper(
            self._connection, self._defaults, self._volumes, chosen, preferred
        )
        self._told: tuple[str, Form] = ("", "unknown")
        """The target and its form as `changed` was told last."""
        self._ready: Callable[[], None] | None = None
        self._was_blank = False

    # ---- what others ask -------------------------------------------------------------------

    @property
    def state(self) -> BackendState | None:
        """The back end's state; None while there is none."""
        return self._connection.state

    @property
    def backend_name(self) -> str:
        """Name of the back end in use, or of the last one; ``""`` before that is known."""
        return self._connection.backend_name

    @property
    def devices(self) -> list[Device]:
        """All outputs, as they were at the last look; none while there is no connection."""
        return self._connection.devices

    @property
    def trouble(self) -> str:
        """Why there is no connection to the sound server, one line."""
        return self._reconnection.trouble

    @property
    def retry_at_s(self) -> float | None:
        """When the server is tried again, on the monotonic clock; None where it is there."""
        return self._reconnection.retry_at_s

    @property
    def reason(self) -> str:
        """Why Entrain is off, one line."""
        return self._defaults.reason

    @property
    def on(self) -> bool:
        """Whether Entrain is switched on; in `default` mode it then is the default output."""
        return self._defaults.on

    @property
    def mode(self) -> Mode:
        """How programmes come to Entrain."""
        return self._defaults.mode

    @property
    def plays_alone(self) -> bool:
        """Whether the protocol is heard without any player, which keeps the real device awake."""
        return self._defaults.plays_alone

    @property
    def rules(self) -> ApplicationRules:
        """Which programs are heard through Entrain."""
        return self._router.rules

    @property
    def chosen(self) -> str:
        """The real device that the user chose; ``""``: one of `preferred`, or the desktop's."""
        return self._target.chosen

    @property
    def preferred(self) -> tuple[str, ...]:
        """Real devices that are played on whenever they are connected, the most wanted first."""
        return self._target.preferred

    @property
    def target_name(self) -> str:
        """Name of the real device that is played on, or is about to be."""
        return self._target.name

    @property
    def target(self) -> Device | None:
        """The real device that is played on, if it is there."""
        return self._target.device

    @property
    def detour(self) -> str:
        """How the sound gets around a loop through another program's filter, one line or ``""``."""
        return self._target.detour

    @property
    def heard_on(self) -> list[Device]:
        """The devices on which the target is heard: itself, or those behind another filter."""
        return self._target.heard_on

    @property
    def form(self) -> Form:
        """What the target is to the ears; of several devices, one that does not keep them apart."""
        return self._target.form

    @property
    def softened(self) -> Softened | None:
        """How a loudspeaker was turned down because headphones were unplugged, if one is."""
        return self._volumes.softened(self.heard_on)

    async def switch(self, on: bool, reason: str = "") -> None:
        """Switch on or off: in `default` mode be the default output, or give it back.

        In `manual` mode only included programs come and go; what the user has routed to Entrain
        is processed all the same.  In `smart` mode the desktop's sound passes Entrain, or does
        not.  `reason` tells why it is off.  Raises `EntrainError`.
        """
        async with self._request():
            await self._look()
            actions = self._defaults.switch(on, reason)
            await self._target.update()
            await self._defaults.carry_out(actions)
            self._defaults.tell_backend()
            self._tell()

    async def choose(self, name: str) -> None:
        """Play on this real device, or, with ``""``, on one that need not be chosen.

        That is the first of `preferred` that is connected, else the one it would be without
        Entrain.  It plays as loud as before headphones were unplugged, also where nothing else
        changes.  Raises `EntrainError` where there is none of that name.
        """
        async with self._request():
            await self._look()
            if name and name != self._target.chosen:
                self._connection.require(name)
            self._target.chosen = name
            confirmed = self.softened is not None  # else the headphones may have gone just now
            await self._target.update(confirmed)
            if confirmed:
                await self._volumes.confirm(self.heard_on)

    async def set_unplugged(self, setting: Unplugged) -> None:
        """Change what a loudspeaker does that takes over because headphones were unplugged."""
        async with self._request():
            self.unplugged.setting = setting
            if setting == "same":
                await self._look()
                await self._volumes.confirm(self.heard_on)

    async def prefer(self, names: Sequence[str]) -> None:
        """Play on the first of these real devices that is connected; some may come later."""
        async with self._request():
            self._target.preferred = tuple(dict.fromkeys(names))
            await self._target.update()

    def set_alone(self, alone: bool) -> None:
        """Say whether the protocol is to be heard without any player, while this is on."""
        self._defaults.alone = alone
        self._defaults.tell_backend()

    async def set_mode(self, mode: Mode) -> None:
        """Change how programmes come to Entrain; raises `EntrainError`."""
        async with self._request():
            await self._look()
            await self._defaults.set_mode(mode)
            self._defaults.tell_backend()
            self._tell()

    async def set_rules(self, rules: ApplicationRules) -> None:
        """Change which programs are heard through Entrain; what plays is moved accordingly."""
        async with self._request():
            self._router.rules = rules
            self._tell()

    async def list_devices(self) -> list[Device]:
        """All outputs but our own; raises `EntrainError`."""
        async with self._lock:
            await self._look()
        return self._connection.real

    # ---- life --------------------------------------------------------------------------------

    async def live(self, ready: Callable[[], None]) -> None:
        """Connect and go on, with growing pauses where that fails, until cancelled.

        Then, and only then, the default output is given back.

        Parameters
        ----------
        ready : callable
            Called once, when the sink is there for the first time.

        Raises
        ------
        EntrainError
            The required device does not exist, at the first connection only.

        """
        self._ready = ready
        await self._reconnection.keep_up(self._live_once, UnknownOutput)

    async def _live_once(self) -> None:
        """Connect and follow the server's news until it is lost (an EntrainError)."""
        connection = self._connection
        try:
            async with self._connected():
                if self._required and connection.server:
                    connection.require(self._required)
                # Not wait_for(): on Python 3.11 it loses a cancellation now and then.
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await self._follow(lambda: connection.is_ready)
                if connection.found_leftover:
                    self._note("a device that an earlier Entrain had left behind was removed")
                self._reconnection.succeeded()
                self._required = ""
                if ready := self._ready:
                    self._ready = None
                    ready()
                await self._follow(lambda: False)
        except TimeoutError:
            raise EntrainError(
                "the sound server makes no device; does a session manager run?"
            ) from None

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[None]:
        """Be connected during the block, and leave the server as it should be left."""
        try:
            async with self._lock:
                await self._connect()
            yield
        except asyncio.CancelledError:
            async with self._lock:
                await self._give_back()
            raise
        except UnknownOutput:
            raise
        except EntrainError as error:
            self._reconnection.failed(str(error))  # now: to disconnect may take a while
            if self._connection.frees:  # PipeWire may be there without its PulseAudio face
                async with self._lock:
                    await self._leave()
            raise
        finally:
            async with self._lock:
                if self._timer:
                    self._timer.cancel()
                await self._connection.close()

    async def _connect(self) -> None:
        connection = self._connection
        await connection.choose_backend()
        # There a stream that is moved may close a circle, and the back end does not tell.
        self._router.watches_always = connection.backend_name == "pulse"
        default = await connection.reach(
            lambda server: self._router.watch(server, connection.tell, self.mode)
        )
        self.unplugged.reconnected()
        await self._target.begin(default)
        self._volumes.reconnected()
        self._news.set()

    async def _give_back(self) -> None:
        """Leave the default output, and the streams, as they were found."""
        connection = self._connection
        with contextlib.suppress(EntrainError):  # a server that is gone has nothing to be given
            await self._look()
            if connection.server and self._router.has_placed:
                await self._defaults.give_back()
                await self._router.give_back(
                    connection.server, lambda: connection.effective_default
                )
            await self._volumes.set_back()
        await self._leave()

    async def _leave(self) -> None:
        with contextlib.suppress(EntrainError):
            await self._defaults.leave()

    async def _follow(self, until: Callable[[], bool]) -> None:
        """React to news until this is so, or the server is lost (an EntrainError)."""
        while True:
            await self._news.wait()
            self._news.clear()
            async with self._lock:
                await self._refresh()
            if until():
                return

    @contextlib.asynccontextmanager
    async def _request(self) -> AsyncIterator[None]:
        """Hold the lock while a wish is carried out; whether it works or not, look afterwards."""
        try:
            async with self._lock:
                yield
        finally:
            self._news.set()

    # ---- steps, all under the lock -------------------------------------------------------------

    async def _refresh(self) -> None:
        """Look at everything and put right what is not as it should be."""
        connection = self._connection
        connection.check()
        await self._look()
        if connection.name_is_taken:
            # Players of the default device "entrain" would end up on the other one.
            with contextlib.suppress(EntrainError):
                await self._defaults.give_back()
            raise EntrainError(NAME_TAKEN)
        seen = self._defaults.seen()
        if self._was_blank and not seen.blank:
            self._volumes.session_manager_is_back()
        self._was_blank = seen.blank
        own = connection.own is not None
        _log.debug("%s; own device %s", seen, "there" if own else "missing")
        actions = self._defaults.observe(seen) if own else []
        await self._target.update()  # first, so that nothing plays in a circle for a moment
        await self._defaults.carry_out(actions)
        if own:
            await self._route()
        await self._volumes.look_after_softened(self._target.in_use)
        if state := self.state:
            await self._volumes.mirror(state.target)
        self._wake_again()
        if self._heard_at() != self._told:
            self._tell()
        self._looked()

    async def _look(self) -> None:
        """List the devices; where the session manager is another one, what it says is a start."""
        connection = self._connection
        for _ in range(MOST_LOOKS):  # another one may come meanwhile
            if connection.session_manager_was_replaced:
                await connection.renew_server(
                    lambda server: self._router.watch_again(server, connection.tell)
                )
            await connection.look()
            if not connection.session_manager_was_replaced:
                break
        if connection.session_manager_is_new():
            self._was_blank = True
            self.unplugged.reconnected()
            self._defaults.session_restarted()

    async def _route(self) -> None:
        connection, state = self._connection, self.state
        if connection.server and state:
            situation = Situation(
                target=state.target or self._target.best(state.effective_default),
                default=state.effective_default,
                devices=tuple(device.name for device in self.devices),
                mode=self.mode,
                on=self.on,
            )
            await self._router.route(connection.server, connection.tell, situation)

    def _wake_again(self) -> None:
        """See to it that what never shows up is noticed; without such a thing there is no timer."""
        if self._timer:
            self._timer.cancel()
        wakes = (self._volumes.wake_s(), self._defaults.wake_s(), self._target.wake_s())
        times = [at_s for at_s in wakes if at_s]
        if times:
            pause_s = max(0.0, min(times) - time.monotonic())
            self._timer = asyncio.get_running_loop().call_later(pause_s, self._news.set)

    def _heard_at(self) -> tuple[str, Form]:
        return (self.target.name if self.target else "", self.form)

    def _tell(self) -> Awaitable[None] | None:
        """Call `changed`, which takes over the target whatever it is called for."""
        self._told = self._heard_at()
        return self._changed()

    def _note(self, text: str) -> None:
        _log.warning("%s", text)
        self._problems.tell(text)
