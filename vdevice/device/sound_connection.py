"""One connection to the sound server: the calls to it, and the back end that carries the sound.

Runs on the main thread's asyncio loop.  What may wait for the sound server runs on one worker
thread; the sound itself depends on neither.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from entrain.backend import Backend, BackendState, Phase
from entrain.engine import Engine
from entrain.errors import EntrainError
from entrain.platform.adapter import OWN_DEVICE, Device, PlatformAdapter, SoundServer, Volume
from entrain.vdevice.device.configured_default import ConfiguredDefault
from entrain.vdevice.device.default_policy import Defaults

MOST_LOOKS = 3
"""How often the devices are listed where the default, or session manager, changes meanwhile."""
OTHER = "another Entrain (process {}) uses this sound server"
NAME_TAKEN = f'another device on this sound server has the name "{OWN_DEVICE}"; rename or remove it'

T = TypeVar("T")

_log = logging.getLogger(__name__)


class UnknownOutput(EntrainError):
    """There is no real device of that name."""


class SoundConnection:
    """The connection to the sound server, which is open or closed.

    It is opened in two steps, `reach` and `open`, so that the device to play on can be chosen, and
    turned down, before any sound is played.  `close` closes whatever is open.

    Parameters
    ----------
    adapter : PlatformAdapter
        Gives the sound server.
    engine : Engine
        Processes what is played to our device.
    backend : str
        Name of a back end, or ``auto``.
    latency_ms : float or None
        Added delay to aim at where sink and device have a clock each; None: the back end's own.
    news : callable
        Called on the loop when the back end or the server has news.

    """

    def __init__(
        self,
        adapter: PlatformAdapter,
        engine: Engine,
        backend: str,
        latency_ms: float | None,
        news: Callable[[], None],
    ) -> None:
        self.backend_name = "" if backend == "auto" else backend
        """Name of the back end in use, or of the last one; ``""`` before that is known."""
        self.devices: list[Device] = []
        """All outputs, as they were at the last look."""
        self.backend: Backend | None = None
        self.server: SoundServer | None = None
        self.found_leftover = False
        """Whether `reach` has found a device that an earlier Entrain had left behind."""
        self._adapter = adapter
        self._engine = engine
        self._wanted_backend = backend
        self._latency_ms = latency_ms
        self._news = news
        self._worker = ThreadPoolExecutor(1, "entrain-server")
        self._configured = ConfiguredDefault()
        self._added_us = 0
        self._guardian = 0
        self._session_managers = 0
        """How many had come when `session_manager_is_new` was asked last."""
        self._served_by = 0
        """How many had come when the server was reached, or first looked at; 0: none yet."""
        self._asked: set[asyncio.Task[None]] = set()  # kept, so that they are not collected

    # ---- opening and closing -----------------------------------------------------------------

    async def choose_backend(self) -> None:
        """Find out which back end fits, where that is to be found out."""
        name = self._wanted_backend
        if name == "auto":
            name = await self.wait(self._adapter.default_backend)
        self.backend_name = name
        self._loop = asyncio.get_running_loop()

    async def reach(self, watch: Callable[[SoundServer], None]) -> str:
        """Connect to the server, list its devices, and return the name of its default output.

        Parameters
        ----------
        watch : callable
            Begins to watch the server, before anything is asked; called on the worker thread.

        Raises
        ------
        EntrainError
            No server answers, it has another device of our name, or another Entrain uses it.

        """
        return "" if self.backend_name == "null" else await self.wait(lambda: self._reach(watch))

    async def open(self, target: str, *, smart: bool, alone: bool, former: str) -> None:
        """Open the back end; see `Backend` for what it is told."""
        backend = await self.wait(lambda: self._open(target, smart, alone, former))
        self._session_managers = self._served_by = 0
        self._loop.add_reader(backend.fileno(), self._take_news)
        state = backend.state()
        if (thread := state.audio_thread) is not None and not state.realtime:
            self._ask(
                lambda: self._adapter.make_realtime(thread),
                "the audio thread stays an ordinary one",
            )

    async def renew_server(self, watch: Callable[[SoundServer], None]) -> None:
        """Reach the server anew beside the back end, since the session manager is another one.

        PipeWire may read nothing more of what a client sends that was asking the former one when
        it died, and tells nobody.

        Parameters
        ----------
        watch : callable
            Watches the server as before; called on the worker thread.

        """
        await self.wait(lambda: self._renew_server(watch))

    async def close(self) -> None:
        """Close what is open.  Idempotent."""
        if self.backend:
            self._loop.remove_reader(self.backend.fileno())
            backend, self.backend = self.backend, None
            await self.wait(backend.close)
        if self.server:
            server, self.server = self.server, None
            await self.wait(server.close)
        self.devices = []

    # ---- what there is -----------------------------------------------------------------------

    @property
    def state(self) -> BackendState | None:
        """The back end's state; None while there is none."""
        return self.backend.state() if self.backend else None

    @property
    def is_ready(self) -> bool:
        """Whether our own device is there: made by the back end, and listed by the server."""
        state = self.state
        made = state is not None and state.phase in (Phase.WAITING, Phase.READY)
        return made and (self.server is None or self.own is not None)

    @property
    def own(self) -> Device | None:
        """Entrain's own device, if the server lists it."""
        return next((device for device in self.devices if device.own), None)

    @property
    def real(self) -> list[Device]:
        """All outputs on which sound can be heard."""
        return [device for device in self.devices if device.is_real]

    @property
    def name_is_taken(self) -> bool:
        """Whether another program's device has the name of ours."""
        return any(device.name == OWN_DEVICE and not device.own for device in self.devices)

    @property
    def frees(self) -> bool:
        """Whether the back end itself writes the configured default, whatever it is."""
        return self.backend_name == "pipewire"

    @property
    def effective_default(self) -> str:
        """Name of the output that the server uses by default; ``""`` before that is known."""
        return self._told_defaults()[1]

    def find(self, name: str) -> Device | None:
        """Return the device of this name, if there is one."""
        return next((device for device in self.devices if device.name == name), None)

    def require(self, name: str) -> None:
        """Raise `UnknownOutput` where there is no real device of this name."""
        names = [device.name for device in self.real]
        if name not in names:
            known = ", ".join(names) or "none"
            raise UnknownOutput(f"there is no output {name!r}; there is {known}")

    @property
    def session_manager_was_replaced(self) -> bool:
        """Whether another one has come since the server was reached, or first looked at."""
        state = self.state
        return state is not None and self._served_by not in (0, state.session_managers)

    def session_manager_is_new(self) -> bool:
        """Tell, once, whether a session manager has come; who looks late sees no time without."""
        state, before = self.state, self._session_managers
        if state:
            self._session_managers = state.session_managers
        return self._session_managers != before

    def check(self) -> None:
        """Take care of a guardian that has only just come.

        Raises
        ------
        EntrainError
            The sound server is lost.

        """
        state = self.state
        if state is None or state.phase == Phase.LOST:
            raise EntrainError((state and state.error) or "the sound server is gone")
        if state.guardian != self._guardian:
            self._guardian = state.guardian
            if state.guardian:  # what ends this program is not to end the guardian
                self._ask(
                    lambda: self._adapter.move_to_own_group(state.guardian),
                    "the guardian stays in the program's own group",
                )
        if state.added_us != self._added_us:
            self._added_us = state.added_us
            _log.info("added delay beside the engine's: %.1f ms", state.added_us / 1000)

    def defaults(self, now_s: float) -> Defaults:
        """Return what the server says of its default output, to decide on."""
        state = self.state
        names = tuple(device.name for device in self.real)
        if state is None:
            return Defaults("", "", names, self.frees)
        configured, effective = self._told_defaults()
        if not self.frees:
            configured = self._configured.observe(effective, names, now_s)
        return Defaults(configured, effective, names, self.frees, state.default_is_ours)

    # ---- calls -------------------------------------------------------------------------------

    async def look(self) -> None:
        """List the devices as they were when the defaults were as they are now."""
        server, state = self.server, self.state
        if state and not self._served_by:
            self._served_by = state.session_managers
        if server is None:
            return
        for _ in range(MOST_LOOKS):
            before = self._told_defaults()
            self.devices = await self.wait(server.devices)
            if self._told_defaults() == before:
                return

    async def set_default(self, name: str) -> None:
        """Configure the default output; ``""``: none, where the server can be told that."""
        backend, server = self.backend, self.server
        if self.frees and backend:
            await self.wait(lambda: backend.set_default(name))
        elif server:
            await self.wait(lambda: server.set_default(name))
            self._configured.written(name)

    async def set_volume(self, name: str, volume: Volume) -> None:
        """Set a device's volume, if it is still there."""
        server = self.server
        if server is not None:
            # The device may have gone since; then there will be news of that.
            with contextlib.suppress(EntrainError):
                await self.wait(lambda: server.set_volume(name, volume))

    async def wait(self, call: Callable[[], T]) -> T:
        """Run on the worker thread what may wait for the server; when cancelled, to its end."""
        future = asyncio.get_running_loop().run_in_executor(self._worker, call)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait({future})
            raise

    def tell(self) -> None:
        """Say that the server has news; called on its watching thread."""
        with contextlib.suppress(RuntimeError):  # the loop may have ended
            self._loop.call_soon_threadsafe(self._news)

    # ---- inside ------------------------------------------------------------------------------

    def _reach(self, watch: Callable[[SoundServer], None]) -> str:
        """Connect, on the worker thread; what is open by then is known, whatever happens."""
        self.server = self._adapter.connect()
        watch(self.server)
        self.devices = self.server.devices()
        if self.name_is_taken:
            raise EntrainError(NAME_TAKEN)
        if self.frees:  # on PulseAudio the back end looks for itself
            self._require_no_other()
        # On PipeWire the device goes with the program.
        self.found_leftover = not self.frees and self.own is not None
        self._configured = ConfiguredDefault(self.server.stored_default())
        return self.server.default()

    def _renew_server(self, watch: Callable[[SoundServer], None]) -> None:
        """Change servers, on the worker thread: at no time is there none that is watched."""
        former, state = self.server, self.state
        if former is None:
            return
        server = self._adapter.connect()
        try:
            watch(server)
        except BaseException:
            server.close()
            raise
        self.server = server
        self._served_by = state.session_managers if state else 0
        former.close()

    def _open(self, target: str, smart: bool, alone: bool, former: str) -> Backend:
        """Open the back end, on the worker thread; it is known as soon as it is open."""
        self.backend = backend = Backend(self.backend_name, self._engine, target, smart=smart)
        backend.set_alone(alone)
        backend.set_former(former)
        if self._latency_ms is not None:
            backend.set_latency(self._latency_ms)
        return backend

    def _require_no_other(self) -> None:
        """Refuse to be a second Entrain on this server; there the device goes with its program."""
        for device in self.devices:
            if device.own and device.owner not in (None, os.getpid()):
                raise EntrainError(OTHER.format(device.owner))

    def _told_defaults(self) -> tuple[str, str]:
        state = self.state
        return (state.configured_default, state.effective_default) if state else ("", "")

    def _take_news(self) -> None:
        if self.backend:
            self.backend.take_news()
        self._news()

    def _ask(self, favour: Callable[[], None], otherwise: str) -> None:
        """Ask the system for what is of use but not needed; nothing waits for the answer."""

        async def ask() -> None:
            try:
                await asyncio.to_thread(favour)
            except EntrainError as error:
                _log.debug("%s: %s", otherwise, error)

        task = asyncio.create_task(ask())
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
