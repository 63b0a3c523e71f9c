"""Entrain's virtual device in this process, without a control socket; and a user's desktop."""

import asyncio
import os
import subprocess
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pulsectl
import soundlab

from entrain.engine import Engine
from entrain.platform import factory
from entrain.platform.sandbox import Sandbox
from entrain.vdevice.device.applications.rules import ApplicationRules
from entrain.vdevice.device.default_policy import DefaultPolicy
from entrain.vdevice.device.virtual_device import VirtualDevice
from entrain.vdevice.limits import Mode

T = TypeVar("T")


class RunningDevice:
    """A virtual device on its own thread.  The test's thread calls its methods."""

    def __init__(self, mode: Mode, on: bool, rules: ApplicationRules | None) -> None:
        self.changes = 0
        self._ready = threading.Event()
        self._engine = Engine()
        self.device = VirtualDevice(
            factory.load(),
            self._engine,
            "auto",
            "",
            None,
            DefaultPolicy(on, "", mode),
            self._changed,
            rules,
        )
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()))
        self._thread.start()
        assert self._ready.wait(15), self.device.trouble

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the device's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def close(self) -> None:
        """Quit the device.  Idempotent."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._life.cancel)
            self._thread.join(15)
            assert not self._thread.is_alive()
            self._engine.close()

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._life = asyncio.create_task(self.device.live(self._ready.set))
        await asyncio.wait({self._life})

    def _changed(self) -> None:
        self.changes += 1


@contextmanager
def running_device(
    mode: Mode = "default", on: bool = True, rules: ApplicationRules | None = None
) -> Iterator[RunningDevice]:
    """Run a virtual device on the server of this test's environment."""
    running = RunningDevice(mode, on, rules)
    try:
        yield running
    finally:
        running.close()


class Desktop:
    """A user who plays sound, moves players and chooses outputs.

    It keeps one connection, as a desktop's own programs do: on PipeWire 0.3, a client that leaves
    right after it has connected may keep a change from all other clients.
    """

    def __init__(self, server: Sandbox) -> None:
        self._server = server
        self._pulse = pulsectl.Pulse("desktop")

    def close(self) -> None:
        self._pulse.close()

    @contextmanager
    def program(self, name: str, role: str = "", device: str = "") -> Iterator[None]:
        """Let a player of this name play silence; it is on a device when the block begins."""
        options = [f"--client-name={name}"]
        options += [f"--property=media.role={role}"] if role else []
        options += [f"--device={device}"] if device else []
        with running_program(self._server, "pacat", "--playback", *options, "/dev/zero"):
            soundlab.wait_until(lambda: self.places().get(name), 20, f"{name} is there")
            yield
        soundlab.wait_until(lambda: name not in self._programs(), 20, f"{name} has gone")

    def places(self) -> dict[str, str]:
        """Return the device of each player."""
        sinks = {sink.index: sink.name for sink in self._pulse.sink_list()}
        return {name: sinks.get(item.sink, "") for name, item in self._programs().items()}

    def wait_for(self, **places: str) -> None:
        """Wait until players are on these devices."""
        try:
            soundlab.wait_until(lambda: places.items() <= self.places().items(), 5, f"{places}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.places()}") from None

    def drag(self, name: str, device: str) -> None:
        """Move a player by hand."""
        sink = next(sink for sink in self._pulse.sink_list() if sink.name == device)
        self._pulse.sink_input_move(self._programs()[name].index, sink.index)
        self.wait_for(**{name: device})

    def turn_down(self, name: str) -> None:
        """Change a player's volume."""
        self._pulse.volume_set_all_chans(self._programs()[name], 0.4)

    def choose_default(self, name: str) -> None:
        """Choose the default output."""
        soundlab.run(self._server.environment, "pactl", "set-default-sink", name)
        self.wait_for_default(name)

    def wait_for_default(self, name: str) -> None:
        """Wait until this is the default output."""
        soundlab.wait_until(lambda: self.default() == name, 5, f"{name} is the default")

    def default(self) -> str:
        return soundlab.default_sink(self._server.environment)

    def _programs(self) -> dict[str, Any]:
        named = {
            item.proplist.get("application.name", ""): item
            for item in self._pulse.sink_input_list()
        }
        return {name: item for name, item in named.items() if name != "Entrain"}


@contextmanager
def running_program(server: Sandbox, *command: str) -> Iterator[None]:
    """Run a command of the sound system during the block."""
    process = subprocess.Popen(command, env={**os.environ, **server.environment})
    try:
        yield
    finally:
        process.kill()
        process.wait()
