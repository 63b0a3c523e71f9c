"""The running app: one engine, one virtual device, one control socket."""

import asyncio
import logging
import math
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from pydantic import BaseModel

from entrain import __version__
from entrain.backend import Phase
from entrain.engine import Engine, blocks
from entrain.platform import factory
from entrain.platform.adapter import SINK_NAME, PlatformAdapter
from entrain.platform.local_socket import Claim, claim
from entrain.vdevice import messages
from entrain.vdevice.chain import Chain
from entrain.vdevice.client import SOCKET_NAME
from entrain.vdevice.control import MAX_CLIENTS, ControlServer
from entrain.vdevice.default_policy import DefaultPolicy
from entrain.vdevice.device import VirtualDevice
from entrain.vdevice.devices import described
from entrain.vdevice.measured import SelfMeasurement
from entrain.vdevice.options import RunOptions
from entrain.vdevice.protocol.check import check, check_own, with_value
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.library import DEFAULT_ID, by_id
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.store import State, Store

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
        sandboxed = options.sandbox == "always" or (
            options.sandbox == "auto" and not adapter.has_sound_server()
        )
        if sandboxed:
            server = adapter.sandbox()
            stack.callback(server.close)
            environment = server.environment
            os.environ.update(environment)
            # What happens in the sandbox is no state of the user's.
            store = None
        else:
            store = Store(paths.state / "state.json")
        app = App(options, adapter, store, start_on=sandboxed)
        stack.callback(app.engine.close)
        greet = (lambda: ready(app.greeting(), environment)) if ready else (lambda: None)
        asyncio.run(app.serve(claimed, greet))
    return 0


