"""The running app: one engine, one virtual device, one control socket."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack

from entrain.engine import Engine, blocks
from entrain.platform import factory
from entrain.platform.adapter import Form, PlatformAdapter
from entrain.platform.local_socket import Claim, claim
from entrain.platform.own_command import typed_command
from entrain.vdevice import logs
from entrain.vdevice.api import messages
from entrain.vdevice.api.client import SOCKET_NAME
from entrain.vdevice.api.control_server import MAX_CLIENTS, ControlServer
from entrain.vdevice.api.health import HealthLog
from entrain.vdevice.api.hub import Answer, Hub
from entrain.vdevice.api.reported_hotkeys import ReportedHotkeys
from entrain.vdevice.api.status import Reporter
from entrain.vdevice.device.default_policy import DefaultPolicy
from entrain.vdevice.device.unplugged import UnpluggedPolicy
from entrain.vdevice.device.virtual_device import VirtualDevice
from entrain.vdevice.head.head_sink import EngineHead
from entrain.vdevice.head.head_tracking import HeadTracking
from entrain.vdevice.hrtf.head_keeper import HeadKeeper
from entrain.vdevice.options import RunOptions
from entrain.vdevice.problems import Problems
from entrain.vdevice.protocol.check import usable
from entrain.vdevice.protocol.library import DEFAULT_ID, Library
from entrain.vdevice.remote.bridge_process import BridgeProcess
from entrain.vdevice.remote.midi_control import MidiControl
from entrain.vdevice.remote.osc_control import OscControl
from entrain.vdevice.request_handler import RequestHandler
from entrain.vdevice.session import session_log
from entrain.vdevice.session.audition import Audition
from entrain.vdevice.session.history import History
from entrain.vdevice.session.output_protocols import OutputProtocols
from entrain.vdevice.session.output_spaces import OutputSpaces
from entrain.vdevice.session.player import Player
from entrain.vdevice.session.session_log import SessionLog, Stretch
from entrain.vdevice.session.undo import Undo
from entrain.vdevice.storage import store
from entrain.vdevice.storage.saver import Saver, Urgent
from entrain.vdevice.storage.state import State
from entrain.vdevice.storage.store import Store
from entrain.vdevice.time_keeper import TimeKeeper
from entrain.vdevice.upgrade import UpgradeWatch

_SWITCH_S = 0.001
"""Longest time that another thread may hold Python's lock while the loop waits, in seconds.

Python's default is 5 ms.
"""

Ready = Callable[[str, Mapping[str, str]], None]


def run(options: RunOptions, ready: Ready | None = None) -> int:
    """Run Entrain until it is stopped.

    Parameters
    ----------
    options : RunOptions
        Options of this run; they override the stored state.
    ready : callable, optional
        Called once, when the device exists, with one line for the user and with the environment
        variables that lead other apps to the sandbox (none without a sandbox).

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    EntrainError
        Another Entrain is running, or a requested protocol or output does not exist.

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
            # Changes in the sandbox do not belong in the user's state.
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
            sandbox=environment,
        )
        stack.callback(app.engine.close)
        greet = (lambda: ready(app.greeting(), environment)) if ready else (lambda: None)
        asyncio.run(app.serve(claimed, greet))
    return 0


