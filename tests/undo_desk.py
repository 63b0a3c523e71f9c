"""An app whose changes are undone, with a clock that a test turns."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from entrain.engine import blocks
from entrain.platform.adapter import Device
from entrain.platform.folder_watch import ContentWatch
from entrain.platform.null import NullAdapter, null_device
from entrain.vdevice.api import messages
from entrain.vdevice.app import App
from entrain.vdevice.device.virtual_device import VirtualDevice
from entrain.vdevice.options import RunOptions
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.session.history import JOIN_S
from entrain.vdevice.session.session_log import SessionLog
from entrain.vdevice.storage.store import Store


class UndoDesk:
    """An app, its output, and the time between two steps."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 100.0
        self.output: Device | None = null_device("dac", form="headphones")
        monkeypatch.setattr(VirtualDevice, "target", property(lambda _: self.output))
        self.protocols = folder / "protocols"
        self.app = App(
            RunOptions(backend="null"),
            NullAdapter(),
            Store(folder / "state.json"),
            SessionLog(None),
            Library(self.protocols, blocks),
            sandbox={},
        )
        monkeypatch.setattr(self.app.undo, "_clock", lambda: self.now_s)

    async def ask(self, request: messages.Request, client: str = "") -> Any:
        return await self.app.hub.ask(request, client)

    async def set(self, over_s: float = 0.0, /, **values: float) -> None:
        """Set values as a step of its own; `__` stands for the point of an address."""
        self.now_s += 2 * JOIN_S
        await self.move(over_s, **values)

    async def move(self, over_s: float = 0.0, /, **values: float) -> None:
        """Set values at once."""
        wanted = {address.replace("__", "."): value for address, value in values.items()}
        await self.ask(messages.Set(values=wanted, over_s=over_s))

    async def use(self, protocol: Any, here: bool | None = None) -> None:
        await self.ask(messages.Use(protocol=protocol, here=here))

    async def undo(self) -> messages.Status:
        status: messages.Status = await self.ask(messages.Undo())
        return status

    async def redo(self) -> messages.Status:
        status: messages.Status = await self.ask(messages.Redo())
        return status

    def process(self, seconds: float) -> Any:
        """Let the sound run; return the output."""
        rate_hz = self.app.engine.rate_hz
        blocks = [
            self.app.engine.process(np.zeros((2, 480), np.float32))
            for _ in range(round(seconds * rate_hz / 480))
        ]
        return np.concatenate(blocks, axis=1)

    def play_on(self, name: str) -> None:
        self.output = null_device(name, form="headphones")
        self.app.device_changed()

    async def reload(self) -> None:
        """Read the files of protocols again that have changed."""
        with ContentWatch() as watch:
            await self.app.protocols.reload(watch)

    @property
    def params(self) -> dict[str, float]:
        """The values of the first layer."""
        return self.app.player.layers[0].params

    def engine_value(self, address: str, *, target: bool = False) -> float:
        """Return the present value of a parameter in the engine, or the value it moves to."""
        layer_id, symbol = address.split(".")
        numbers = {layer.id: number for layer, number in self.app.player.running()}
        return self.app.engine.parameter(numbers[layer_id], symbol, target=target)

    @property
    def sound(self) -> Any:
        """Everything that steps change, in a form that can be compared."""
        return (
            self.app.player.protocol.model_dump(),
            self.app.saver.kept.settings,
            self.app.spaces.settings.mode,
            self.app.spaces.settings.params,
            self.app.protocols.is_own,
        )

    def play(self, script: Callable[[], Awaitable[None]]) -> None:
        """Run a script, and wait until all is saved."""

        async def main() -> None:
            async with asyncio.timeout(60):
                self.app.device_changed()
                await script()
                await self.app.saver.flush()

        asyncio.run(main())
