"""A sound system in memory: a server, a back end without sound, a virtual device on both."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from entrain.backend import BackendState, Phase
from entrain.engine import Engine
from entrain.platform.adapter import OWN_DEVICE, Device, PlatformError, Volume
from entrain.platform.null import NullAdapter, NullServer, null_device
from entrain.threads import ThreadHandle
from entrain.vdevice.device import sound_connection
from entrain.vdevice.device.applications.rules import ApplicationRules
from entrain.vdevice.device.default_policy import DefaultPolicy
from entrain.vdevice.device.unplugged import UnpluggedPolicy
from entrain.vdevice.device.virtual_device import VirtualDevice
from entrain.vdevice.limits import Mode
from entrain.vdevice.problems import Problems
from entrain.ways import Way

SPEAKERS = null_device("speakers", form="speakers", level=0.8)
HEADSET = null_device("headset", form="headphones", level=0.5)
DAC = null_device("dac", level=0.6)


class Server(NullServer):
    """A server that outlives its connections, and notes the calls in `events`."""

    def __init__(self, devices: Sequence[Device], events: list[str]) -> None:
        super().__init__(tuple(devices))
        self.events = events
        self.made_ways: list[Way] = []
        self.stored: str | None = None
        self.deaf: set[str] = set()
        """Devices that keep their volume whatever they are told."""

    def set_default(self, name: str) -> None:
        self.events.append(f"default {name}")
        if name:
            super().set_default(name)
        else:
            self.configured = ""
            self._changed()

    def set_volume(self, name: str, volume: Volume) -> None:
        self.events.append(f"volume {name}")
        if name not in self.deaf:
            super().set_volume(name, volume)

    def move_stream(self, index: int, device: str) -> None:
        self.events.append(f"move {index} to {device}")
        super().move_stream(index, device)

    def stored_default(self) -> str | None:
        return self.stored

    def ways(self) -> list[Way]:
        return self.made_ways

    def reroute(self, outlet: int, device: str) -> None:
        self.events.append(f"reroute {outlet} to {device}")

    def turn(self, name: str, volume: Volume) -> None:
        """Set a volume as the user does."""
        super().set_volume(name, volume)

    def tell(self) -> None:
        """Have everything looked at anew."""
        self._changed(stream=True)


class Connection:
    """One connection to a server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.is_open = True
        self.watches_streams = False

    def __getattr__(self, name: str) -> Any:
        if not self.is_open:
            raise PlatformError("the connection to the sound server is closed")
        return getattr(self._server, name)

    def watch(self, callback: Callable[[], None], streams: bool = False) -> None:
        self.watches_streams = streams
        self._server.watch(callback, streams)

    def close(self) -> None:
        self.is_open = False


class SimulatedBackend:
    """A back end that makes our device on a server, and plays nothing."""

    def __init__(self, desk: "Desk", target: str, smart: bool) -> None:
        self.desk = desk
        self.facts: dict[str, Any] = {"target": target, "smart": smart, **desk.facts}
        self.alone: bool | None = None
        self.former: str | None = None
        self.latency_ms: float | None = None
        self.pins: list[tuple[int, str]] = []
        self.is_open = True
        self._news = os.eventfd(0, os.EFD_NONBLOCK)
        desk.events.append(f"open on {target}")
        if desk.makes_device:
            desk.server.add_device(desk.own)

    def fileno(self) -> int:
        return self._news

    def take_news(self) -> None:
        os.eventfd_read(self._news)

    def tell(self, **facts: Any) -> None:
        """Change fields of the state, and tell of news."""
        self.facts |= facts
        os.eventfd_write(self._news, 1)

    def state(self) -> BackendState:
        server = self.desk.server
        names = [device.name for device in server.devices()]
        told = {
            "phase": Phase.READY if self.facts["target"] in names else Phase.WAITING,
            "playing": 0,
            "rate_hz": 48_000,
            "quantum_frames": 1024,
            "running": False,
            "added_us": 0,
            "realtime": None,
            "audio_thread": None,
            "smart_supported": True,
            "configured_default": server.configured,
            "effective_default": server.default(),
            "session_manager": "simulated",
            "session_managers": 1,
            "error": "",
        }
        return BackendState(**(told | self.facts))

    def set_target(self, target: str) -> None:
        self.desk.events.append(f"target {target}")
        self.facts["target"] = target

    def set_smart(self, smart: bool) -> None:
        self.facts["smart"] = smart

    def set_alone(self, alone: bool) -> None:
        self.alone = alone

    def set_former(self, former: str) -> None:
        self.former = former

    def set_latency(self, added_ms: float) -> None:
        self.latency_ms = added_ms

    def set_default(self, name: str) -> bool:
        self.desk.server.set_default(name)
        return True

    def ways(self) -> list[Way]:
        return self.desk.native_ways

    def pin(self, outlet: int, device: str) -> None:
        self.pins.append((outlet, device))

    def close(self) -> None:
        self.is_open = False
        self.desk.events.append("close")
        if any(device.name == OWN_DEVICE for device in self.desk.server.devices()):
            self.desk.server.remove_device(OWN_DEVICE)
        os.close(self._news)


