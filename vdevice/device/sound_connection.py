"""One connection to the sound server: calls of the server, and the back end that plays the sound.

Runs on the main thread's asyncio loop.  Calls that may wait for the server run on one worker
thread.  The sound depends on neither thread.
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
"""Largest number of looks at the devices if the default or the session manager keeps changing."""
OTHER = "another Entrain (process {}) uses this sound server"
NAME_TAKEN = f'another device on this sound server has the name "{OWN_DEVICE}"; rename or remove it'

T = TypeVar("T")

_log = logging.getLogger(__name__)


class UnknownOutput(EntrainError):
    """There is no real device with this name."""


class SoundConnection:
    """The connection to the sound server, open or closed.

    It is opened in two steps, `reach` and `open`, so that the target can be chosen and turned down
    before any sound plays.  `close` closes every open part.

    Parameters
    ----------
    adapter : PlatformAdapter
        Connects to the sound server.
    engine : Engine
        Processes the sound that apps play to Entrain's device.
    backend : str
        Name of a back end, or ``auto``.
    latency_ms : float or None
        Target for the total added latency if sink and device have one clock each; None: the back
        end's default.
    news : callable
        Called on the loop after each news of the back end or the server.

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
        """Name of the present or last back end; ``""`` before one is chosen."""
        self.devices: list[Device] = []
        """All outputs, as of the last look."""
        self.backend: Backend | None = None
        self.server: SoundServer | None = None
        self.found_leftover = False
        """Whether `reach` has found the device of an earlier Entrain that did not clean up."""
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
        """Number of session managers seen when `session_manager_is_new` was last called."""
        self._served_by = 0
        """Number of session managers seen when the server was reached or first asked; 0: none."""
        self._asked: set[asyncio.Task[None]] = set()  # keeps the tasks from garbage collection

    # ---- opening and closing -----------------------------------------------------------------

    async def choose_backend(self) -> None:
        """Choose the back end that fits the running server, unless a name was given."""
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
            Starts to watch the server before it is asked; called on the worker thread.

        Raises
        ------
        EntrainError
            No server answers, it has another device named like Entrain's, or another Entrain uses
            it.

        """
        return "" if self.backend_name == "null" else await self.wait(lambda: self._reach(watch))

    async def open(self, target: str, *, smart: bool, alone: bool, former: str) -> None:
        """Open the back end; `Backend` describes the parameters."""
        backend = await self.wait(lambda: self._open(target, smart, alone, former))
        self._session_managers = self._served_by = 0
        self._loop.add_reader(backend.fileno(), self._take_news)
        state = backend.state()
        if (thread := state.audio_thread) is not None and not state.realtime:
            self._ask(
                lambda: self._adapter.make_realtime(thread),
                "the audio thread gets no real-time priority",
            )

    async def renew_server(self, watch: Callable[[SoundServer], None]) -> None:
        """Connect to the server again beside the back end, after its session manager was replaced.

        PipeWire may stop reading messages of a client that was waiting for the old session manager,
        and does not report that.

        Parameters
        ----------
        watch : callable
            Watches the server; called on the worker thread.

        """
        await self.wait(lambda: self._renew_server(watch))

    async def close(self) -> None:
        """Close every open part.  Idempotent."""
        if self.backend:
            self._loop.remove_reader(self.backend.fileno())
            backend, self.backend = self.backend, None
            await self.wait(backend.close)
        if self.server:
            server, self.server = self.server, None
            await self.wait(server.close)
        self.devices = []

    # ---- facts -------------------------------------------------------------------------------

    @property
    def state(self) -> BackendState | None:
        """The back end's state; None while it is closed."""
        return self.backend.state() if self.backend else None

    @property
    def is_ready(self) -> bool:
        """Whether Entrain's device exists: made by the back end, and listed by the server."""
        state = self.state
        made = state is not None and state.phase in (Phase.WAITING, Phase.READY)
        return made and (self.server is None or self.own is not None)

    @property
    def own(self) -> Device | None:
        """Entrain's own device, if the server lists it."""
        return next((device for device in self.devices if device.own), None)

    @property
    def real(self) -> list[Device]:
        """All outputs that can be heard."""
        return [device for device in self.devices if device.is_real]

    @property
    def name_is_taken(self) -> bool:
        """Whether another app's device has the name of Entrain's."""
        return any(device.name == OWN_DEVICE and not device.own for device in self.devices)

    @property
    def frees(self) -> bool:
        """Whether the back end can configure any default, or none."""
        return self.backend_name == "pipewire"

    @property
    def effective_default(self) -> str:
        """Name of the server's effective default output; ``""`` while it is unknown."""
        return self._told_defaults()[1]

    def find(self, name: str) -> Device | None:
        """Return the device with this name, or None."""
        return next((device for device in self.devices if device.name == name), None)

    def require(self, name: str) -> None:
        """Raise `UnknownOutput` unless a real device has this name."""
        names = [device.name for device in self.real]
        if name not in names:
            known = f"choose from {', '.join(names)}" if names else "no output is connected"
            raise UnknownOutput(f"there is no output {name!r}; {known}")

    @property
    def session_manager_was_replaced(self) -> bool:
        """Whether a new session manager has come since the server was reached, or first asked."""
        state = self.state
        return state is not None and self._served_by not in (0, state.session_managers)

    def session_manager_is_new(self) -> bool:
        """Return, once, whether a session manager has come since the last call."""
        state, before = self.state, self._session_managers
        if state:
            self._session_managers = state.session_managers
        return self._session_managers != before

    def check(self) -> None:
        """Check the connection, and move a new guardian into a group of its own.

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
            if state.guardian:  # the end of this process group must not end the guardian
                self._ask(
                    lambda: self._adapter.move_to_own_group(state.guardian),
                    "the guardian stays in Entrain's process group",
                )
        if state.added_us != self._added_us:
            self._added_us = state.added_us
            _log.info("added delay beside the engine's: %.1f ms", state.added_us / 1000)

    def defaults(self, now_s: float) -> Defaults:
        """Return the server's report of its default output."""
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
        """List the devices, until the list belongs to the present defaults."""
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
        """Configure the default output; ``""``: remove it, if the server supports that."""
        backend, server = self.backend, self.server
        if self.frees and backend:
            await self.wait(lambda: backend.set_default(name))
        elif server:
            await self.wait(lambda: server.set_default(name))
            self._configured.written(name)

    async def set_volume(self, name: str, volume: Volume) -> None:
        """Set a device's volume, if it is still connected."""
        server = self.server
        if server is not None:
            # The device may have vanished; then news of that will follow.
            with contextlib.suppress(EntrainError):
                await self.wait(lambda: server.set_volume(name, volume))

    async def wait(self, call: Callable[[], T]) -> T:
        """Run a call on the worker thread.  If cancelled, wait for the call's end first."""
        future = asyncio.get_running_loop().run_in_executor(self._worker, call)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait({future})
            raise

    def tell(self) -> None:
        """Report news of the server; called on the watching thread."""
        with contextlib.suppress(RuntimeError):  # the loop may be closed
            self._loop.call_soon_threadsafe(self._news)

    # ---- internals ---------------------------------------------------------------------------

    def _reach(self, watch: Callable[[SoundServer], None]) -> str:
        """Connect, on the worker thread; every open part is stored at once, in case of errors."""
        self.server = self._adapter.connect()
        watch(self.server)
        self.devices = self.server.devices()
        if self.name_is_taken:
            raise EntrainError(NAME_TAKEN)
        if self.frees:  # on PulseAudio the back end checks this itself
            self._require_no_other()
        # On PipeWire the device vanishes with its process.
        self.found_leftover = not self.frees and self.own is not None
        self._configured = ConfiguredDefault(self.server.stored_default())
        return self.server.default()

    def _renew_server(self, watch: Callable[[SoundServer], None]) -> None:
        """Replace the server, on the worker thread; at any time, one server is watched."""
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
        """Open the back end, on the worker thread; it is stored at once, in case of errors."""
        self.backend = backend = Backend(self.backend_name, self._engine, target, smart=smart)
        backend.set_alone(alone)
        backend.set_former(former)
        if self._latency_ms is not None:
            backend.set_latency(self._latency_ms)
        return backend

    def _require_no_other(self) -> None:
        """Raise an error if another Entrain uses this server; only for servers that list owners."""
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
        """Ask the system for an optional favour, without waiting for the answer."""

        async def ask() -> None:
            try:
                await asyncio.to_thread(favour)
            except EntrainError as error:
                _log.debug("%s: %s", otherwise, error)

        task = asyncio.create_task(ask())
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
