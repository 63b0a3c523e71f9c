"""Fuzzes the dashboard's server: a request or a frame gets an answer or ends its own connection.

As a program, this sends many of them:

    python tests/unit/dashboard/fuzz.py --count 1000000
"""

import argparse
import asyncio
import base64
import collections
import faulthandler
import gc
import json
import random
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # started as a program

from dashboard_lab import MadeUpEntrain, Served

from entrain.tray.dashboard import page_link
from entrain.tray.dashboard.server import MAX_PAGES

_TEXTS = ('"', "{", "[" * 500, "}", "\n", "1e999", "NaN", "é", "\\ud800", ": null,")
FRAMES = 256
"""Most frames on one connection."""
REQUESTS = 32
"""Requests in a row, each on a connection of its own."""
MAX_GROWTH_BLOCKS = 2000
"""Blocks of memory that may be kept after all messages."""
_WARM_UP = 3000
_HANG_S = 3600.0
_TIMEOUT_S = 20.0

MESSAGES: tuple[Any, ...] = (
    {"id": 1, "command": "status"},
    {"id": 2, "command": "set", "values": {"tone.beat_hz": 6.5}},
    {"id": 3, "command": "use", "protocol": "focus-16", "layers": ["noise:level_db=-20"]},
    {"id": 4, "command": "subscribe", "status": ["bypass", "levels"], "samples": True},
    {"id": 5, "command": "subscribe", "status": None, "samples": False},
    {"id": "x", "command": "stop"},
    {"id": 2**60, "command": ["on"]},
    [{"command": "on"}],
)
_PATHS = ("/", "/ws", "/enter", "/enter?x", "/main.js", "/../x", "/%2e%2e/x", "*", "//", "/\\")
_BITS = (b"\0", b"\r\n", b"\n", b": ", b"\xff", b"GET ", b"HTTP/1.1", b"Upgrade: websocket\r\n")


def http(rng: random.Random, served: Served, cookie: str) -> bytes:
    """Return a request, mostly with mutations."""
    path = rng.choice(_PATHS)
    head = {
        "Host": served.door.address.removeprefix("http://"),
        "Cookie": cookie,
        "Origin": served.door.address,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(rng.randbytes(16)).decode(),
    }
    for name in rng.sample(sorted(head), rng.choice((0, 0, 1, 3))):
        head[name] = rng.choice(("", "x", "évil", "a" * 9000, head[name] * 2))
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    request = f"{rng.choice(('GET', 'GET', 'POST', 'É'))} {path} HTTP/1.1\r\n{lines}\r\n"
    return _mutated(rng, request.encode("latin-1"))


