"""A made-up control socket, and a dashboard before it, each on a thread of its own."""

import asyncio
import contextlib
import http.client
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

from websockets.sync.client import ClientConnection, connect

from entrain.platform import local_socket
from entrain.tray.dashboard.life import Life
from entrain.tray.dashboard.names import socket_path
from entrain.tray.dashboard.page_files import PageFile
from entrain.vdevice.limits import MAX_TAP_FRAMES

RATE_HZ = 48_000
MOST_NUMBERED = 2048
"""Most frames in an answer whose samples are the numbers of their frames."""
FILES = {
    "/": PageFile("text/html; charset=utf-8", b"<p>page</p>", None),
    "/main.js": PageFile("text/javascript; charset=utf-8", b"let a = 1;" * 99, b"packed"),
}
Json = dict[str, Any]
T = TypeVar("T")


class OnThread:
    """Runs an asyncio loop on a thread of its own, or on another's."""

    def __init__(self, other: "OnThread | None" = None) -> None:
        self._is_guest = other is not None
        if other is not None:
            self.loop = other.loop
            return
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def end(self) -> None:
        if self._is_guest:
            return

        async def cancel_all() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self.do(cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(20)
        self.loop.close()


class MadeUpEntrain(OnThread):
    """Answers at a control socket as Entrain does, as far as a dashboard sees it.

    Parameters
    ----------
    path : Path
        The control socket.

    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.requests: list[Json] = []
        self.connections = 0
        """Number of connections so far."""
        self.status: Json = {"bypass": False, "state": "idle", "volume": 1.0}
        self.frame = 10_000
        """Number of the next frame that will be processed."""
        self.answer: Callable[[Json], Any] = lambda request: {"asked": request["command"]}
        """Returns the result of a command that is not one of this class's own."""
        self._watches: dict[asyncio.StreamWriter, list[str]] = {}
        self._streams: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._claim: local_socket.Claim | None = None
        self.start()

    def start(self) -> None:
        """Listen, again perhaps."""
        self._claim = local_socket.claim(self.path, 32)
        self.do(self._listen())

    async def _listen(self) -> None:
        assert self._claim is not None
        self._server = await asyncio.start_server(self._serve, sock=self._claim.listener)

    def stop(self) -> None:
        """End as after `entrain stop`: the socket's file goes first."""
        if self._claim is not None:
            self.path.unlink()
            self.do(self._hang_up())
            self._claim.release()
            self._claim = None

    def die(self) -> None:
        """End as a killed Entrain does: its socket's file stays."""
        left = self.path.with_name("left.sock")
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(left))
        self.stop()
        left.rename(self.path)

    def displace_all(self) -> None:
        """Hang up on all clients, as if others needed the places."""

        async def displace() -> None:
            for writer in self._writers:
                writer.write(b'{"ok": false, "error": "too many clients"}\n')
            await self._hang_up(server_too=False)

        self.do(displace())

    def change(self, *, caused_by: str = "", **parts: Any) -> None:
        """Change parts of the status, and tell watchers."""

        async def tell() -> None:
            self.status.update(parts)
            for writer, names in self._watches.items():
                self._tell(writer, [name for name in parts if name in names], caused_by)

        self.do(tell())

    def babble(self, line: bytes) -> None:
        """Send a line to all who watch."""

        async def tell() -> None:
            for writer in self._watches:
                writer.write(line + b"\n")

        self.do(tell())

    def count(self, command: str) -> int:
        """Return how often a command was asked for."""
        return sum(each["command"] == command for each in list(self.requests))

    def close(self) -> None:
        self.stop()
        self.end()

    async def _hang_up(self, server_too: bool = True) -> None:
        if server_too:
            # asyncio fails if a connection is accepted but not set up when its server is closed.
            assert self._claim is not None
            self.loop.remove_reader(self._claim.listener)
            for _ in range(10):
                await asyncio.sleep(0)
            self._server.close()
        for writer in list(self._writers):
            writer.close()
        self._watches.clear()

    def _tell(self, writer: asyncio.StreamWriter, names: list[str], caused_by: str = "") -> None:
        parts = {name: self.status[name] for name in names if name in self.status}
        causes = [caused_by] if caused_by else []
        line = json.dumps({"ok": True, "result": parts, "caused_by": causes})
        writer.write(line.encode() + b"\n")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                request = json.loads(line)
                self.requests.append(request)
                self._watches.pop(writer, None)
                if stream := self._streams.pop(writer, None):
                    stream.cancel()
                if request["command"] == "watch":
                    self._watches[writer] = request["parts"]
                    self._tell(writer, request["parts"])
                elif request["command"] == "tap":
                    self._streams[writer] = asyncio.create_task(self._stream(writer, request))
                else:
                    result = self.answer(request)
                    if isinstance(result, Exception):
                        answer: Json = {"ok": False, "error": str(result)}
                    else:
                        answer = {"ok": True, "result": result}
                    writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            self._watches.pop(writer, None)
            if stream := self._streams.pop(writer, None):
                stream.cancel()
            writer.close()

    async def _stream(self, writer: asyncio.StreamWriter, request: Json) -> None:
        """Send all new frames at an interval; each sample is the number of its frame, or 0."""
        first, frames = self.frame - request["frames"], request["frames"]
        while True:
            if frames:
                samples = 2 * bytes(8 * frames)
                if frames <= MOST_NUMBERED:
                    numbers = [float(first + each // 2) for each in range(2 * frames)]
                    samples = 2 * struct.pack(f"<{2 * frames}f", *numbers)
                about = {"first": first, "frames": frames, "rate_hz": RATE_HZ}
                about["bytes"] = len(samples)
                line = json.dumps({"ok": True, "result": about}).encode()
                writer.write(line + b"\n" + samples)
                await writer.drain()
            await asyncio.sleep(request["interval_s"])
            self.frame += 400  # sound flows
            first += frames
            frames = min(self.frame - first, MAX_TAP_FRAMES)


class Served(OnThread):
    """A dashboard on a thread."""

    def __init__(
        self, runtime: Path, control: Path, other: OnThread | None = None, **options: Any
    ) -> None:
        super().__init__(other)
        self.is_running = True
        self.folder = socket_path(runtime).parent
        claimed = local_socket.claim(socket_path(runtime), 16)
        ping_s = options.pop("ping_s", None)
        try:
            self.life = self.do(self._begin(control, claimed, ping_s, options))
        except BaseException:
            claimed.release()
            self.end()
            raise
        self.door = self.life.server.door
        self.port = int(self.door.address.rpartition(":")[2])

    async def _begin(
        self, control: Path, claimed: local_socket.Claim, ping_s: float | None, options: Json
    ) -> Life:
        life = Life(FILES, control, claimed, **options)
        if ping_s is not None:
            life.server._ping_s = ping_s
        await life.start()

        async def run() -> None:
            await life.run()
            self.is_running = False

        self._running = asyncio.create_task(run())
        return life

    def close(self) -> None:
        async def finish() -> None:
            self.life.stop()
            await self._running

        self.do(finish())
        self.end()

    def ask(self, way: str) -> str:
        """Ask at the dashboard's socket for a way in."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(10)
            link.connect(str(self.folder / "dashboard.sock"))
            link.sendall(json.dumps({"way": way}).encode() + b"\n")
            return str(json.loads(link.makefile().readline())["place"])

    def get(
        self, path: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> http.client.HTTPResponse:
        """Send one request; an underscore in a header's name stands for a hyphen."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        answer.content = answer.read()  # type: ignore[attr-defined]
        connection.close()
        return answer

    def enter(self) -> str:
        """Enter with a fresh key; returns the cookie as a browser sends it."""
        answer = self.get("/enter?" + self.ask("address").partition("?")[2])
        assert answer.status == 200
        return str(answer.headers["Set-Cookie"]).partition(";")[0]

    @contextlib.contextmanager
    def page(self, **options: Any) -> Iterator["OpenPage"]:
        """Open a page's WebSocket."""
        with connect(
            f"ws://127.0.0.1:{self.port}/ws",
            origin=self.door.address,  # type: ignore[arg-type]
            additional_headers={"Cookie": self.enter()},
            compression=None,
            max_size=None,
            proxy=None,
            **options,
        ) as link:
            yield OpenPage(link)


class OpenPage:
    """The page's end of a WebSocket."""

    def __init__(self, link: ClientConnection) -> None:
        self.link = link
        self.events: list[Json] = []
        self.packets: list[bytes] = []
        self._number = 0

    def send(self, command: str, **fields: Any) -> int:
        """Send a message, and do not wait."""
        self._number += 1
        self.link.send(json.dumps({"id": self._number, "command": command, **fields}))
        return self._number

    def ask(self, command: str, **fields: Any) -> Json:
        """Send a message and return its answer."""
        number = self.send(command, **fields)
        return self.take(lambda each: each.get("id") == number)

    def event(self, name: str, matches: Callable[[Json], bool] = lambda event: True) -> Json:
        """Return the first event of this name that matches, past ones included; it is removed."""
        for place, event in enumerate(self.events):
            if event["event"] == name and matches(event):
                return self.events.pop(place)
        return self.take(lambda each: each.get("event") == name and matches(each))

    def take(self, matches: Callable[[Json], bool], timeout_s: float = 10) -> Json:
        """Read until a message matches; keep the events and packets before it."""
        end_s = time.monotonic() + timeout_s
        while True:
            message = self.link.recv(timeout=max(0.0, end_s - time.monotonic()))
            if isinstance(message, bytes):
                self.packets.append(message)
                continue
            found: Json = json.loads(message)
            if matches(found):
                return found
            if "event" in found:
                self.events.append(found)

    def read_packets(self, count: int) -> list[bytes]:
        """Read until so many packets of samples have come."""
        while len(self.packets) < count:
            message = self.link.recv(timeout=10)
            if isinstance(message, bytes):
                self.packets.append(message)
            else:
                self.events.append(json.loads(message))
        return self.packets


def until(condition: Callable[[], bool], what: str = "the condition") -> None:
    """Wait until it holds."""
    end_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end_s, f"{what} does not come true"
        time.sleep(0.01)
