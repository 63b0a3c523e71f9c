"""The running app: one engine, one virtual device, one control socket."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack

from pydantic import BaseModel

from entrain.engine import Engine, blocks
from entrain.errors import EntrainError
from entrain.platform import clock, factory
from entrain.platform.adapter import Form, PlatformAdapter
from entrain.platform.local_socket import Claim, claim
from entrain.vdevice import logs
from entrain.vdevice.api import messages
from entrain.vdevice.api.client import SOCKET_NAME
from entrain.vdevice.api.control_server import MAX_CLIENTS, ControlServer
from entrain.vdevice.api.health import HealthLog
from entrain.vdevice.api.listed_outputs import described
from entrain.vdevice.api.listed_protocols import listed, used_lately
from entrain.vdevice.api.status import Reporter
from entrain.vdevice.device.default_policy import DefaultPolicy, Mode
from entrain.vdevice.device.unplugged import UnpluggedPolicy
from entrain.vdevice.device.virtual_device import VirtualDevice
from entrain.vdevice.options import RunOptions
from entrain.vdevice.protocol.check import check_own
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.library import DEFAULT_ID, Library, by_id
from entrain.vdevice.protocol.model import ProtocolReference
from entrain.vdevice.protocol.user_folder import slug
from entrain.vdevice.session import session_log
from entrain.vdevice.session.choices import Choice, Choices, Missing, Prepared, find, look_up
from entrain.vdevice.session.player import Player
from entrain.vdevice.session.session_log import SessionLog, Stretch
from entrain.vdevice.storage import store
from entrain.vdevice.storage.store import State, Store
from entrain.vdevice.worker_thread import WorkerThread

_LIBRARY_LOOK_S = 2.0
"""How often the running protocol's file is looked at."""

DISK_TIMEOUT_S = 3.0
"""Longest wait for a disk where something else waits for us, in seconds.

A network's folder may never answer; to give the default output back cannot wait for that.
"""

_SWITCH_S = 0.001
"""How long another thread may keep the loop waiting; Python's own choice is 5 ms."""

