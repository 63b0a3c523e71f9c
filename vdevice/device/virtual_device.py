"""The virtual device's life: made, linked to a real one, lost with its server, made again.

Runs on the main thread's asyncio loop.  What may wait for the sound server runs on one worker
thread; the sound itself depends on neither.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from entrain.backend import Backend, BackendState, Phase
from entrain.engine import Engine
from entrain.errors import EntrainError
from entrain.platform.adapter import SINK_NAME, Device, Form, PlatformAdapter, SoundServer, Volume
from entrain.vdevice.device import default_policy as policy
from entrain.vdevice.device.applications import ApplicationRules, Situation
from entrain.vdevice.device.configured_default import ConfiguredDefault
from entrain.vdevice.device.filter_keeper import FilterKeeper
from entrain.vdevice.device.stream_router import StreamRouter
from entrain.vdevice.device.unplugged import Softened, UnpluggedPolicy
from entrain.vdevice.device.volume_mirror import VolumeMirror
from entrain.vdevice.limits import Mode, Unplugged

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 4.0
MOST_LOOKS = 3
"""How often the devices are listed where the default changes meanwhile."""
VOLUME_LOOKS, VOLUME_LOOK_S = 10, 0.02
"""How often, and how far apart, the devices are listed until a new volume shows."""
CONNECT_TIMEOUT_S = 5.0
"""For the sink to be made, once the server has been reached."""
OTHER = "another Entrain (process {}) uses this sound server"
NAME_TAKEN = f'another device on this sound server has the name "{SINK_NAME}"; rename or remove it'

_APART: tuple[Form, ...] = ("headphones", "unknown")
"""What a device is that keeps both ears apart, as far as is known."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class UnknownOutput(EntrainError):
    """There is no real device of that name."""


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
    errors : deque of str, optional
        Takes what goes wrong, one line each; without, one of its own does.

    """

    def __init__(
        self,
        adapter: PlatformAdapter,
        engine: Engine,
        backend: str,
        chosen: str,
        latency_ms: float | None,
        defaults: policy.DefaultPolicy,
        changed: Callable[[], Awaitable[None] | None],
        rules: ApplicationRules | None = None,
        looked: Callable[[], None] = lambda: None,
        required: str = "",
        preferred: Sequence[str] = (),
        unplugged: UnpluggedPolicy | None = None,
        errors: deque[str] | None = None,
    ) -> None:
        self.chosen = chosen
        self.unplugged = unplugged or UnpluggedPolicy()
        self.preferred = tuple(preferred)
        self._required = required
        self.reason = ""
        """Why Entrain is off, one line."""
        self.trouble = ""
        """Why there is no connection to the sound server, one line."""
        self.errors: deque[str] = deque(maxlen=5) if errors is None else errors
        self.retry_at_s: float | None = None
        self.backend_name = "" if backend == "auto" else backend
        self.devices: list[Device] = []
        self._adapter = adapter
        self._engine = engine
        self._wanted_backend = backend
        self._latency_ms = latency_ms
        self._defaults = defaults
        self._configured = ConfiguredDefault()
        self._changed = changed
        self._looked = looked
        self._mirror = VolumeMirror()
        self._router = StreamRouter(rules, self._wait)
        self._keeper = FilterKeeper(self._wait)
        self._told: tuple[str, Form] = ("", "unknown")
        """The target and its form as `changed` was told last."""
        self._next_target = ""
        """What is played on once its volume is set; ``""`` while nothing has to wait for that."""
        self._alone = False
        self._backend: Backend | None = None
        self._server: SoundServer | None = None
        self._worker = ThreadPoolExecutor(1, "entrain-server")
        self._news = asyncio.Event()
        self._lock = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._was_blank = False
        self._session_managers = 0
        self._added_us = 0
        self._left_behind = False
        self._asking: asyncio.Task[None] | None = None  # kept, so that it is not collected
        self._guardian = 0
        self._sheltering: asyncio.Task[None] | None = None

    # ---- what others ask -------------------------------------------------------------------

    @property
    def state(self) -> BackendState | None:
        """The back end's state; None while there is none."""
        return self._backend.state() if self._backend else None

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
        return self.on and self._alone

    @property
    def rules(self) -> ApplicationRules:
        """Which programs are heard through Entrain."""
        return self._router.rules

    @property
    def target_name(self) -> str:
        """Name of the real device that is played on, or is about to be."""
        state = self.state
        return self._next_target or (state.target if state else "")

    @property
    def target(self) -> Device | None:
        """The real device that is played on, if it is there."""
        return self._find(self.target_name)

    @property
    def detour(self) -> str:
        """How the sound gets around a loop through another program's filter, one line or ``""``."""
        return self._keeper.note

    @property
    def heard_on(self) -> list[Device]:
        """The devices on which the target is heard: itself, or those behind another filter."""
        return [device for name in self._keeper.heard_on if (device := self._find(name))]

    @property
    def form(self) -> Form:
        """What the target is to the ears; of several devices, one that does not keep them apart."""
        forms = [device.form for device in self.heard_on] if self.target else []
        together = [form for form in forms if form not in _APART]
        return next(iter(together or forms), "unknown")

    @property
    def softened(self) -> Softened | None:
        """How a loudspeaker was turned down because headphones were unplugged, if one is."""
        entries = map(self.unplugged.in_effect, self.heard_on)
        return next((entry for entry in entries if entry), None)

    async def switch(self, on: bool, reason: str = "") -> None:
        """Switch on or off: in `default` mode be the default output, or give it back.

        In `manual` mode only included programs come and go; what the user has routed to Entrain
        is processed all the same.  In `smart` mode the desktop's sound passes Entrain, or does
        not.  `reason` tells why it is off.  Raises `EntrainError`.
        """
        async with self._request():
            await self._look()
            act = self._defaults.switch_on if on else self._defaults.switch_off
            actions = act(self._seen(), time.monotonic())
            self.reason = reason
            await self._retarget()
            await self._carry_out(actions)
            self._tell_backend()
            self._changed()

    async def choose(self, name: str) -> None:
        """Play on this real device, or, with ``""``, on one that need not be chosen.

        That is the first of `preferred` that is connected, else the one it would be without
        Entrain.  It plays as loud as before headphones were unplugged, also where nothing else
        changes.  Raises `EntrainError` where there is none of that name.
        """
        async with self._request():
            await self._look()
            if name and name != self.chosen:
                self._require(name)
            self.chosen = name
            confirmed = self.softened is not None  # else the headphones may have gone just now
            await self._retarget(confirmed)
            if confirmed:
                await self._confirm()

    async def set_unplugged(self, setting: Unplugged) -> None:
        """Change what a loudspeaker does that takes over because headphones were unplugged."""
        async with self._request():
            self.unplugged.setting = setting
            if setting == "same":
                await self._look()
                await self._confirm()

    async def prefer(self, names: Sequence[str]) -> None:
        """Play on the first of these real devices that is connected; some may come later."""
        async with self._request():
            self.preferred = tuple(dict.fromkeys(names))
            await self._retarget()

    def set_alone(self, alone: bool) -> None:
        """Say whether the protocol is to be heard without any player, while this is on."""
        self._alone = alone
        self._tell_backend()

    async def set_mode(self, mode: Mode) -> None:
        """Change how programmes come to Entrain; raises `EntrainError`."""
        async with self._request():
            await self._look()
            await self._carry_out(self._defaults.set_mode(mode, self._seen(), time.monotonic()))
            self._tell_backend()
            self._changed()

    async def set_rules(self, rules: ApplicationRules) -> None:
        """Change which programs are heard through Entrain; what plays is moved accordingly."""
        async with self._request():
            self._router.rules = rules
            self._changed()

    async def list_devices(self) -> list[Device]:
        """All outputs but our own; raises `EntrainError`."""
        async with self._lock:
            await self._look()
        return self._real()

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
        pause_s = FIRST_PAUSE_S
        first = True
        while True:
            try:
                async with self._connection():
                    if first and self._required and self._server:
                        self._require(self._required)
                    # Not wait_for(): on Python 3.11 it loses a cancellation now and then.
                    async with asyncio.timeout(CONNECT_TIMEOUT_S):
                        await self._sink_made()
                    if self._left_behind:
                        self._note("a device that an earlier Entrain had left behind was removed")
                    self.trouble, self.retry_at_s = "", None
                    if first:
                        first = False
                        ready()
                    pause_s = FIRST_PAUSE_S
                    await self._follow()
            except TimeoutError:
                self._complain("the sound server makes no device; does a session manager run?")
            except UnknownOutput:
                raise
            except EntrainError:
                pass
            self.retry_at_s = time.monotonic() + pause_s
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[None]:
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
            # Now: to disconnect may take a while.
            self._complain(str(error))
            self.retry_at_s = time.monotonic()
            if self._frees:  # PipeWire may be there without its PulseAudio face
                async with self._lock:
                    await self._leave()
            raise
        finally:
            async with self._lock:
                await self._disconnect()

    async def _connect(self) -> None:
        name = self._wanted_backend
        if name == "auto":
            name = await self._wait(self._adapter.default_backend)
        self.backend_name = name
        self._loop = asyncio.get_running_loop()
        target = await self._wait(lambda: self._reach(name))
        self.unplugged.reconnected()
        # Of a filter it is known only later on which device it is heard.
        if (device := self._find(target)) and device.form == "speakers":
            await self._quieten([device])
        self._backend = await self._wait(lambda: self._open(name, target))
        self._loop.add_reader(self._backend.fileno(), self._take_news)
        self._mirror = VolumeMirror()
        self._session_managers = 0
        self._defaults.session_restarted()
        self._news.set()
        state = self._backend.state()
        if state.audio_thread and not state.realtime:
            self._asking = asyncio.create_task(self._ask_for_realtime(state.audio_thread))

    async def _ask_for_realtime(self, thread_id: int) -> None:
        """Get the audio thread priority, once; neither sound nor anything else waits for that."""
        try:
            await asyncio.to_thread(self._adapter.make_realtime, thread_id)
        except EntrainError as error:
            _log.debug("the audio thread stays an ordinary one: %s", error)

    def _shelter(self, guardian: int) -> None:
        """See to it that what ends this program does not end the new guardian; nobody waits."""
        if guardian != self._guardian:
            self._guardian = guardian
            if guardian:
                self._sheltering = asyncio.create_task(self._move_to_own_group(guardian))

    async def _move_to_own_group(self, process_id: int) -> None:
        try:
            await asyncio.to_thread(self._adapter.move_to_own_group, process_id)
        except EntrainError as error:
            _log.debug("the guardian stays in the program's own group: %s", error)

    def _reach(self, name: str) -> str:
        """Connect to the server and name the device to play on; runs on the worker thread.

        What has been opened by then is closed whatever happens.
        """
        target = ""
        if name != "null":
            self._server = self._adapter.connect()
            self._keeper = FilterKeeper(self._wait)
            # There a stream that is moved may close a circle, and the back end does not tell.
            self._router.watches_always = name == "pulse"
            self._router.watch(self._server, self._tell, self.mode)
            self.devices = self._server.devices()
            if self._name_is_taken:
                raise EntrainError(NAME_TAKEN)
            if name == "pipewire":  # PulseAudio's back end looks for itself
                self._require_no_other()
            # On PipeWire the device goes with the program.
            self._left_behind = name == "pulse" and any(device.own for device in self.devices)
            self._configured = ConfiguredDefault(self._server.stored_default())
            target = self._best_target(self._server.default())
        return target

    def _open(self, name: str, target: str) -> Backend:
        """Open the back end, on the worker thread."""
        self._backend = Backend(name, self._engine, target, smart=self._smart)
        self._backend.set_alone(self.plays_alone)
        self._backend.set_former(self._defaults.former)
        if self._latency_ms is not None:
            self._backend.set_latency(self._latency_ms)
        return self._backend

    async def _disconnect(self) -> None:
        if self._timer:
            self._timer.cancel()
        if self._backend:
            self._loop.remove_reader(self._backend.fileno())
            backend, self._backend = self._backend, None
            await self._wait(backend.close)
        if self._server:
            server, self._server = self._server, None
            await self._wait(server.close)
        self.devices = []

    async def _give_back(self) -> None:
        """Leave the default output, and the streams, as they were found."""
        with contextlib.suppress(EntrainError):  # a server that is gone has nothing to be given
            await self._look()
            if self._server and self._router.has_placed:
                actions = self._defaults.give_back(self._seen(), time.monotonic())
                await self._carry_out(actions)
                await self._router.give_back(self._server, self._effective_default)
            await self._set_back_at_the_end()
        await self._leave()

    async def _leave(self) -> None:
        with contextlib.suppress(EntrainError):
            await self._carry_out(self._defaults.leave(self._seen(), time.monotonic()))

    async def _sink_made(self) -> None:
        """Wait until the server lists our own device."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self._refresh()
            state = self.state
            made = state is not None and state.phase in (Phase.WAITING, Phase.READY)
            if made and (not self._server or any(device.own for device in self.devices)):
                return

    async def _follow(self) -> None:
        """React to news until the server is lost (an EntrainError)."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self._refresh()

    async def _refresh(self) -> None:
        async with self._lock:
            state = self.state
            if state is None or state.phase == Phase.LOST:
                raise EntrainError((state and state.error) or "the sound server is gone")
            self._shelter(state.guardian)
            if state.added_us != self._added_us:
                self._added_us = state.added_us
                _log.info("added delay beside the engine's: %.1f ms", state.added_us / 1000)
            await self._look()
            if self._name_is_taken:
                # Players of the default device "entrain" would end up on the other one.
                with contextlib.suppress(EntrainError):
                    actions = self._defaults.give_back(self._seen(), time.monotonic())
                    await self._carry_out(actions)
                raise EntrainError(NAME_TAKEN)
            seen, now_s = self._seen(), time.monotonic()
            if self._was_blank and not seen.blank:  # the session manager has come back
                self._mirror.distrust(now_s)
            self._was_blank = seen.blank
            own = any(device.own for device in self.devices)
            _log.debug("%s; own device %s", seen, "there" if own else "missing")
            actions = self._defaults.observe(seen, now_s) if own else []
            for action in actions:  # now, so that nobody sees it off without the reason
                if isinstance(action, policy.SwitchOn | policy.SwitchOff):
                    self.reason = action.reason
            await self._retarget()  # first, so that nothing plays in a circle for a moment
            await self._carry_out(actions)
            if own:
                await self._route()
            await self._look_after_softened()
            await self._mirror_volume()
            self._wake_again()
            now = (self.target.name if self.target else "", self.form)
            if now != self._told:
                self._told = now
                self._changed()
            self._looked()

    @contextlib.asynccontextmanager
    async def _request(self) -> AsyncIterator[None]:
        """Hold the lock while a wish is carried out; whether it works or not, look afterwards."""
        try:
            async with self._lock:
                yield
        finally:
            self._news.set()

    # ---- steps, all under the lock -------------------------------------------------------------

    async def _look(self) -> None:
        """List the devices as they were when the defaults were as they are now."""
        server = self._server
        if server is None:
            return
        for _ in range(MOST_LOOKS):
            before = self._told_defaults()
            self.devices = await self._wait(server.devices)
            if self._told_defaults() == before:
                return

    def _seen(self) -> policy.Defaults:
        """What there is to decide on; where the session manager is another one, from the start."""
        state = self.state
        names = tuple(device.name for device in self._real())
        if state is None:
            return policy.Defaults("", "", names, self._frees)
        if state.session_managers != self._session_managers:
            self._session_managers = state.session_managers
            self._was_blank = True
            self.unplugged.reconnected()
            self._defaults.session_restarted()
        configured, effective = self._told_defaults()
        if not self._frees:
            configured = self._configured.observe(effective, names, time.monotonic())
        return policy.Defaults(configured, effective, names, self._frees, state.default_is_ours)

    def _told_defaults(self) -> tuple[str, str]:
        state = self.state
        return (state.configured_default, state.effective_default) if state else ("", "")

    @property
    def _frees(self) -> bool:
        """Whether the back end itself writes the configured default, whatever it is."""
        return self.backend_name == "pipewire"

    async def _carry_out(self, actions: Sequence[policy.Action]) -> None:
        for action in actions:
            _log.info("%s", action)
            match action:
                case policy.SetDefault(name):
                    # On disk first: a crash right after must find the former default.
                    if (saving := self._changed()) is not None:
                        await saving
                    await self._set_default(name)
                case policy.SwitchOn() | policy.SwitchOff():
                    self.reason = action.reason
                case policy.Remember(former):
                    if self._backend:
                        self._backend.set_former(former)
        if actions:
            self._tell_backend()
            self._changed()

    async def _set_default(self, name: str) -> None:
        backend, server = self._backend, self._server
        if self._frees and backend:
            await self._wait(lambda: backend.set_default(name))
        elif server:
            await self._wait(lambda: server.set_default(name))
            self._configured.written(name)

    async def _retarget(self, confirmed: bool = False) -> None:
        """Play on another device where there is a better one, and not in a circle.

        Nothing else changes the target while Entrain runs: what depends on the kind of device
        that is left and on the one that comes belongs here.
        """
        state, backend = self.state, self._backend
        if backend is None or state is None:
            return
        effective, server = state.effective_default, self._server
        plan = await self._keeper.plan(
            backend,
            server,
            self._real(),
            SINK_NAME if self.on and self.mode == "default" else effective,
            lambda names: self._best_target(effective, names),
        )
        self._next_target = plan.target
        try:
            await self._quieten(self.heard_on, confirmed or self.chosen in self._keeper.heard_on)
            await self._keeper.carry_out(plan, backend, server)
            # Without any device it waits for the one that was there; with none but a circle, for
            # none.
            if plan.target != backend.state().target and (plan.target or self._keeper.note):
                backend.set_target(plan.target)
        finally:
            self._next_target = ""

    async def _quieten(self, heard_on: Sequence[Device], chosen: bool = False) -> None:
        """Turn down loudspeakers that take over from headphones, before they are played on.

        Where the server has sent the sound there already, as it does with that of a filter, and
        between sockets of one device, Entrain is silent meanwhile.
        """
        if not heard_on:
            return
        state, backend = self.state, self._backend
        playing = self.plays_alone or (state is not None and state.playing > 0)
        wanted = self.unplugged.arrive(
            heard_on,
            self.devices,
            carries=self.on and (self.mode != "manual" or playing),
            chosen=chosen,
            now_s=time.monotonic(),
        )
        if not wanted:
            return
        if backend is not None:
            backend.set_target("")
        before = {device.name: device.volume for device in heard_on}
        # On disk first: after a crash the volume before must be known.
        if (saving := self._changed()) is not None:
            await saving
        for name, volume in wanted:
            _log.info("headphones were unplugged: %s is set to %s", name, volume)
            await self._set_volume(name, volume)
        for _ in range(VOLUME_LOOKS):  # until it holds, and the mirror will see it
            await self._look()
            late = (device for name, _ in wanted if (device := self._find(name)))
            if not any(device.volume == before[device.name] for device in late):
                return
            await asyncio.sleep(VOLUME_LOOK_S)

    async def _look_after_softened(self) -> None:
        """Set loudspeakers back that were turned down, where it is time for that."""
        state, before = self.state, self.unplugged.entries
        if state is None:
            return
        in_use = {state.target, *self._keeper.heard_on}
        if not self.on or self.mode == "manual":  # else all sound passes Entrain
            in_use.update(self._keeper.ends(state.effective_default))
        devices = {device.name: device for device in self._real()}
        for name, volume in self.unplugged.observe(devices, in_use, time.monotonic()):
            _log.info("%s is set back to %s", name, volume)
            await self._set_volume(name, volume)
        if self.unplugged.entries != before:
            self._changed()

    async def _set_back_at_the_end(self) -> None:
        """Set loudspeakers back before quitting, but none on which something plays.

        What plays goes on there without Entrain, and would be louder at once.
        """
        state = self.state
        for device in self._real():
            volume = self.unplugged.as_before(device)
            if volume is None or state is None:
                continue
            if state.playing or device.state == "running":
                _log.warning("%s stays turned down, since something plays there", device.name)
            else:
                await self._set_volume(device.name, volume)

    async def _confirm(self) -> None:
        for device in self.heard_on:
            volume = self.unplugged.confirm(device, time.monotonic())
            if volume:
                await self._set_volume(device.name, volume)
                self._changed()

    async def _set_volume(self, name: str, volume: Volume) -> None:
        server = self._server
        if server is not None:
            # The device may have gone since; then there will be news of that.
            with contextlib.suppress(EntrainError):
                await self._wait(lambda: server.set_volume(name, volume))

    async def _route(self) -> None:
        state = self.state
        if self._server and state:
            situation = Situation(
                target=state.target or self._best_target(state.effective_default),
                default=state.effective_default,
                devices=tuple(device.name for device in self.devices),
                mode=self.mode,
                on=self.on,
            )
            await self._router.route(self._server, self._tell, situation)

    async def _mirror_volume(self) -> None:
        state = self.state
        if self._server is None or state is None:
            return
        own = next((device.volume for device in self.devices if device.own), None)
        target = self._find(state.target)
        volume: Volume | None = target.volume if target else None
        now_s = time.monotonic()
        for name, wanted in self._mirror.observe(own, volume, state.target, now_s):
            await self._set_volume(name, wanted)

    def _wake_again(self) -> None:
        """See to it that what never shows up is noticed; without such a thing there is no timer."""
        if self._timer:
            self._timer.cancel()
        now_s = time.monotonic()
        wakes = (
            self._mirror.wake_s(),
            self._defaults.wake_s(),
            self._keeper.wake_s(),
            self.unplugged.wake_s(),
        )
        times = [at_s for at_s in wakes if at_s]
        if times:
            self._timer = self._loop.call_later(max(0.0, min(times) - now_s), self._news.set)

    # ---- small things ----------------------------------------------------------------------

    @property
    def _name_is_taken(self) -> bool:
        return any(device.name == SINK_NAME and not device.own for device in self.devices)

    def _require_no_other(self) -> None:
        """Refuse to be a second Entrain on this server; there the device goes with its program."""
        for device in self.devices:
            if device.own and device.owner not in (None, os.getpid()):
                raise EntrainError(OTHER.format(device.owner))

    @property
    def _smart(self) -> bool:
        return self.on and self.mode == "smart"

    def _tell_backend(self) -> None:
        if self._backend:
            self._backend.set_smart(self._smart)
            self._backend.set_alone(self.plays_alone)

    def _effective_default(self) -> str:
        state = self.state
        return state.effective_default if state else ""

    def _best_target(self, effective: str, names: Sequence[str] | None = None) -> str:
        """Name the device to play on: the chosen one, a preferred one, or the desktop's.

        Parameters
        ----------
        effective : str
            The default output.
        names : sequence of str, optional
            The devices to choose from; all real ones where it is left out.

        """
        if names is None:
            names = [device.name for device in self._real()]
        plugged = [
            device.name
            for device in self._real()
            if device.name in names
            and (device.form != "headphones" or device.headphones_in is not False)
        ]
        desktops = effective if effective in names else self._defaults.wanted(plugged or names)
        return policy.choose_target((self.chosen, *self.preferred, desktops), names)

    def _real(self) -> list[Device]:
        return [device for device in self.devices if device.is_real]

    def _find(self, name: str) -> Device | None:
        return next((device for device in self.devices if device.name == name), None)

    def _require(self, name: str) -> None:
        names = [device.name for device in self._real()]
        if name not in names:
            known = ", ".join(names) or "none"
            raise UnknownOutput(f"there is no output {name!r}; there is {known}")

    def _complain(self, reason: str) -> None:
        if reason != self.trouble:  # a server that stays away is told once
            self._note(f"{reason}; trying again")
        self.trouble = reason

    def _note(self, text: str) -> None:
        _log.warning("%s", text)
        self.errors.append(text)

    def _take_news(self) -> None:
        if self._backend:
            self._backend.take_news()
        self._news.set()

    def _tell(self) -> None:
        """Called on the sound server's watching thread."""
        with contextlib.suppress(RuntimeError):  # the loop may have ended
            self._loop.call_soon_threadsafe(self._news.set)

    async def _wait(self, call: Callable[[], T]) -> T:
        """Run on the worker thread what may wait for the server; when cancelled, to its end."""
        future = asyncio.get_running_loop().run_in_executor(self._worker, call)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait({future})
            raise
