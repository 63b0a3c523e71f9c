"""The connection to the sound server is renewed without a gap, and the old one is closed."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from entrain.backend import Phase
from entrain.engine import Engine
from entrain.platform.null import NullAdapter, NullServer, null_device
from entrain.vdevice.device.default_policy import DefaultPolicy
from entrain.vdevice.device.softened import Softened
from entrain.vdevice.device.unplugged import UnpluggedPolicy
from entrain.vdevice.device.virtual_device import VirtualDevice
from entrain.vdevice.device.volume_keeper import VolumeKeeper


class NotedServer(NullServer):
    def __init__(self, name: str, events: list[str]) -> None:
        super().__init__((null_device("dac"), null_device("headset")))
        self.name, self.events = name, events
        self.meanwhile: Callable[[], None] = lambda: None

    def watch(self, callback: Callable[[], None], streams: bool = False) -> None:
        super().watch(callback, streams)
        self.events.append(f"watch {self.name}")

    def devices(self) -> Any:
        self.meanwhile()
        return super().devices()

    def close(self) -> None:
        super().close()
        self.events.append(f"close {self.name}")


class NotedAdapter(NullAdapter):
    def __init__(self) -> None:
        self.events: list[str] = []
        self.connecting, self.connected = threading.Event(), threading.Event()
        self.connected.set()
        self.servers = 0

    def connect(self) -> NotedServer:
        self.connecting.set()
        assert self.connected.wait(20)
        self.servers += 1
        return NotedServer(f"server {self.servers}", self.events)


class State:
    """The part of a back end's state that the tests change."""

    phase = Phase.READY
    target = "dac"
    guardian = added_us = 0
    session_managers = 1
    playing = 0
    configured_default = effective_default = "dac"
    default_is_ours = False


class FixedBackend:
    def __init__(self) -> None:
        self.told = State()

    def state(self) -> Any:
        return self.told

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


class Desk:
    """A virtual device at its first server, on the `dac`; `told` collects the reported targets."""

    def __init__(self) -> None:
        self.adapter = NotedAdapter()
        self.engine = Engine()
        self.told: list[str] = []
        policy = DefaultPolicy(False, "", "manual")
        self.device = VirtualDevice(
            self.adapter, self.engine, "null", "", None, policy, self._changed
        )
        self.connection = self.device._connection
        self.server = self.adapter.connect()
        self.connection.server = self.server
        self.backend: Any = FixedBackend()
        self.connection.backend = self.backend

    @property
    def events(self) -> list[str]:
        return self.adapter.events

    def _changed(self) -> None:
        self.told.append(self.device.target_name)


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.engine.close()


def watch(server: Any) -> None:
    server.watch(lambda: None)


def test_the_new_server_is_watched_before_the_former_one_is_closed(desk):
    asyncio.run(desk.connection.renew_server(watch))

    assert desk.events == ["watch server 2", "close server 1"]


def test_a_renewal_that_is_cancelled_leaves_no_server_open(desk):
    async def play() -> None:
        desk.connection._loop = asyncio.get_running_loop()
        desk.adapter.connecting.clear()
        desk.adapter.connected.clear()
        renewing = asyncio.create_task(desk.connection.renew_server(watch))
        await asyncio.to_thread(desk.adapter.connecting.wait, 20)
        renewing.cancel()
        await asyncio.sleep(0.01)
        desk.adapter.connected.set()
        await asyncio.wait({renewing})
        desk.connection.backend = None
        await desk.connection.close()

    asyncio.run(play())

    closed = [event for event in desk.events if event.startswith("close")]
    assert sorted(closed) == ["close server 1", "close server 2"]


def test_a_new_server_that_cannot_be_watched_is_closed(desk):
    def fail(server: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(desk.connection.renew_server(fail))

    assert desk.events == ["close server 2"]
    assert desk.connection.server is desk.server


def test_a_session_manager_that_comes_while_devices_are_listed_is_answered_too(desk):
    def come() -> None:
        desk.backend.told.session_managers = 2

    async def play() -> None:
        await desk.device._look()
        assert desk.events == []
        desk.server.meanwhile = come
        await desk.device._look()

    asyncio.run(play())

    assert desk.events == ["watch server 2", "close server 1"]
    assert not desk.connection.session_manager_was_replaced


def test_who_was_told_of_another_target_by_a_request_is_told_when_it_is_over(desk):
    async def play() -> None:
        await desk.device._refresh()
        assert desk.told == ["dac"]
        desk.backend.told.target = "headset"
        await desk.device.switch(True)
        assert desk.told[-1] == "headset"
        desk.backend.told.target = "dac"
        await desk.device._refresh()
        assert desk.told[-1] == "dac"

    asyncio.run(play())


def test_what_undoes_a_volume_is_on_disk_before_a_loudspeaker_is_set(desk):
    """Another program has restored the loudspeaker's volume, and Entrain turns it down again."""
    order: list[str] = []
    unplugged = UnpluggedPolicy()

    def changed() -> Any:
        async def save() -> None:
            await asyncio.sleep(0)
            order.append("saved")

        return save()

    async def play() -> None:
        connection = desk.connection
        connection.devices = [null_device("loudspeaker", form="speakers", level=0.8)]

        async def set_volume(name: str, volume: Any) -> None:
            order.append(f"set {name}")

        connection.set_volume = set_volume  # type: ignore[method-assign]
        keeper = VolumeKeeper(connection, unplugged, changed)
        unplugged._entries["loudspeaker"] = Softened(
            device="loudspeaker", before=(0.5, 0.5), after=(0.1, 0.1), silent=False, headphones=None
        )
        unplugged._settles_until_s["loudspeaker"] = time.monotonic() + 60
        await keeper.look_after_softened({"loudspeaker"})

    asyncio.run(play())
    assert order == ["saved", "set loudspeaker"]
