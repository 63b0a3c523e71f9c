"""An app without a sound server, which serves the control socket on a thread of its own."""

import asyncio
import threading
from pathlib import Path

from entrain.engine import blocks
from entrain.platform.local_socket import claim
from entrain.platform.null import NullAdapter
from entrain.vdevice.api.client import Client
from entrain.vdevice.api.control_server import MAX_CLIENTS
from entrain.vdevice.app import App
from entrain.vdevice.options import RunOptions
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.session.session_log import SessionLog
from entrain.vdevice.storage.store import Store


class AppOnThread:
    """The app; its files lie in a folder of the test."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "r" / "control.sock"
        self._folder = folder
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()))
        self._thread.start()
        assert self._started.wait(20)

    async def beside(self) -> None:
        """Do what a test needs on the app's loop, until cancelled."""

    def close(self) -> None:
        if self._thread.is_alive():
            with Client(self.path) as client:
                client.ask("stop")
        self._thread.join(20)

    async def _main(self) -> None:
        app = App(
            RunOptions(backend="null"),
            NullAdapter(),
            Store(self._folder / "state.json"),
            SessionLog(None),
            Library(self._folder / "protocols", blocks),
            sandbox={},
        )
        asyncio.get_running_loop().add_signal_handler = lambda *_: None  # type: ignore[method-assign]
        beside = asyncio.create_task(self.beside())
        await app.serve(claim(self.path, MAX_CLIENTS), self._started.set)
        beside.cancel()
        app.engine.close()
