"""An app without sound, and the bridge's OSC in front of it, in one event loop."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import osc_packets

from entrain.engine import blocks
from entrain.platform import local_socket
from entrain.platform.null import NullAdapter
from entrain.vdevice.api import messages
from entrain.vdevice.api.control_server import ControlServer
from entrain.vdevice.app import App
from entrain.vdevice.bridge.app_mirror import AppMirror
from entrain.vdevice.bridge.osc.osc_part import OscPart
from entrain.vdevice.bridge.osc_reader import read_packet
from entrain.vdevice.options import RunOptions
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.session.session_log import SessionLog

HERE = "127.0.0.1"
ODD_REFUSED = {
    "sender": HERE,
    "address": "/entrain/\x1b[2J",
    "arguments": ["a\nb", "nan"],
    "effect": "",
    "refused": "a pattern sets parameters, or asks with get",
}
"""A monitor gets this line about a message with control characters; the command hides them."""
LAYERS = ("tone=binaural:carrier_hz=400,beat_hz=10", "music=am:rate_hz=5,depth=0.5")


def new_app(folder: Path) -> App:
    return App(
        RunOptions(backend="null"),
        NullAdapter(),
        None,
        SessionLog(None),
        Library(folder / "protocols", blocks),
        sandbox={},
    )


def listening() -> socket.socket:
    """Return the socket of another program, at a port of its own."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((HERE, 0))
    made.setblocking(False)
    return made


class OscDesk:
    """The app, the part that is tested, and the other program's socket."""

    def __init__(self, app: App, part: OscPart, mirror: AppMirror, out: socket.socket) -> None:
        self.app, self.part, self.mirror, self.out = app, part, mirror, out
        self.reports: list[dict[str, Any]] = []
        self.got: list[tuple[Any, ...]] = []
        """Messages that the other program has got: address and arguments."""

    def send(self, address: str, *arguments: float | int | str) -> None:
        """Send a message from the other program."""
        self.packet(osc_packets.message(address, *arguments))

    def packet(self, packet: bytes, host: str = HERE) -> None:
        self.part.take_packet(packet, (host, 40_000))

    def value(self, layer: str, symbol: str) -> float:
        """Return a value as the app has it."""
        (found,) = [each for each in self.app.player.layers if each.id == layer]
        return found.params[symbol]

    @property
    def refused(self) -> int:
        return self.part._refused

    @property
    def refusal(self) -> str:
        return self.part.last_refusal()

    def receive(self) -> list[tuple[Any, ...]]:
        """Return all messages that the other program has got so far."""
        while True:
            try:
                packet = self.out.recv(1 << 17)
            except BlockingIOError:
                return self.got
            self.got += [(each.address, *each.arguments) for each in read_packet(packet)]

    async def until(self, holds: Callable[[], object], timeout_s: float = 10.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not holds():
                await asyncio.sleep(0.005)

    async def settled(self) -> None:
        """Wait until all requests so far are answered."""
        work = self.part._app._work
        if work is not None:
            await work
        await asyncio.sleep(0)

    async def answer(self, address: str, *arguments: float | int | str) -> list[tuple[Any, ...]]:
        """Send a message and return what the other program gets then."""
        await self.settled()
        self.receive()
        self.got.clear()
        self.send(address, *arguments)
        await self.until(self.receive)
        await self.settled()
        return list(self.receive())


@asynccontextmanager
async def osc_desk(folder: Path) -> AsyncIterator[OscDesk]:
    """Let a part of the bridge steer an app with two layers."""
    app = new_app(folder)
    path = folder / "run" / "control.sock"
    server = ControlServer(local_socket.claim(path, 32), app.hub, blocks)
    await server.start()
    mirror = AppMirror(path)
    out = listening()
    settings = {"port": free_port(), "feedback_port": out.getsockname()[1], "listen": HERE}
    reports: list[dict[str, Any]] = []
    part = OscPart(settings, path, mirror, lambda told: reports.append(dict(told)))
    desk = OscDesk(app, part, mirror, out)
    desk.reports = reports
    try:
        await desk.until(lambda: mirror.layers)
        await app.hub.ask(messages.Use(protocol=LAYERS[0], layers=LAYERS[1:]))
        await desk.until(lambda: {"tone", "music"} <= mirror.layers.keys())
        yield desk
    finally:
        part.close()
        mirror.close()
        out.close()
        await end(app, server)


async def end(app: App, server: ControlServer) -> None:
    """End an app and its control socket."""
    await server.close()
    await app.saver.flush()
    app.saver.close()
    app.protocols.close()
    app.heads.close()
    app.engine.close()


def free_ports(count: int) -> list[int]:
    """Return free UDP ports, no two of them the same, so that tests can run beside each other."""
    with ExitStack() as held:
        probes = [held.enter_context(listening()) for _ in range(count)]
        return [int(probe.getsockname()[1]) for probe in probes]


def free_port() -> int:
    """Return one free UDP port."""
    return free_ports(1)[0]


def now_tag(ahead_s: float) -> int:
    """Return the time tag of a moment from now."""
    return int((time.time() + ahead_s + 2_208_988_800) * (1 << 32))