_log = logging.getLogger(__name__)

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
    """Carries out requests.  Everything runs on the main thread's asyncio loop, but for two things.

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

    """

    def __init__(
        self,
        options: RunOptions,
        adapter: PlatformAdapter,
        kept_in: Store | None,
        log: SessionLog,
        library: Library,
        start_on: bool,
    ) -> None:
        stored = kept_in.load() if kept_in else State()
        self._store = kept_in
        self._library = library
        self._reading = WorkerThread()  # from here on, nobody else asks the library
        self._saving = WorkerThread()
        self._disk_hangs = False
        self._log = log
        self._seen = library.signature()
        self._stop = asyncio.Event()
        self._kept = stored.model_copy(
            update={
                "latency_ms": options.latency_ms or stored.latency_ms,
                "settings": _usable(stored.settings),
            }
        )
        self._due = asyncio.Event()
        self._server: ControlServer | None = None
        self._target = ""
        self._health_log = HealthLog()
        self.engine = Engine()
        self.engine.bypass = stored.bypass
        self._choices = Choices(
            look_up(library, options.protocol or stored.protocol or DEFAULT_ID),
            {output: look_up(library, wanted) for output, wanted in stored.remembered.items()},
        )
        # Somebody who names a protocol wants to hear it.
        on = start_on or stored.on or options.protocol is not None
        self._defaults = DefaultPolicy(
            on, stored.former_default or "", stored.mode, stored.stand_in or ""
        )
        self._device = VirtualDevice(
            adapter,
            self.engine,
            options.backend,
            options.output or stored.output or "",
            self._kept.latency_ms,
            self._defaults,
            self._device_changed,
            stored.applications,
            self._device_looked,
            required=options.output or "",
            preferred=stored.preferred_outputs,
            unplugged=UnpluggedPolicy(stored.unplugged, stored.softened),
        )
        self._player = Player(self.engine, self._note_heard, self._device.set_alone)
        for address, value in self._kept.settings.items():
            self._player.set_own(address, value, 0.0)
        self._resume()
        self._reporter = Reporter(
            self.engine, self._device, self._player, icon=not options.headless
        )
        self._note_warnings()

    async def serve(self, claimed: Claim, ready: Callable[[], None]) -> None:
        """Serve until `stop` or a signal, then leave the system as it was found."""
        sys.setswitchinterval(_SWITCH_S)
        loop = asyncio.get_running_loop()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the last one: its terminal was closed
            if number := getattr(signal, name, None):
                loop.add_signal_handler(number, self._stop.set)
        self._server = server = ControlServer(claimed, self.handle, blocks)
        await server.start()

        def begin() -> None:
            self._save()  # what was asked for at the start outlives a crash too
            ready()

        life = asyncio.create_task(self._device.live(begin))
        stopped = asyncio.create_task(self._stop.wait())
        time_keeper = asyncio.create_task(self._keep_time())
        try:
            await asyncio.wait({life, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if life.done():
                life.result()  # raises what ended it
        finally:
            life.cancel()
            stopped.cancel()
            time_keeper.cancel()
            await asyncio.gather(life, stopped, time_keeper, return_exceptions=True)
            self._player.note_heard()
            await self._save()
            await server.close()
            self._reading.close()
            self._saving.close()

    async def handle(self, request: messages.Request) -> BaseModel | Sequence[BaseModel] | None:
        """Carry out one request of the control API; raises `EntrainError`."""
        match request:
            case messages.GetStatus():
                return self.status()
            case messages.Stop():
                self._stop.set()
                return None
            case messages.On():
                await self._device.switch(True)
                if self._player.ended:
                    self._player.begin_again()
            case messages.Off():
                await self._device.switch(False)
            case messages.Bypass(on=on, matched=matched):
                self.engine.bypass_is_matched = matched
                self.engine.bypass = (not self.engine.bypass) if on is None else on
            case messages.Use(protocol=protocol, here=here):
                await self._use(protocol, here)
            case messages.Next():
                now = self._player.protocol
                other = await self._reading.do(lambda: self._library.next_after(now))
                await self._use(other.id, None)
            case messages.Save(name=name, replace=replace):
                await self._save_protocol(name, replace)
            case messages.Set(address=address, value=value, over_s=over_s):
                self._set(address, value, over_s)
            case messages.Session(runs=runs, position_s=position_s):
                self._session(runs, position_s)
            case messages.Adjust(rate_steps=rate_steps, level_steps=level_steps):
                self._player.adjust(rate_steps, level_steps)
                self._note_values()
            case messages.Sleep(minutes=minutes):
                self._player.sleep(minutes, clock.suspended_too_s())
            case messages.Settings(
                session_log=session_log,
                mode=mode,
                applications=rules,
                preferred_outputs=preferred,
                unplugged=unplugged,
            ):
                if mode is not None:
                    self._require(mode)
                    await self._device.set_mode(mode)
                if rules is not None:
                    told = {name: getattr(rules, name) for name in rules.model_fields_set}
                    await self._device.set_rules(self._device.rules.model_copy(update=told))
                if preferred is not None:
                    await self._device.prefer(preferred)
                if unplugged is not None:
                    await self._device.set_unplugged(unplugged)
                if session_log is not None:
                    self._kept = self._kept.model_copy(update={"session_log": session_log})
            case messages.SetOutput(name=name):
                await self._device.choose(name or "")
            case messages.ListDevices():
                state = self._device.state
                return described(
                    await self._device.list_devices(),
                    current=self._device.target_name,
                    default=state.effective_default if state else "",
                    preferred=self._device.preferred,
                )
            case messages.ListProtocols():
                recent = self._kept.recent
                return await self._reading.do(lambda: listed(self._library, recent))
        self._due.set()
        await self._save()
        return self.status()

    def status(self) -> messages.Status:
        """Describe what Entrain does now."""
        return self._reporter.status(self._kept, here=self._choices.has_own(self._target))

    def greeting(self) -> str:
        """Say in one line how things stand, for somebody who has just started it."""
        target = self._device.target
        where = target.description if target else "no device yet"
        if self._device.on:
            return f'Output "Entrain" is on: {self._player.protocol.name}, heard on {where}'
        return f'Output "Entrain" is there, heard on {where}; `entrain on` makes it the default'

    # ---- time and news -----------------------------------------------------------------------

    async def _keep_time(self) -> None:
        """Do what is due by the clock, and look after files of the user's that are in use."""
        while True:
            pause_s = _LIBRARY_LOOK_S
            try:
                await self._do_what_is_due()
                async with asyncio.timeout(DISK_TIMEOUT_S):
                    if await self._reload():
                        self._notify()
                    looks = await self._reading.do(self._watched())
                pause_s = self._player.pause_s(clock.suspended_too_s())
                if looks:
                    pause_s = min(pause_s, _LIBRARY_LOOK_S)
            except TimeoutError:
                _log.info("the protocols folder has not answered for %g s", DISK_TIMEOUT_S)
            except EntrainError as error:
                self._tell(str(error))
            except Exception as error:  # a bug of ours; the sleep timer must go on
                debug = _log.isEnabledFor(logging.DEBUG)
                _log.error("keeping time failed: %r", error, exc_info=debug)
                self._tell(f"internal error while keeping time: {type(error).__name__}")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._due.wait()
            self._due.clear()

    async def _do_what_is_due(self) -> None:
        before = self._player.ended
        if self._player.tick(clock.suspended_too_s()):
            await self._fall_asleep()
        if self._player.ended != before:
            self._notify()

    def _watched(self) -> Callable[[], bool]:
        """Return what tells, on the library's thread, whether files are to be looked at."""
        ids = {self._player.library_id, *self._choices.library_ids}
        return lambda: any(map(self._library.is_own, ids))

    def _require(self, mode: Mode) -> None:
        """Refuse a mode that this system has not; raises `EntrainError`."""
        state = self._device.state
        if mode == "smart" and state and state.smart_supported is False:
            manager = state.session_manager or self._device.backend_name
            raise EntrainError(
                f"smart needs WirePlumber 0.5 or newer on PipeWire; here is {manager}"
            )

    async def _fall_asleep(self) -> None:
        try:
            await self._device.switch(False, "the sleep timer is over")
        except Exception as error:  # once more, until it works: there may be no server
            self._player.sleep(0, clock.suspended_too_s())
            if not isinstance(error, EntrainError):
                raise
        self._save()

    async def _reload(self) -> bool:
        """Go on with what the files of protocols in use say now; whether any has changed."""
        seen = await self._reading.do(self._library.signature)
        if seen == self._seen:
            return False
        ids = {self._player.library_id, *self._choices.library_ids}
        library = self._library
        read = await self._reading.do(
            lambda: {each: look_up(library, each) for each in ids if library.is_own(each)}
        )
        self._seen = seen
        self._choices.renew(read)
        for choice in read.values():
            if isinstance(choice, Missing):
                self._tell(f"{choice.problem}; going on with what was read before")
        running = read.get(self._player.library_id)  # perhaps another one than before
        if isinstance(running, Prepared) and running.protocol != self._player.protocol:
            self._player.refresh(running.protocol, running.ways)
        return True

    def _device_changed(self) -> "asyncio.Future[None]":
        """On or off, or what is played on, has changed; what is returned is the saving of it.

        What is heard changes in this same step, so that nobody finds the one without the other.
        """
        target = self._device.target
        if target:
            before, self._target = self._target, target.name
            own = self._choices.has_own(target.name) or self._choices.has_own(before)
            if own and target.name != before:
                with self._telling():
                    self._change_to(self._choices.on(target.name), self._device.form)
            with self._telling():
                self._player.listen_on(self._device.form)
        return self._save()

    def _change_to(self, choice: Choice, form: Form) -> None:
        """Begin what is used on the output that is played on now; raises `EntrainError`."""
        if isinstance(choice, Missing):
            raise ProtocolError(choice.problem)
        self._player.use(choice.protocol, choice.library_id, choice.ways, form)

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Tell what cannot be done; nobody has sent a request that could be refused."""
        try:
            yield
        except EntrainError as error:
            self._tell(f"{str(error).splitlines()[0]}; going on with what was heard before")

    def _device_looked(self) -> None:
        self._health_log.observe(self._reporter.health())
        self._notify()

    def _notify(self) -> None:
        if self._server:
            self._server.notify()

    # ---- protocols ---------------------------------------------------------------------------

    async def _use(self, wanted: ProtocolReference, here: bool | None) -> None:
        found = await self._reading.do(lambda: find(self._library, wanted))
        # From here on without a pause: the output, what is heard and what is kept belong together.
        self._player.use(found.protocol, found.library_id, found.ways)
        self._choose(found, here)

    async def _save_protocol(self, name: str, replace: bool) -> None:
        player, now = self._player, self._player.protocol
        heard = player.as_heard()

        def save() -> Prepared:
            self._library.save(heard, name, replace=replace)
            return find(self._library, slug(name))

        found = await self._reading.do(save)
        if player.protocol is not now:  # somebody has begun or changed one meanwhile
            return
        if heard is not now:  # values that move go on to where they were sent
            goal = {"layers": now.layers, "without_headphones": now.without_headphones}
            going_on = found.protocol.model_copy(update=goal)
            found = Prepared(going_on, going_on, player.ways)
        player.rename(found.protocol, found.library_id, found.ways)
        self._choose(found, None)

    def _choose(self, found: Prepared, here: bool | None) -> None:
        self._choices.choose(found, self._target, here)
        recent = used_lately(found.library_id, self._kept.recent)
        self._kept = self._kept.model_copy(update={"recent": recent})

    def _resume(self) -> None:
        """Use what was stored, perhaps by another version of Entrain."""
        choice = self._choices.everywhere
        if isinstance(choice, Missing):
            _log.warning("%s; using the default protocol", choice.problem)
            self._player.use(by_id(DEFAULT_ID), DEFAULT_ID)
        else:
            self._player.use(choice.protocol, choice.library_id, choice.ways)

    def _set(self, address: str, value: float, over_s: float) -> None:
        if check_own(address, value, blocks):
            self._player.set_own(address, value, over_s)
            settings = {**self._kept.settings, address: value}
            self._kept = self._kept.model_copy(update={"settings": settings})
            return
        self._player.set(address, value, over_s)
        self._note_values()

    def _note_values(self) -> None:
        """Keep the protocol with the values set since, where it will be taken from again."""
        player = self._player
        now = Prepared(player.library_id or player.protocol, player.protocol, player.ways)
        self._choices.choose(now, self._target, None)

    def _session(self, runs: bool | None, position_s: float | None) -> None:
        if position_s is not None:
            if self._player.ended:
                self._player.begin_again()
            self.engine.seek_session(position_s)
        if runs is not None:
            self.engine.run_session(runs)

    # ---- what is kept ------------------------------------------------------------------------

    def _note_heard(self, stretch: Stretch) -> None:
        if self._kept.session_log:
            adding = self._saving.do(lambda: self._log.add(stretch))
            adding.add_done_callback(lambda _: self._note_warnings())

    def _note_warnings(self) -> None:
        """Let `status` show what is wrong with our files."""
        for keeper in (self._store, self._log):
            if keeper and keeper.warning:
                self._tell(keeper.warning)

    def _tell(self, text: str) -> None:
        if text not in self._device.errors:
            self._device.errors.append(text)

    def _save(self) -> "asyncio.Future[None]":
        """Begin to save what is to be kept; to be waited for by who says that it is done.

        What is returned is done when it is saved, or the disk has not answered for too long.
        """
        self._kept = self._kept.model_copy(
            update={
                "on": self._defaults.on,
                "bypass": self.engine.bypass,
                "protocol": self._choices.everywhere.reference,
                "remembered": self._choices.remembered,
                "output": self._device.chosen or None,
                "preferred_outputs": self._device.preferred,
                "former_default": self._defaults.former or None,
                "stand_in": self._defaults.stand_in or None,
                "mode": self._device.mode,
                "unplugged": self._device.unplugged.setting,
                "softened": self._device.unplugged.entries,
                "applications": self._device.rules,
            }
        )
        kept = self._kept

        def save() -> None:
            if self._store:
                self._store.save(kept)

        saving = self._saving.do(save)
        saving.add_done_callback(self._saved)
        return asyncio.ensure_future(self._wait_for_disk(saving))

    def _saved(self, _: "asyncio.Future[None]") -> None:
        self._disk_hangs = False
        self._note_warnings()

    async def _wait_for_disk(self, saving: "asyncio.Future[None]") -> None:
        """Wait until something is saved, but not for long, and not again and again."""
        timeout_s = 0.0 if self._disk_hangs else DISK_TIMEOUT_S
        done, _ = await asyncio.wait({saving}, timeout=timeout_s)
        if done:
            saving.result()
        elif not self._disk_hangs:
            self._disk_hangs = True
            where = self._store.path if self._store else "the state"
            self._tell(f"{where} could not be saved within {timeout_s:g} s; going on without")


def _usable(settings: Mapping[str, float]) -> dict[str, float]:
    """Leave out what this version cannot set."""
    usable = {}
    for address, value in settings.items():
        try:
            if check_own(address, value, blocks):
                usable[address] = value
        except ProtocolError as error:
            _log.warning("%s; left as it is", error)
    return usable
