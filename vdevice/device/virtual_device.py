"""The virtual device's life: created, linked to a real device, lost with its server, created again.

Runs on the main thread's asyncio loop.  Decisions are made here or in the modules for them; calls
that may wait for the sound server go through `SoundConnection`.
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
from entrain.vdevice.device.applications.placement import Situation
from entrain.vdevice.device.applications.rules import ApplicationRules
from entrain.vdevice.device.applications.stream_router import StreamRouter
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
from entrain.vdevice.device.target_keeper import TargetKeeper
from entrain.vdevice.device.unplugged import UnpluggedPolicy
from entrain.vdevice.device.volume_keeper import VolumeKeeper
from entrain.vdevice.limits import Mode, Unplugged
from entrain.vdevice.problems import Problems

CONNECT_TIMEOUT_S = 5.0
"""Longest wait for the sink after the server was reached, in seconds."""

_log = logging.getLogger(__name__)


class VirtualDevice:
    """Keeps the sink alive, on the right target, at the right volume.

    Parameters
    ----------
    adapter : PlatformAdapter
        Connects to the sound server.
    engine : Engine
        Processes the sound that apps play to the sink.
    backend : str
        Name of a back end, or ``auto``.
    chosen : str
        The real device that the user has chosen; ``""``: one of `preferred`, or the desktop's
        choice.
    latency_ms : float or None
        Target for the total added latency if sink and device have one clock each; None: the back
        end's default.
    defaults : DefaultPolicy
        Knows whether Entrain is on, its mode, and the former default.
    changed : callable
        Called after a change of on, off, the mode, the former default, the target or its form.
        The object that it returns is awaited under the lock before a default is set, so it must
        end.
    rules : ApplicationRules, optional
        Rules that decide which apps play through Entrain.
    looked : callable, optional
        Called after each look at the sound server's news.
    required : str
        A real device that this run requires; `live` ends if it is not connected.  A device that
        was chosen earlier may be connected later.
    preferred : sequence of str
        Real devices to play on whenever they are connected, the most preferred first.
    unplugged : UnpluggedPolicy, optional
        Decides the volume after headphones were unplugged.
    problems : Problems, optional
        Receives errors.

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
        """The target and its form at the last call of `changed`."""
        self._ready: Callable[[], None] | None = None
        self._was_blank = False

    # ---- facts for other parts -----------------------------------------------------------------

    @property
    def state(self) -> BackendState | None:
        """The back end's state; None while it is closed."""
        return self._connection.state

    @property
    def backend_name(self) -> str:
        """Name of the present or last back end; ``""`` before one is chosen."""
        return self._connection.backend_name

    @property
    def devices(self) -> list[Device]:
        """All outputs, as of the last look; none while there is no connection."""
        return self._connection.devices

    @property
    def trouble(self) -> str:
        """The reason why there is no connection to the sound server, one line."""
        return self._reconnection.trouble

    @property
    def retry_at_s(self) -> float | None:
        """Time of the next attempt to connect, on the monotonic clock; None while connected."""
        return self._reconnection.retry_at_s

    @property
    def reason(self) -> str:
        """The reason why Entrain is off, one line."""
        return self._defaults.reason

    @property
    def on(self) -> bool:
        """Whether Entrain is switched on; in `default` mode it then is the default output."""
        return self._defaults.on

    @property
    def mode(self) -> Mode:
        """The sound that Entrain processes."""
        return self._defaults.mode

    @property
    def plays_alone(self) -> bool:
        """Whether the protocol plays without any app, which keeps the real device awake."""
        return self._defaults.plays_alone

    @property
    def rules(self) -> ApplicationRules:
        """Rules that decide which apps play through Entrain."""
        return self._router.rules

    @property
    def chosen(self) -> str:
        """The real device that the user has chosen; ``""``: a preferred one, or the desktop's."""
        return self._target.chosen

    @property
    def preferred(self) -> tuple[str, ...]:
        """Real devices to play on whenever they are connected, the most preferred first."""
        return self._target.preferred

    @property
    def target_name(self) -> str:
        """Name of the target, even if Entrain does not play on it yet."""
        return self._target.name

    @property
    def target(self) -> Device | None:
        """The target, if it is connected."""
        return self._target.device

    @property
    def detour(self) -> str:
        """How Entrain avoids a loop through another app's filter, one line or ``""``."""
        return self._target.detour

    @property
    def heard_on(self) -> list[Device]:
        """The devices that play the target's sound: the target, or the devices behind a filter."""
        return self._target.heard_on

    @property
    def form(self) -> Form:
        """Form of the target; of several forms, a form that mixes both ears wins."""
        return self._target.form

    @property
    def softened(self) -> Softened | None:
        """Entry of a loudspeaker that is turned down because headphones were unplugged, or None."""
        return self._volumes.softened(self.heard_on)

    async def switch(self, on: bool, reason: str = "") -> None:
        """Switch on or off; in `default` mode become the default output, or give it back.

        In `manual` mode only included apps move; streams that the user has routed to Entrain stay.
        In `smart` mode the desktop's sound passes Entrain, or does not.  `reason` says why Entrain
        is off.  Raises `EntrainError`.
        """
        async with self._request():
            await self._look()
            actions = self._defaults.switch(on, reason)
            await self._target.update()
            await self._defaults.carry_out(actions)
            self._defaults.tell_backend()
            self._tell()

    async def choose(self, name: str) -> None:
        """Play on this real device; ``""``: on a preferred device, or else on the desktop's.

        If the loudspeaker is turned down because headphones were unplugged, it gets its former
        volume back, even if the target stays the same.  Raises `EntrainError` for an unknown name.
        """
        async with self._request():
            await self._look()
            if name and name != self._target.chosen:
                self._connection.require(name)
            self._target.chosen = name
            confirmed = self.softened is not None  # else headphones may just have been unplugged
            await self._target.update(confirmed)
            if confirmed:
                await self._volumes.confirm(self.heard_on)

    async def set_unplugged(self, setting: Unplugged) -> None:
        """Change how a loudspeaker plays that takes over after headphones were unplugged."""
        async with self._request():
            self.unplugged.setting = setting
            if setting == "same":
                await self._look()
                await self._volumes.confirm(self.heard_on)

    async def prefer(self, names: Sequence[str]) -> None:
        """Play on the first connected one of these real devices; others may be connected later."""
        async with self._request():
            self._target.preferred = tuple(dict.fromkeys(names))
            await self._target.update()

    def set_alone(self, alone: bool) -> None:
        """Set whether the protocol plays without any app while Entrain is on."""
        self._defaults.alone = alone
        self._defaults.tell_backend()

    async def set_mode(self, mode: Mode) -> None:
        """Change which sound Entrain processes; raises `EntrainError`."""
        async with self._request():
            await self._look()
            await self._defaults.set_mode(mode)
            self._defaults.tell_backend()
            self._tell()

    async def set_rules(self, rules: ApplicationRules) -> None:
        """Change which apps play through Entrain; present streams are moved."""
        async with self._request():
            self._router.rules = rules
            self._tell()

    async def list_devices(self) -> list[Device]:
        """Return all outputs except Entrain's own; raises `EntrainError`."""
        async with self._lock:
            await self._look()
        return self._connection.real

    # ---- life --------------------------------------------------------------------------------

    async def live(self, ready: Callable[[], None]) -> None:
        """Connect, and connect again after each loss, until cancelled.

        Then, and only then, the default output is given back.

        Parameters
        ----------
        ready : callable
            Called once, when the sink exists for the first time.

        Raises
        ------
        EntrainError
            The required device does not exist; only at the first connection.

        """
        self._ready = ready
        await self._reconnection.keep_up(self._live_once, UnknownOutput)

    async def _live_once(self) -> None:
        """Connect and follow the server's news until the server is lost (an EntrainError)."""
        connection = self._connection
        try:
            async with self._connected():
                if self._required and connection.server:
                    connection.require(self._required)
                # Not wait_for(): on Python 3.11 it sometimes loses a cancellation.
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await self._follow(lambda: connection.is_ready)
                if connection.found_leftover:
                    self._note("removed the output of an earlier Entrain that did not end properly")
                self._reconnection.succeeded()
                self._required = ""
                if ready := self._ready:
                    self._ready = None
                    ready()
                await self._follow(lambda: False)
        except TimeoutError:
            raise EntrainError(
                "the sound server creates no output for Entrain; check its session manager"
            ) from None

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[None]:
        """Be connected during the block; afterwards, restore the server's former state."""
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
            self._reconnection.failed(str(error))  # at once: the clean-up may take a while
            if self._connection.frees:  # PipeWire may still run without its PulseAudio server
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
        # On PulseAudio, moving a stream may close a loop, and the back end does not report it.
        self._router.watches_always = connection.backend_name == "pulse"
        default = await connection.reach(
            lambda server: self._router.watch(server, connection.tell, self.mode)
        )
        self.unplugged.reconnected()
        await self._target.begin(default)
        self._volumes.reconnected()
        self._news.set()

    async def _give_back(self) -> None:
        """Restore the former default output and the streams' former devices."""
        connection = self._connection
        with contextlib.suppress(EntrainError):  # the server may be gone
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
        """React to news until a condition holds, or the server is lost (an EntrainError)."""
        while True:
            await self._news.wait()
            self._news.clear()
            async with self._lock:
                await self._refresh()
            if until():
                return

    @contextlib.asynccontextmanager
    async def _request(self) -> AsyncIterator[None]:
        """Hold the lock during a request; look at the server afterwards, even if it fails."""
        try:
            async with self._lock:
                yield
        finally:
            self._news.set()

    # ---- steps, all under the lock -------------------------------------------------------------

    async def _refresh(self) -> None:
        """Look at everything and correct it."""
        connection = self._connection
        connection.check()
        await self._look()
        if connection.name_is_taken:
            # Players of a default device named "entrain" would play on the other device.
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
        await self._target.update()  # first, so that no loop exists even for a moment
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
        """List the devices; after a new session manager, treat its report as a start."""
        connection = self._connection
        for _ in range(MOST_LOOKS):  # yet another session manager may come meanwhile
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
        """Set a timer for the next deadline, at which missing echoes are noticed."""
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
        """Call `changed`, and note the target that it is called with."""
        self._told = self._heard_at()
        return self._changed()

    def _note(self, text: str) -> None:
        _log.warning("%s", text)
        self._problems.tell(text)
