"""The running app: one engine, one virtual device, one control socket."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack

from entrain.engine import Engine, blocks
from entrain.platform import factory
from entrain.platform.adapter import PlatformAdapter
from entrain.platform.local_socket import Claim, claim
from entrain.vdevice import logs
from entrain.vdevice.api import messages
from entrain.vdevice.api.client import SOCKET_NAME
from entrain.vdevice.api.control_server import MAX_CLIENTS, ControlServer
from entrain.vdevice.api.health import HealthLog
from entrain.vdevice.api.hub import Answer, Hub
from entrain.vdevice.api.status import Reporter
from entrain.vdevice.device.default_policy import DefaultPolicy
from entrain.vdevice.device.unplugged import UnpluggedPolicy
from entrain.vdevice.device.virtual_device import VirtualDevice
from entrain.vdevice.head.head_sink import HeadSink, IgnoredHead
from entrain.vdevice.head.head_tracking import HeadTracking
from entrain.vdevice.options import RunOptions
from entrain.vdevice.problems import Problems
from entrain.vdevice.protocol.check import usable
from entrain.vdevice.protocol.library import DEFAULT_ID, Library
from entrain.vdevice.request_handler import RequestHandler
from entrain.vdevice.session import session_log
from entrain.vdevice.session.output_protocols import OutputProtocols
from entrain.vdevice.session.player import Player
from entrain.vdevice.session.session_log import SessionLog, Stretch
from entrain.vdevice.storage import store
from entrain.vdevice.storage.saver import Saver, Urgent
from entrain.vdevice.storage.store import State, Store
from entrain.vdevice.time_keeper import TimeKeeper

_SWITCH_S = 0.001
"""How long another thread may keep the loop waiting; Python's own choice is 5 ms."""

Ready = Callable[[str, Mapping[str, str]], None]


def run(options: RunOptions, ready: Ready | None = None) -> int:
    """Run Entrain until it is stopped.

    Parameters
    ----------
    options : RunOptions
        Win over the stored state.
    ready : callable, optional
        Called when the device is there for the first time, with one line for the user and with
        the variables by which other programs reach the sandbox; without a sandbox, none.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    EntrainError
        Another Entrain runs, or what was asked for does not exist.

    """
    adapter = factory.load()
    paths = adapter.paths()
    with ExitStack() as stack:
        claimed = claim(paths.runtime / SOCKET_NAME, MAX_CLIENTS)
        stack.callback(claimed.release)
        environment: Mapping[str, str] = {}
        kept_in: Store | None
        sandboxed = options.sandbox == "always" or (
            options.sandbox == "auto" and adapter.can_sandbox and not adapter.has_sound_server()
        )
        if sandboxed:
            server = adapter.sandbox()
            stack.callback(server.close)
            environment = server.environment
            os.environ.update(environment)
            # What happens in the sandbox is no state of the user's.
            kept_in = None
        else:
            kept_in = Store(paths.state / store.FILE_NAME, paths.runtime / store.NOTE_NAME)
        logs.set_up(None if sandboxed else paths.state, options.verbose)
        app = App(
            options,
            adapter,
            kept_in,
            SessionLog(None if sandboxed else paths.state / session_log.FILE_NAME),
            Library(paths.data / "protocols", blocks),
            start_on=sandboxed,
        )
        stack.callback(app.engine.close)
        greet = (lambda: ready(app.greeting(), environment)) if ready else (lambda: None)
        asyncio.run(app.serve(claimed, greet))
    return 0