def handshake(served: Served, cookie: str) -> bytes:
    """Return a request that opens the WebSocket."""
    return (
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nCookie: {cookie}\r\n"
        f"Origin: {served.door.address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    ).encode()


def frame(opcode: int, payload: bytes, first: int = 0x80) -> bytes:
    """Return a frame of a client; the mask is 0, which leaves the payload as it is."""
    if len(payload) < 126:
        size = bytes((0x80 | len(payload),))
    elif len(payload) < 1 << 16:
        size = struct.pack(">BH", 0xFE, len(payload))
    else:
        size = struct.pack(">BQ", 0xFF, len(payload))
    return bytes((first | opcode,)) + size + b"\0\0\0\0" + payload


def message(rng: random.Random) -> bytes:
    """Return a hostile text, in UTF-8."""
    text = json.dumps(rng.choice(MESSAGES))
    for _ in range(rng.choice((0, 1, 1, 2, 5))):
        at = rng.randrange(len(text) + 1)
        bit = rng.choice(_TEXTS)
        text = text[:at] + bit + text[at + rng.choice((0, 1, 8)) :]
    return text.encode()


def hostile_frame(rng: random.Random) -> bytes:
    """Return a frame, perhaps of a kind that no client may send."""
    match rng.randrange(8):
        case 0:
            return rng.randbytes(rng.choice((1, 2, 6, 14, 200)))
        case 1:
            return frame(rng.randrange(16), rng.randbytes(rng.choice((0, 1, 126, 3000))))
        case 2:
            return frame(rng.choice((0, 1, 2, 8, 9, 10)), message(rng), rng.choice((0, 0x80, 0xC0)))
        case 3:
            return bytes((0x81, 0xFF)) + struct.pack(">Q", rng.choice((65_537, 2**40, 2**63)))
        case 4:
            return _mutated(rng, frame(1, message(rng)))
    return frame(1, message(rng))


def _mutated(rng: random.Random, sent: bytes) -> bytes:
    data = bytearray(sent)
    for _ in range(rng.choice((0, 1, 1, 2, 8))):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(3):
            case 0:
                data[at : at + 1] = rng.randbytes(1)
            case 1:
                del data[at : at + rng.choice((1, 4, 40))]
            case 2:
                data[at:at] = rng.choice(_BITS)
    return bytes(data)


@contextmanager
def served() -> Iterator[Served]:
    """Serve a page before a made-up Entrain that keeps no list of requests."""
    with tempfile.TemporaryDirectory() as folder:
        runtime = Path(folder) / "entrain"
        app = MadeUpEntrain(runtime / "control.sock")
        app.requests = collections.deque(maxlen=1)  # type: ignore[assignment]
        dashboard = Served(runtime, app.path, app)
        try:
            yield dashboard
        finally:
            dashboard.close()
            app.close()


def exchange(served: Served, sent: bytes, until: bytes | None) -> bytes:
    """Send bytes on a new connection; read to a mark, or to the end after hanging up."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=_TIMEOUT_S) as link:
        received = bytearray()
        try:
            link.sendall(sent)
            if until is None:
                link.shutdown(socket.SHUT_WR)
            while data := link.recv(1 << 16):
                received += data
                if until is not None and until in received:
                    break
        except ConnectionError:
            pass
        return bytes(received)


def run(count: int, seed: int) -> tuple[collections.Counter[str], int]:
    """Send requests and frames; returns how often what was sent, and the blocks kept."""
    rng = random.Random(seed)
    sent: collections.Counter[str] = collections.Counter()
    page_link.MESSAGES_PER_S = 1e6  # the limit of the rate would only make this slow
    before = 0
    with served() as dashboard:
        cookie = dashboard.enter()
        opening = handshake(dashboard, cookie)
        while (number := sent.total()) < count:
            if not before and number >= _WARM_UP:
                before = _settled(dashboard)
            while len(dashboard.life.server.pages) > MAX_PAGES // 2:  # pages that are closing
                time.sleep(0.001)
            try:
                match rng.randrange(8):
                    case 0:
                        for _ in range(REQUESTS):
                            sent["requests"] += 1
                            exchange(dashboard, http(rng, dashboard, cookie), None)
                    case 1:
                        frames = [hostile_frame(rng) for _ in range(rng.randrange(1, FRAMES))]
                        sent["frames"] += len(frames)
                        exchange(dashboard, opening + b"".join(frames), None)
                    case _:
                        frames = [frame(1, message(rng)) for _ in range(FRAMES)]
                        sent["messages"] += len(frames)
                        end = frame(1, b'{"id": "the end", "command": "off"}')
                        mark = b'{"id": "the end", "ok": true'
                        text = opening + b"".join(frames) + end
                        assert mark in exchange(dashboard, text, mark)
            except Exception as error:
                raise AssertionError(f"seed {seed}, after {number} messages") from error
        growth = _settled(dashboard) - before
    assert growth < MAX_GROWTH_BLOCKS, f"seed {seed}: {growth} blocks more"
    return sent, growth


def _settled(dashboard: Served) -> int:
    """Wait until all connections have ended; returns the blocks of memory in use."""
    end_s = time.monotonic() + _TIMEOUT_S
    while dashboard.do(_tasks()) or dashboard.life.server.pages:
        assert time.monotonic() < end_s, "connections stay open"
        time.sleep(0.01)
    gc.collect()
    return sys.getallocatedblocks()


async def _tasks() -> list[str]:
    names = (str(task.get_coro()) for task in asyncio.all_tasks())
    return [name for name in names if "protocol_handler" in name]


def main() -> int:
    """Fuzz with a random seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="requests and frames")
    parser.add_argument("--seed", type=int, default=None, help="seed of the random numbers")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 30)
    faulthandler.dump_traceback_later(_HANG_S, exit=True)
    began_s = time.monotonic()
    sent, growth = run(arguments.count, seed)
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(sent.items()))
    print(
        f"dashboard: seed {seed}: {kinds} in {time.monotonic() - began_s:.0f} s; "
        f"{growth} blocks more"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
