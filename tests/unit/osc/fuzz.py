"""Fuzzes OSC: a packet makes valid requests, or is counted as refused.

As a program, this reads many packets under a limit of memory:

    python tests/unit/osc/fuzz.py --count 1000000
"""

import argparse
import asyncio
import faulthandler
import gc
import json
import math
import random
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))  # started as a program

from osc_desk import now_tag
from osc_packets import bundle, message, mutated

from entrain.engine import blocks
from entrain.vdevice.api.listed.blocks import described
from entrain.vdevice.api.messages import parse_request
from entrain.vdevice.bridge.app_mirror import AppMirror
from entrain.vdevice.bridge.osc import osc_part
from entrain.vdevice.bridge.osc.interpreter import INTERNAL_ERROR
from entrain.vdevice.bridge.osc.osc_part import OscPart

MAX_CPU_S = 1.0
"""Longest time for one packet."""
MAX_GROWTH_BLOCKS = 2000
"""Blocks of memory that may be kept after all packets."""
_WARM_UP = 5000
_HANG_S = 3000.0

STATUS = {
    "on": False,
    "bypass": False,
    "protocol": {
        "id": "x",
        "rate_hz": 10.0,
        "layers": [
            {"kind": "binaural", "id": "tone", "params": {"beat_hz": 10.0}, "place": None},
            {
                "kind": "noise",
                "id": "bed",
                "params": {},
                "place": {"azimuth_deg": 30.0, "path": "orbit"},
            },
        ],
    },
    "position": {"elapsed_s": 1.0, "left_s": None},
    "moving": {"tone.beat_hz": 9.0},
    "settings": {},
    "space": {"mode": "scene", "params": {}},
    "sleep_left_s": None,
    "undo_text": "Beat of tone: 9 Hz → 10 Hz",
    "redo_text": "",
    "measured": {"text": "", "tones": {"beat_hz": 10.0}, "modulation": None, "interaural": None},
    "levels": {"out_db": -20.0, "in_rms_db": [None, -30.0]},
}


def at(seconds: float, packet: bytes) -> bytes:
    """Give a bundle a time tag."""
    return packet[:8] + now_tag(seconds).to_bytes(8, "big") + packet[16:]


SEEDS = (
    message("/entrain/tone/beat_hz", 7.5),
    message("/entrain/tone/beat_hz", "get"),
    message("/entrain/bed/path", 3),
    message("/entrain/*/{beat,rate}_hz", 4),
    message("/entrain/[a-z]?ne/*", 1.0),
    message("/*", "hello"),
    message("/entrain", "json"),
    message("/entrain", "get"),
    message("/entrain", "xmit", 1),
    message("/entrain/xmit", 0),
    *(message(f"/entrain/{word}") for word in ("bypass", "on", "next", "undo", "redo")),
    *(message(f"/entrain/{word}", 2.5) for word in ("sleep", "rate", "level", "position")),
    message("/entrain/use", "focus-16"),
    bundle(message("/entrain/use", "a=binaural:beat_hz=3"), message("/entrain/a/beat_hz", 5)),
    at(0.01, bundle(message("/entrain/tone/level_db", -20.0))),
    at(30, bundle(*[message("/entrain/tone/level_db", -20.0)] * 9)),
)
_WORDS = (0, 1, -1, 4, 0x7FFFFFFF, -0x80000000, 0x7FC00000, 0x7F800000, -0x800000, 0x2C660000)

HOSTILE = (
    b"",
    b"\0" * 65_507,
    b"/entrain/tone/beat_hz" + b"\0" * 65_000,
    b"\xff\xfe" * 30_000,
    b"/entrain/\xff\xfe/\xc3(\0\0,f\0\0\x40\0\0\0",
    message("/entrain/use", "") + b"\0\0\0\0",
    message("/entrain/tone/beat_hz", math.nan),
    message("/entrain/tone/beat_hz", math.inf),
    message("/entrain/tone/beat_hz", -math.inf),
    message("/entrain/*/*", math.nan),
    message("/entrain/sleep", math.inf),
    message("/entrain/rate", math.nan),
    message("/entrain/" + "*a" * 60, 1.0),
    message("/entrain/" + "{a,b}" * 30 + "/x", 1.0),
    message("/entrain/" + "[" * 100 + "/x", 1.0),
    message("/" * 200, 1.0),
    message("/entrain/tone/beat_hz", *[1.0] * 1000),
    bundle(*[message("/entrain/*/beat_hz", 1.0)] * 100),
    b"/entrain/tone/beat_hz\0\0\0,d\0\0" + struct.pack(">d", math.nan),
    at(3600, bundle(message("/entrain/tone/beat_hz", 1.0))),
)
"""Packets without an effect."""


def deep(depth: int) -> bytes:
    """Nest bundles."""
    packet = message("/entrain/tone/beat_hz", 1.0)
    for _ in range(depth):
        packet = bundle(packet)
    return packet