class App:
    """Wires the parts together.  Everything runs on the main thread's asyncio loop, but for two.

    The library is asked on another thread; the state and the session log are written on a third.
    Both may take long, or never end.

    Parameters
    ----------
    options : RunOptions
        Win over the stored state.
    adapter : PlatformAdapter
        The operating system.
    kept_in : Store or None
        Where the state is kept; None: nowhere.
    log : SessionLog
        Where it is noted what was heard.
    library : Library
        Where protocols are found, and saved.
    start_on : bool
        Start switched on whatever the stored state says.
    head_sink : HeadSink, optional
        Is told how the head is turned; without one, poses are ignored.

    """

    def __init__(
        self,
        options: RunOptions,
        adapter: PlatformAdapter,
        kept_in: Store | None,
        log: SessionLog,
        library: Library,
        start_on: bool,
        head_sink: HeadSink | None = None,
    ) -> None:
        stored = kept_in.load() if kept_in else State()
        self._log = log
        self._stop = asyncio.Event()
        self._health_log = HealthLog()
        self._problems = Problems()
        self.engine = Engine()
        self.engine.bypass = stored.bypass
        latency_ms = options.latency_ms or stored.latency_ms
        settings = usable(stored.settings, blocks)
        kept = stored.model_copy(update={"latency_ms": latency_ms, "settings": settings})
        self.saver = Saver(kept_in, kept, self._problems)
        # Somebody who names a protocol wants to hear it.
        on = start_on or stored.on or options.protocol is not None
        self._defaults = DefaultPolicy(
            on, stored.former_default or "", stored.mode, stored.stand_in or ""
        )
        self.device = VirtualDevice(
            adapter,
            self.engine,
            options.backend,
            options.output or stored.output or "",
            latency_ms,
            self._defaults,
            self.device_changed,
            stored.applications,
            self._device_looked,
            required=options.output or "",
            preferred=stored.preferred_outputs,
            unplugged=UnpluggedPolicy(stored.unplugged, stored.softened),
            problems=self._problems,
        )
        self.player = Player(self.engine, self.note_heard, self.device.set_alone)
        for address, value in settings.items():
            self.player.set_own(address, value, 0.0)
        self.protocols = OutputProtocols(
            library,
            self.player,
            options.protocol or stored.protocol or DEFAULT_ID,
            stored.remembered,
            stored.recent,
            self._problems,
        )
        self.head = HeadTracking(head_sink or IgnoredHead(), stored.tracking, self._head_changed)
        self.saver.follow(self._to_be_kept, self._urgent)
        self._reporter = Reporter(
            self.engine, self.device, self.player, self.head, icon=not options.headless
        )
        self._handler = RequestHandler(
            self.engine,
            self.device,
            self.player,
            self.protocols,
            self.head,
            self.saver,
            self._stop.set,
        )
        self.hub = Hub(self._carry_out, self.status)
        self._problems.changed = self.hub.notify
        self.time_keeper = TimeKeeper(
            self.player, self.protocols, self._fall_asleep, self._problems, self._changed
        )

    async def serve(self, claimed: Claim, ready: Callable[[], None]) -> None:
        """Serve until `stop` or a signal, then leave the system as it was found."""
        sys.setswitchinterval(_SWITCH_S)
        loop = asyncio.get_running_loop()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the last one: its terminal was closed
            if number := getattr(signal, name, None):
                loop.add_signal_handler(number, self._stop.set)
        server = ControlServer(claimed, self.hub, blocks)
        await server.start()
        self.head.begin()

        def begin() -> None:
            self.saver.save_now()  # what was asked for at the start outlives a crash too
            ready()

        life = asyncio.create_task(self.device.live(begin))
        stopped = asyncio.create_task(self._stop.wait())
        keeping_time = asyncio.create_task(self.time_keeper.run())
        try:
            await asyncio.wait({life, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if life.done():
                life.result()  # raises what ended it
        finally:
            life.cancel()
            stopped.cancel()
            keeping_time.cancel()
            await asyncio.gather(life, stopped, keeping_time, return_exceptions=True)
            self.player.note_heard()
            await self.head.close()
            await self.saver.flush()
            await server.close()
            self.protocols.close()
            self.saver.close()

    def status(self) -> messages.Status:
        """Describe what Entrain does now."""
        return self._reporter.status(
            self.saver.kept, here=self.protocols.is_own, errors=self._problems.lines
        )

    def greeting(self) -> str:
        """Say in one line how things stand, for somebody who has just started it."""
        target = self.device.target
        where = target.description if target else "no device yet"
        if self.device.on:
            return f'Output "Entrain" is on: {self.player.protocol.name}, heard on {where}'
        return f'Output "Entrain" is there, heard on {where}; `entrain on` makes it the default'

    # ---- what changes ------------------------------------------------------------------------

    async def _carry_out(self, request: messages.Request) -> Answer:
        try:
            return await self._handler.carry_out(request)
        finally:  # what is refused halfway has changed something, too
            if isinstance(request, messages.Set):  # it changes nothing that is due, nor urgent
                self.saver.soon()
            elif isinstance(request, messages.Command):
                self.time_keeper.wake()
                self.saver.changed()

    def device_changed(self) -> Awaitable[None]:
        """On or off, or what is played on, has changed; what is returned is the saving of it.

        What is heard changes in this same step, so that nobody finds the one without the other.
        """
        if target := self.device.target:
            self.protocols.play_on(target.name, self.device.form)
            self.head.play_on(target.name)
            self.time_keeper.wake()
        return self.saver.changed()

    def _device_looked(self) -> None:
        state = self.device.state
        self.time_keeper.observe(
            self.device.plays_alone or (state is not None and state.playing > 0)
        )
        self._health_log.observe(self._reporter.health())
        self.hub.notify()

    def _head_changed(self) -> None:
        """The tracker's process has reported something else."""
        self.hub.notify()

    def _changed(self) -> None:
        """Something has changed by itself."""
        self.saver.changed()
        self.hub.notify()

    async def _fall_asleep(self) -> None:
        await self.device.switch(False, "the sleep timer is over")

    # ---- what is kept ------------------------------------------------------------------------

    def note_heard(self, stretch: Stretch) -> None:
        """Note what was heard, unless the user wants no log."""
        if self.saver.kept.session_log:
            self.saver.write(lambda: self._log.add(stretch), self._log)

    def _to_be_kept(self) -> Mapping[str, object]:
        return {
            "on": self._defaults.on,
            "bypass": self.engine.bypass,
            "protocol": self.protocols.everywhere,
            "remembered": self.protocols.remembered,
            "recent": self.protocols.recent,
            "output": self.device.chosen or None,
            "preferred_outputs": self.device.preferred,
            "former_default": self._defaults.former or None,
            "stand_in": self._defaults.stand_in or None,
            "mode": self.device.mode,
            "unplugged": self.device.unplugged.setting,
            "softened": self.device.unplugged.entries,
            "applications": self.device.rules,
            "tracking": dict(self.head.by_output),
        }

    def _urgent(self) -> Urgent:
        """Say what has to be in the file before something outside is changed."""
        defaults = self._defaults
        return Urgent(
            on=defaults.on,
            mode=defaults.mode,
            former_default=defaults.former or None,
            stand_in=defaults.stand_in or None,
            softened=self.device.unplugged.entries,
        )