class Adapter(NullAdapter):
    """The system on which a `Desk` stands."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk

    def connect(self) -> Any:
        if self._desk.refuses:
            raise PlatformError("no sound server answers")
        self._desk.connections.append(Connection(self._desk.server))
        return self._desk.connections[-1]

    def default_backend(self) -> str:
        return "pipewire"

    def make_realtime(self, thread: ThreadHandle) -> None:
        self._desk.favours.append(f"realtime {thread}")

    def move_to_own_group(self, process_id: int) -> None:
        self._desk.favours.append(f"group {process_id}")


class Desk:
    """A virtual device, its sound system, and the events of both.

    Parameters
    ----------
    devices : Device
        The real devices, in the server's order of preference.
    backend : str
        Name of the back end that is simulated.
    options
        Parameters of the `VirtualDevice` and of its `DefaultPolicy`.

    """

    def __init__(
        self,
        *devices: Device,
        backend: str = "pipewire",
        on: bool = False,
        former: str = "",
        mode: Mode = "default",
        chosen: str = "",
        rules: ApplicationRules | None = None,
        **options: Any,
    ) -> None:
        self.events: list[str] = []
        self.favours: list[str] = []
        self.connections: list[Connection] = []
        self.server = Server(devices, self.events)
        self.own = replace(null_device(OWN_DEVICE), owner=os.getpid())
        self.makes_device = True
        self.refuses = False
        self.native_ways: list[Way] = []
        self.facts: dict[str, Any] = {}
        """Fields of the next back end's state."""
        self.backends: list[SimulatedBackend] = []
        self.problems = Problems()
        self.engine = Engine()
        self.unplugged = options.pop("unplugged", UnpluggedPolicy())
        self.defaults = DefaultPolicy(on, former, mode)
        self.is_ready = asyncio.Event()
        self.times_ready = 0
        self.changes: list[tuple[str, str]] = []
        """Target and its form, as they were at each change that was told."""
        self.device = VirtualDevice(
            Adapter(self),
            self.engine,
            backend,
            chosen,
            options.pop("latency_ms", None),
            self.defaults,
            self._changed,
            rules,
            unplugged=self.unplugged,
            problems=self.problems,
            **options,
        )

    @property
    def backend(self) -> SimulatedBackend:
        """The back end that was opened last."""
        return self.backends[-1]

    @property
    def told(self) -> list[str]:
        """The problems that the user is told, one line each."""
        return list(self.problems.lines)

    def volume(self, name: str) -> Volume:
        """Return the volume of a device."""
        return next(each.volume for each in self.server.devices() if each.name == name)

    def level(self, name: str) -> float:
        """Return how loud a device is, 1.0 = 100 %."""
        return max(self.volume(name).channels)

    async def rest(self) -> None:
        """Wait until the virtual device has reacted to all events."""
        for _ in range(4):
            await asyncio.sleep(0.003)
            while self.device._news.is_set() or self.device._lock.locked():
                await asyncio.sleep(0.001)

    def play(self, script: Callable[[], Awaitable[None]] | None = None) -> None:
        """Let the virtual device live during the script, then quit."""

        async def main() -> None:
            async with asyncio.timeout(20):
                life = asyncio.create_task(self.device.live(self._ready))
                starting = asyncio.create_task(self.is_ready.wait())
                await asyncio.wait({life, starting}, return_when=asyncio.FIRST_COMPLETED)
                starting.cancel()
                if life.done():
                    life.result()
                try:
                    await self.rest()
                    if script:
                        await script()
                finally:
                    await end(life)

        asyncio.run(main())

    async def fail(self, reason: str = "the sound server has died") -> None:
        """Let the back end lose its server."""
        self.backend.tell(phase=Phase.LOST, error=reason)
        while self.device.trouble != reason:
            await asyncio.sleep(0.002)

    def open(self, name: str, engine: Engine, target: str, *, smart: bool) -> SimulatedBackend:
        """Open a back end; takes the place of `Backend`."""
        self.backends.append(SimulatedBackend(self, target, smart))
        return self.backend

    def close(self) -> None:
        """Free the engine."""
        self.engine.close()

    def _ready(self) -> None:
        self.times_ready += 1
        self.is_ready.set()

    def _changed(self) -> Awaitable[None]:
        self.changes.append((self.device.target_name, self.device.form))

        async def save() -> None:
            await asyncio.sleep(0.004)  # a caller that does not wait comes first
            self.events.append("saved")

        return asyncio.ensure_future(save())


async def end(life: "asyncio.Task[None]") -> None:
    """Cancel the device's life, and raise its error if it has one."""
    life.cancel()
    await asyncio.wait({life})
    if not life.cancelled():
        life.result()


NewDesk = Callable[..., Desk]


def new_desk(monkeypatch: pytest.MonkeyPatch, made: list[Desk]) -> NewDesk:
    """Return a function that makes desks, and adds each of them to `made`."""

    def new(*devices: Device, **options: Any) -> Desk:
        made.append(Desk(*(devices or (SPEAKERS, DAC)), **options))
        monkeypatch.setattr(sound_connection, "Backend", made[-1].open)
        return made[-1]

    return new


def lines(desk: Desk, *beginnings: str) -> list[str]:
    """Return the events that begin so."""
    return [event for event in desk.events if event.startswith(beginnings)]
