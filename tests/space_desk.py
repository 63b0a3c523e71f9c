"""An app with headphones, and heads that a test may withhold or refuse."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
from made_up_head import made_up

from entrain.engine import blocks
from entrain.platform.adapter import Device, Form
from entrain.platform.null import NullAdapter, null_device
from entrain.vdevice.api import messages
from entrain.vdevice.app import App
from entrain.vdevice.device.virtual_device import VirtualDevice
from entrain.vdevice.hrtf import process, sets
from entrain.vdevice.hrtf.errors import HrtfError
from entrain.vdevice.hrtf.sets import Card
from entrain.vdevice.options import RunOptions
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.session.session_log import SessionLog
from entrain.vdevice.storage.store import Store

NOISE = np.random.default_rng(2).uniform(-0.1, 0.1, (2, 48_000)).astype(np.float32)


class SpaceDesk:
    """An app with headphones, and heads that a test may withhold or refuse."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.output: Device | None = None
        self.form: Form = "unknown"
        self.ready = threading.Event()
        self.ready.set()
        self.prepared: list[str] = []
        self._folder = folder
        self._file = folder / "made-up.head"
        self._file.write_bytes(made_up().file())
        monkeypatch.setattr(VirtualDevice, "target", property(lambda _: self.output))
        monkeypatch.setattr(VirtualDevice, "form", property(lambda _: self.form))
        monkeypatch.setattr(process, "prepared", self._prepare)
        monkeypatch.setattr(sets, "find", lambda name: Card(name, name))
        self.app = self.new_app()

    def _prepare(self, card: Card) -> Path:
        self.ready.wait(20)
        self.prepared.append(card.id)
        if card.id == "broken":
            raise HrtfError("broken.sofa cannot be read")
        return self._file

    def new_app(self) -> App:
        return App(
            RunOptions(backend="null"),
            NullAdapter(),
            Store(self._folder / "state.json"),
            SessionLog(None),
            Library(self._folder / "protocols", blocks),
            sandbox={},
        )

    def play_on(self, name: str, form: Form = "headphones") -> None:
        self.output, self.form = null_device(name, form=form), form
        self.app.device_changed()

    async def ask(self, request: messages.Request) -> messages.Status:
        found = await self.app.hub.ask(request)
        assert isinstance(found, messages.Status)
        return found

    async def space(self, **wishes: object) -> messages.Space:
        wanted = messages.SpaceWishes.model_validate(wishes)
        return (await self.ask(messages.Settings(space=wanted))).space

    async def head(self) -> None:
        """Wait until the engine has the head."""
        async with asyncio.timeout(10):
            while self.app.spaces.head_in_use != self.app.spaces.head:
                await asyncio.sleep(0.01)

    async def settled(self) -> None:
        """Wait until every head that was asked for has been prepared or refused."""
        async with asyncio.timeout(10):
            await self.app.heads._worker.do(lambda: None)
            for _ in range(10):  # a stand-in may follow
                await asyncio.sleep(0.01)
                await self.app.heads._worker.do(lambda: None)

    def heard(self) -> np.ndarray:
        """Process half a second and return what is heard of the rest."""
        return self.app.engine.process(NOISE.copy())[:, 24_000:]


def run(desk: SpaceDesk, play: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(30):
            desk.app.spaces.begin()
            desk.play_on("phones")
            try:
                await play()
            finally:
                await desk.app.spaces.close()
                await desk.app.saver.flush()

    asyncio.run(main())
