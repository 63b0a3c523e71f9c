"""A control server on its own thread, so that a test can be its blocking client."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from played_protocol import Heard
from simulated_sound import Desk, NewDesk, new_desk
from undo_desk import UndoDesk

from entrain.platform import local_socket
from entrain.tray.commands.request import NAME as COMMAND_LINE
from entrain.tray.icon.tray_icon import TrayIcon
from entrain.vdevice.api.control_server import ControlServer
from entrain.vdevice.api.hub import Hub
from entrain.vdevice.api.messages import GetStatus, Latency, Request, Status

STATUS = Status(
    state="idle",
    reason="nothing plays",
    on=False,
    bypass=False,
    backend="null",
    sink="entrain",
    latency=Latency(added_frames=70, added_ms=1.46),
    version="0.1.0",
)


@pytest.fixture
def idle() -> Status:
    """Return the status of an idle Entrain."""
    return STATUS


class Running:
    """A served control socket.

    Parameters
    ----------
    path : Path
        Path of the socket.
    respond : callable
        Returns the result of a request; runs on the server's thread.

    """

    def __init__(self, path: Path, respond: Callable[[Request], Any]) -> None:
        self.path = path
        self.requests: list[Request] = []
        """The requests, in which the name of the command line is left out."""
        self.clients: list[str] = []
        self._respond = respond
        self._claim = local_socket.claim(path, 32)
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()))
        self._thread.start()
        assert self._started.wait(10)

    def notify(self) -> None:
        """Notify the clients that watch for changes."""
        self._loop.call_soon_threadsafe(self._hub.notify)

    def close(self) -> None:
        """End the server; idempotent."""
        with contextlib.suppress(RuntimeError):  # a stop request may have closed the loop already
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(20)
        assert not self._thread.is_alive()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        self._hub = Hub(self._carry_out, self._look)
        server = ControlServer(self._claim, self._hub)
        await server.start()
        self._started.set()
        await self._end.wait()
        await server.close()

    async def _carry_out(self, request: Request) -> Any:
        self.clients.append(request.client)
        if request.client == COMMAND_LINE:
            request = request.model_copy(update={"client": ""})
        self.requests.append(request)
        if request.command == "stop":
            self._end.set()
        return self._respond(request)

    def _look(self) -> Any:
        self.requests.append(GetStatus())
        return self._respond(GetStatus())


@pytest.fixture
def serve() -> Iterator[Callable[..., Running]]:
    """Serve a path until the test is over; by default every answer is `STATUS`."""
    running: list[Running] = []

    def start(path: Path, respond: Callable[[Request], Any] = lambda request: STATUS) -> Running:
        running.append(Running(path, respond))
        return running[-1]

    yield start
    for server in running:
        server.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set private folders for the test, and a terminal of 80 columns."""
    tmp_path.chmod(0o700)
    for name in ("DATA", "STATE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("ENTRAIN_PLATFORM", "null")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(TrayIcon, "start", lambda self, at_once=True: None)
    return tmp_path


@pytest.fixture
def answer(home: Path, serve: Callable[..., Running]) -> Callable[..., Running]:
    """Answer each request of a command with a status that has these fields."""

    def use(**fields: object) -> Running:
        status = STATUS.model_copy(update=fields)
        return serve(home / "entrain" / "control.sock", lambda request: status)

    return use


@pytest.fixture
def new(monkeypatch: pytest.MonkeyPatch) -> Iterator[NewDesk]:
    """Make desks with an Entrain before a simulated sound system."""
    made: list[Desk] = []
    yield new_desk(monkeypatch, made)
    for desk in made:
        desk.close()


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Make a player with its engine."""
    heard = Heard()
    yield heard
    heard.engine.close()


@pytest.fixture
def undo_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UndoDesk]:
    """Make an app whose changes are undone, with a clock that the test turns."""
    made = UndoDesk(tmp_path, monkeypatch)
    yield made
    made.app.engine.close()