class App:
    """Wires the parts together.  It runs on the main thread's asyncio loop, with two exceptions.

    The library is read on a second thread; the state and the session log are written on a third.
    A disk may answer late, or never.

    Parameters
    ----------
    options : RunOptions
        Options of this run; they override the stored state.
    adapter : PlatformAdapter
        The operating system.
    kept_in : Store or None
        The file of the state; None: the state is not kept.
    log : SessionLog
        The log of protocols and listening times.
    library : Library
        The shipped protocols and the user's own.
    sandbox : mapping of str to str
        Environment that leads other apps to Entrain's private sound server; empty without one.
        With a private server, Entrain starts switched on.

    """

    def __init__(
        self,
        options: RunOptions,
        adapter: PlatformAdapter,
        kept_in: Store | None,
        log: SessionLog,
        library: Library,
        sandbox: Mapping[str, str],
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
        # A user who names a protocol wants to hear it.
        on = bool(sandbox) or stored.on or options.protocol is not None
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
            history := History(),
        )
        ears = EngineHead(self.engine)
        control_socket = adapter.paths().runtime / SOCKET_NAME
        self.bridge = BridgeProcess(control_socket)
        self.head = HeadTracking(ears, stored.tracking, self._told, self.bridge)
        self.osc = OscControl(self.bridge, stored.osc, self._told)
        # A MIDI driver may stand still, or crash its process, which must not end the rest.
        self.midi_bridge = BridgeProcess(control_socket, hung="the MIDI system does not answer")
        self.midi = MidiControl(self.midi_bridge, stored.midi, self._told)
        self.heads = HeadKeeper(self.engine)
        self.spaces = OutputSpaces(
            stored.space,
            stored.hrtf,
            self.player,
            self.heads,
            self._problems,
            blocks,
            self._told,
        )
        self.audition = Audition(
            self.engine, self.player, self.protocols, self.spaces, self._problems
        )
        self._heard_on: tuple[str, Form] | None = None
        self.saver.follow(self._to_be_kept, self._urgent)
        self.undo = Undo(
            history,
            self.player,
            self.protocols,
            self.spaces,
            lambda: self.saver.kept.settings,
            lambda settings: self.saver.keep(settings=settings),
            blocks,
        )
        self._upgrade = UpgradeWatch(self._told)
        self._reporter = Reporter(
            self.engine,
            self.device,
            self.player,
            self.head,
            self.spaces,
            ears,
            self.osc,
            self.midi,
            self.undo,
            hotkeys := ReportedHotkeys(self.saver),
            self._upgrade,
            icon=not options.headless,
            sandbox=sandbox,
        )
        self._handler = RequestHandler(
            self.engine,
            self.device,
            self.player,
            self.protocols,
            self.spaces,
            self.audition,
            self.head,
            self.osc,
            self.midi,
            self.saver,
            self.undo,
            hotkeys,
            self._stop.set,
        )
        self.hub = Hub(self._carry_out, self.status)
        self._problems.changed = self.hub.notify
        self.time_keeper = TimeKeeper(
            self.player, self.protocols, self._fall_asleep, self._problems, self._changed
        )

    async def serve(self, claimed: Claim, ready: Callable[[], None]) -> None:
        """Serve until a `stop` command or a signal, then restore the system's former state."""
        sys.setswitchinterval(_SWITCH_S)
        loop = asyncio.get_running_loop()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # SIGHUP: the terminal was closed
            if number := getattr(signal, name, None):
                loop.add_signal_handler(number, self._stop.set)
        server = ControlServer(claimed, self.hub, blocks, self._audition_left, self._learning_left)
        await server.start()
        self.bridge.begin()
        self.midi_bridge.begin()
        self.spaces.begin()

        def begin() -> None:
            self.saver.save_now()  # the options of this start survive a crash, too
            ready()

        life = asyncio.create_task(self.device.live(begin))
        stopped = asyncio.create_task(self._stop.wait())
        keeping_time = asyncio.create_task(self.time_keeper.run())
        noticing = asyncio.create_task(self._upgrade.run())
        try:
            await asyncio.wait({life, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if life.done():
                life.result()  # raises the error that ended the device's life
        finally:
            self.hub.freeze()
            life.cancel()
            stopped.cancel()
            keeping_time.cancel()
            noticing.cancel()
            await asyncio.gather(life, stopped, keeping_time, noticing, return_exceptions=True)
            self.audition.end()
            self.player.note_heard()
            self.midi.close()
            await asyncio.gather(self.bridge.close(), self.midi_bridge.close())
            await self.spaces.close()
            await self.saver.flush()
            await server.close()
            self.protocols.close()
            self.heads.close()
            self.saver.close()

    def status(self) -> messages.Status:
        """Describe what Entrain does now."""
        return self._reporter.status(
            self.saver.kept, here=self.protocols.is_own, errors=self._problems.lines
        )

    def greeting(self) -> str:
        """Return one line for a user who has just started Entrain: its state and its output."""
        target = self.device.target
        where = target.description if target else "no device yet"
        if self.device.on:
            return f'Output "Entrain" is on: {self.player.protocol.name}, playing on {where}'
        ready = f'Output "Entrain" is ready and plays on {where}'
        return f"{ready}; `{typed_command()} on` selects it"

    # ---- what changes ------------------------------------------------------------------------

    async def _carry_out(self, request: messages.Request) -> Answer:
        try:
            return await self._handler.carry_out(request)
        finally:  # a command that fails halfway has changed the state, too
            if isinstance(request, messages.Set):  # it changes no deadline and no urgent value
                self.saver.soon()
            elif isinstance(request, messages.Command):
                self.time_keeper.wake()
                self.saver.changed()
                self.spaces.look()

    def device_changed(self) -> Awaitable[None]:
        """Save the new state after Entrain was switched on or off, or its output has changed.

        The protocol changes in the same step, so that clients never see the new output with the old
        protocol.  Await the returned object to wait until the state is saved.
        """
        if target := self.device.target:
            before, self._heard_on = self._heard_on, (target.name, self.device.form)
            if before != self._heard_on:
                self.audition.end()
            with self._problems.telling("continuing with the former space"):
                self.spaces.play_on(target.name)
            self.protocols.play_on(target.name, self.device.form)
            self.spaces.look()
            self.head.play_on(target.name)
            self.time_keeper.wake()
        return self.saver.changed()

    def _device_looked(self) -> None:
        state = self.device.state
        self.time_keeper.observe(
            self.device.plays_alone or (state is not None and state.playing > 0)
        )
        self.spaces.look()  # a new sample rate needs another head
        self._health_log.observe(self._reporter.health())
        self.hub.notify()

    def _learning_left(self) -> None:
        """Let controls have their effect again: the client that wanted to map one has hung up."""
        if self.midi.learning:
            self.midi.stop_learning()
            self._told()

    def _audition_left(self) -> None:
        """End the audition of a client that has hung up."""
        if self.audition.is_on:
            self.audition.end()
            self._changed()

    def _told(self) -> None:
        """Report news of the bridge, another head in the engine, or an upgrade on disk."""
        self.hub.notify()

    def _changed(self) -> None:
        """Save and report a change that no request has caused."""
        self.spaces.look()
        self.saver.changed()
        self.hub.notify()

    async def _fall_asleep(self) -> None:
        await self.device.switch(False, "the sleep timer is over")

    # ---- what is kept ------------------------------------------------------------------------

    def note_heard(self, stretch: Stretch) -> None:
        """Note a listening time, unless the user has switched the log off."""
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
            "osc": self.osc.settings,
            "midi": self.midi.settings,
            "hrtf": self.spaces.hrtf,
            "space": dict(self.spaces.by_output),
        }

    def _urgent(self) -> Urgent:
        """Return the values that must be on disk before Entrain changes the sound server."""
        defaults = self._defaults
        return Urgent(
            on=defaults.on,
            mode=defaults.mode,
            former_default=defaults.former or None,
            stand_in=defaults.stand_in or None,
            softened=self.device.unplugged.entries,
        )