class App:
    """Carries out requests.  Everything runs on the main thread's asyncio loop.

    Parameters
    ----------
    options : RunOptions
        Win over the stored state.
    adapter : PlatformAdapter
        The operating system.
    store : Store or None
        Where the state is kept; None: nowhere.
    start_on : bool
        Start switched on whatever the stored state says.

    """

    def __init__(
        self, options: RunOptions, adapter: PlatformAdapter, store: Store | None, start_on: bool
    ) -> None:
        stored = store.load() if store else State()
        self._store = store
        self._protocol = options.protocol or _stored_protocol(stored)
        self._shipped_id = "" if options.protocol else _shipped_id(stored)
        self._stop = asyncio.Event()
        self._latency_ms = options.latency_ms or stored.latency_ms
        self._load = _Load()
        self.engine = Engine()
        self.engine.bypass = stored.bypass
        self._chain = Chain(self.engine)
        self._measurement = SelfMeasurement(self.engine)
        self._settings = _usable(stored.settings)
        for address, value in self._settings.items():
            self._chain.set(address, value, 0.0)
        self._chain.use(self._protocol)
        # Somebody who names a protocol wants to hear it.
        on = start_on or stored.on or options.protocol is not None
        self._defaults = DefaultPolicy(on, stored.former_default or "")
        self._device = VirtualDevice(
            adapter,
            self.engine,
            options.backend,
            options.output or stored.output or "",
            self._latency_ms,
            self._defaults,
            self._save,
        )
        self._note_warning()

    async def serve(self, claimed: Claim, ready: Callable[[], None]) -> None:
        """Serve until `stop` or a signal, then leave the system as it was found."""
        loop = asyncio.get_running_loop()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the last one: its terminal was closed
            if number := getattr(signal, name, None):
                loop.add_signal_handler(number, self._stop.set)
        server = ControlServer(claimed, self.handle, blocks)
        await server.start()
        life = asyncio.create_task(self._device.live(ready))
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({life, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if life.done():
                life.result()  # raises what ended it
        finally:
            life.cancel()
            stopped.cancel()
            await asyncio.gather(life, stopped, return_exceptions=True)
            self._save()
            await server.close()

    async def handle(self, request: messages.Request) -> BaseModel | Sequence[BaseModel] | None:
        """Carry out one request of the control API; raises `EntrainError`."""
        match request:
            case messages.Stop():
                self._stop.set()
                return None
            case messages.On():
                await self._device.switch(True)
            case messages.Off():
                await self._device.switch(False)
            case messages.Bypass(on=on, matched=matched):
                self.engine.bypass_is_matched = matched
                self.engine.bypass = (not self.engine.bypass) if on is None else on
            case messages.Use(protocol=protocol):
                self._use(protocol)
            case messages.Set(address=address, value=value, over_s=over_s):
                self._set(address, value, over_s)
            case messages.Session(runs=runs, position_s=position_s):
                if position_s is not None:
                    self.engine.seek_session(position_s)
                if runs is not None:
                    self.engine.run_session(runs)
            case messages.SetOutput(name=name):
                await self._device.choose(name)
            case messages.ListDevices():
                state = self._device.state
                return described(
                    await self._device.list_devices(),
                    current=state.target if state else "",
                    default=state.effective_default if state else "",
                )
        self._save()
        return self.status()

    def status(self) -> messages.Status:
        """Describe what Entrain does now."""
        device = self._device
        state = device.state
        target = device.target
        stats = self.engine.stats()
        rate_hz = self.engine.rate_hz
        latency_frames = self.engine.latency_frames
        if state:
            latency_frames += round(state.added_us * rate_hz / 1e6)
        retry_at_s = device.retry_at_s
        elapsed_s, runs = self.engine.session()
        return messages.Status(
            state=self._state(),
            reason=self._reason(),
            on=device.on,
            bypass=self.engine.bypass,
            settings=self._settings,
            backend=device.backend_name,
            sink=SINK_NAME if state and state.phase != Phase.CONNECTING else "",
            output=messages.Output(
                name=state.target,
                description=target.description if target else "",
                rate_hz=state.rate_hz,
                quantum_frames=state.quantum_frames,
            )
            if state and state.target
            else None,
            latency=messages.Latency(
                added_frames=latency_frames, added_ms=1000 * latency_frames / rate_hz
            ),
            protocol=messages.ActiveProtocol(
                id=self._protocol.id,
                name=self._protocol.name,
                elapsed_s=elapsed_s,
                runs=runs,
                layers=list(self._protocol.layers),
            ),
            levels=self._levels() if state and state.running else messages.Levels(),
            measured=self._measurement.look(self._chain.layers())
            if state and state.running
            else None,
            volume=max(target.volume.channels, default=0.0) if target else None,
            muted=target.volume.muted if target else False,
            xruns=stats.xruns,
            cpu_load=self._load.of(stats.busy_ns),
            worst_callback_ms=stats.worst_ns / 1e6,
            errors=list(device.errors),
            retry_in_s=max(0.0, retry_at_s - time.monotonic()) if retry_at_s else None,
            version=__version__,
        )

    def greeting(self) -> str:
        """Say in one line how things stand, for somebody who has just started it."""
        target = self._device.target
        where = target.description if target else "no device yet"
        if self._device.on:
            return f'Output "Entrain" is on: {self._protocol.name}, heard on {where}'
        return f'Output "Entrain" is there, heard on {where}; `entrain on` makes it the default'

    # ---- inside ------------------------------------------------------------------------------

    def _state(self) -> messages.State:
        state = self._device.state
        if state is None or state.phase == Phase.LOST:
            return "failed"
        if state.phase != Phase.READY:
            return "waiting-for-device"
        if not self._device.on and not state.playing:
            return "off"
        if self.engine.bypass:
            return "bypassed"
        return "processing" if state.playing else "idle"

    def _reason(self) -> str:
        state = self._device.state
        if state and state.phase == Phase.WAITING and not self._device.target:
            return f"{state.target} is not there" if state.target else "there is no output device"
        return self._device.reason or (state.error if state else "")

    def _levels(self) -> messages.Levels:
        levels = self.engine.levels()
        before, after = self.engine.loudness()
        return messages.Levels(
            in_db=_decibels(levels.in_rms),
            out_db=_decibels(levels.out_rms),
            in_lufs=before.short_term_lufs,
            out_lufs=after.short_term_lufs,
            integrated_in_lufs=before.integrated_lufs,
            integrated_out_lufs=after.integrated_lufs,
        )

    def _use(self, wanted: str | Protocol) -> None:
        protocol = by_id(wanted) if isinstance(wanted, str) else wanted
        check(protocol, blocks)
        self._chain.use(protocol)
        self._protocol = protocol
        self._shipped_id = wanted if isinstance(wanted, str) else ""

    def _set(self, address: str, value: float, over_s: float) -> None:
        if check_own(address, value, blocks):
            self._chain.set(address, value, over_s)
            self._settings[address] = value
            return
        changed = with_value(self._protocol, address, value, blocks)
        self._chain.set(address, value, over_s)
        self._protocol, self._shipped_id = changed, ""

    def _note_warning(self) -> None:
        """Let `status` show what is wrong with the state file."""
        warning = self._store.warning if self._store else ""
        if warning and warning not in self._device.errors:
            self._device.errors.append(warning)

    def _save(self) -> None:
        if self._store:
            self._store.save(
                State(
                    on=self._defaults.on,
                    bypass=self.engine.bypass,
                    settings=self._settings,
                    protocol=self._shipped_id or self._protocol,
                    output=self._device.chosen or None,
                    former_default=self._defaults.former or None,
                    latency_ms=self._latency_ms,
                )
            )
            self._note_warning()


class _Load:
    """Share of one core that the callback takes, between two looks."""

    def __init__(self) -> None:
        self._at_s = time.monotonic()
        self._busy_ns = 0
        self._share = 0.0

    def of(self, busy_ns: int) -> float:
        now_s = time.monotonic()
        if now_s - self._at_s > 0.1:
            self._share = (busy_ns - self._busy_ns) / 1e9 / (now_s - self._at_s)
            self._at_s, self._busy_ns = now_s, busy_ns
        return self._share


def _decibels(rms: tuple[float, float]) -> float | None:
    return 20 * math.log10(max(rms)) if max(rms) > 0 else None


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


def _shipped_id(stored: State) -> str:
    if stored.protocol is None:
        return DEFAULT_ID
    return stored.protocol if isinstance(stored.protocol, str) else ""


def _stored_protocol(stored: State) -> Protocol:
    try:
        protocol = stored.protocol or DEFAULT_ID
        protocol = by_id(protocol) if isinstance(protocol, str) else protocol
        check(protocol, blocks)
        return protocol
    except ProtocolError as error:  # of another version of Entrain
        _log.warning("%s; using the default protocol", error)
        return by_id(DEFAULT_ID)