def packets(count: int, rng: random.Random) -> Iterator[bytes]:
    """Yield random packets: noise, hostile ones, and seeds with one to eight mutations."""
    for number in range(count):
        if rng.random() < 0.2:
            yield rng.randbytes(rng.choice((0, 1, 8, 48, rng.randrange(300))))
            continue
        if rng.random() < 0.02:
            yield rng.choice(HOSTILE) if number % 2 else deep(rng.randrange(5, 900))
            continue
        yield mutated(rng, SEEDS, _WORDS, (0, 1, 1, 1, 2, 3, 8))


class Link:
    """Takes the place of the way to the app: checks each request as the app does."""

    def __init__(self, mirror: AppMirror) -> None:
        self.sets = self.requests = 0
        self._mirror = mirror

    def set_value(self, address: str, value: float) -> bool:
        layer, _, symbol = address.partition(".")
        parameter = self._mirror.layers[layer][symbol]
        assert parameter.minimum <= value <= parameter.maximum, (address, value)
        self.sets += 1
        return True

    def ask(
        self,
        request: dict[str, object],
        done: Callable[[Any, str], None],
        *,
        newest: bool = False,
        shared: bool = False,
    ) -> bool:
        if request["command"] == "use":  # the app checks the text
            done(None, "there is no such protocol")
            return True
        parse_request(json.dumps(request, allow_nan=False).encode())
        self.requests += 1
        done(dict(STATUS), "")
        return True

    def close(self) -> None:
        return


class Found(NamedTuple):
    """The outcome of all packets."""

    sets: int
    requests: int
    refused: int
    reports: int
    slowest_s: float
    growth: int
    seconds: float


def run(count: int, seed: int) -> Found:
    """Feed packets to the part; return the outcome."""
    return asyncio.run(_run(count, seed))


def fuzzed_part(mirror: AppMirror, report: Callable[[Any], None]) -> tuple[OscPart, Link]:
    """Make a part that sends its requests to a `Link`."""
    settings = {"port": 0, "feedback_port": 9, "listen": "127.0.0.1"}
    part = OscPart(settings, Path("/nowhere/control.sock"), mirror, report)
    link = Link(mirror)
    part._app = part._interpreter._app = link  # type: ignore[assignment]
    return part, link


def made_mirror() -> AppMirror:
    """Make a mirror that knows the blocks and a status."""
    mirror = AppMirror(Path("/nowhere/control.sock"))
    mirror._following.cancel()
    listed = json.loads(described(blocks().values()).model_dump_json())
    mirror._blocks = {each["kind"]: each for each in listed["blocks"]}
    mirror._place = listed["place"]
    mirror.take(STATUS)
    return mirror


async def _run(count: int, seed: int) -> Found:
    rng = random.Random(seed)
    reports: list[object] = []
    mirror = made_mirror()
    part, link = fuzzed_part(mirror, lambda told: reports.append(None))
    slowest_s, blocks_before, begin_s = 0.0, 0, time.monotonic()
    for number, packet in enumerate(packets(count, rng)):
        if number == _WARM_UP:
            gc.collect()
            blocks_before = sys.getallocatedblocks()
        packet_s = time.process_time()
        try:
            part.take_packet(packet, (f"127.0.0.{rng.randrange(1, 99)}", 40_000))
        except Exception as error:
            raise AssertionError(f"seed {seed}, packet {number}: {packet!r}") from error
        assert INTERNAL_ERROR not in part._reason, f"seed {seed}, packet {number}: {packet!r}"
        slowest_s = max(slowest_s, time.process_time() - packet_s)
        if number % 50 == 0:
            mirror.take({"position": {"elapsed_s": float(number), "left_s": None}})
            await asyncio.sleep(0)
    seconds = time.monotonic() - begin_s
    refused, waiting = part._refused, len(part._schedule._waiting)
    part.close()
    await asyncio.sleep(0)
    gc.collect()
    growth = sys.getallocatedblocks() - blocks_before if count > _WARM_UP else 0
    mirror.close()
    assert slowest_s < MAX_CPU_S, f"seed {seed}: {slowest_s:.3f} s for a packet"
    assert growth < MAX_GROWTH_BLOCKS, f"seed {seed}: {growth} blocks more, {waiting} waited"
    assert len(reports) <= seconds / osc_part.REPORT_S + 2, f"{len(reports)} in {seconds} s"
    return Found(link.sets, link.requests, refused, len(reports), slowest_s, growth, seconds)


def main() -> int:
    """Fuzz with a random seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="number of packets")
    parser.add_argument("--seed", type=int, default=None, help="seed of the random numbers")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 30)
    faulthandler.dump_traceback_later(_HANG_S, exit=True)
    found = run(arguments.count, seed)
    print(
        f"OSC: seed {seed}, {arguments.count} packets: {found.sets} values, {found.requests} "
        f"requests, {found.refused} refusals, {found.reports} reports; slowest "
        f"{1000 * found.slowest_s:.1f} ms, {found.growth} blocks more"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
