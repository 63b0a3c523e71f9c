"""Fuzzes the tracker: a packet is a pose, is ignored, or is counted as malformed.

As a program, this reads many packets under a limit of memory:

    python tests/unit/tracking/fuzz.py --count 1000000
"""

import argparse
import faulthandler
import gc
import math
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

sys.path.insert(0, str(Path(__file__).parents[2]))  # started as a program

from osc_packets import bundle, message, mutated, opentrack

from entrain.vdevice.bridge.tracking.receiver import Receiver
from entrain.vdevice.bridge.tracking.senders import Senders
from entrain.vdevice.limits import TrackerPreset

MAX_CPU_S = 0.1
"""Longest time for one packet."""
MAX_GROWTH_BLOCKS = 200
"""Blocks of memory that may be kept after all packets."""
_WARM_UP = 1000
_HANG_S = 900.0

SEEDS = (
    message("/ypr", 10.0, -20.0, 30.0),
    message("/yaw", 10),
    message("/quaternion", 0.5, 0.5, 0.5, 0.5),
    message("/SceneRotator/quaternions", 1.0, 0.0, 0.0, 0.0),
    message("/bridge/quat", 0.9, 0.1, 0.2, 0.3),
    message("/3DTI-OSC/receiver/pry", 0.1, 0.2, 0.3),
    message("/tracking/trackers/head/rotation", 1.0, 2.0, 3.0),
    bundle(*(message(f"/{axis}", 5.0) for axis in ("yaw", "pitch", "roll"))),
    bundle(
        message("/VMC/Ext/OK", 1),
        bundle(message("/VMC/Ext/Bone/Pos", "Head", 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)),
        message("/VMC/Ext/Blend/Val", "喜び", 0.5),
    ),
    opentrack(10, -20, 30),
)
_WORDS = (0, 1, -1, 4, 0x7FFFFFFF, -0x80000000, 0x7FC00000, 0x7F800000, 0x2C660000, 0x2C737300)


def packets(count: int, rng: random.Random) -> Iterator[bytes]:
    """Yield random packets: noise, and seeds with one to eight mutations."""
    for _ in range(count):
        if rng.random() < 0.2:
            yield rng.randbytes(rng.choice((0, 1, 8, 48, rng.randrange(300), 16400)))
            continue
        yield mutated(rng, SEEDS, _WORDS, (1, 1, 1, 2, 3, 8))


def run(count: int, seed: int) -> tuple[Receiver, float, int]:
    """Feed packets to a receiver; return it, the slowest packet's time, and the blocks kept."""
    rng = random.Random(seed)
    receiver = Receiver(Senders(rng.choice(get_args(TrackerPreset)), ("pitch",)))
    slowest_s, now_s, before = 0.0, 0.0, 0
    for number, packet in enumerate(packets(count, rng)):
        if number == _WARM_UP:
            gc.collect()
            before = sys.getallocatedblocks()
        begin_s = time.process_time()
        take = receiver.take_opentrack if rng.random() < 0.1 else receiver.take_osc
        try:
            pose = take(packet, f"10.0.0.{rng.randrange(9)}", now_s)
        except Exception as error:
            raise AssertionError(f"seed {seed}, packet {number}: {packet!r}") from error
        slowest_s = max(slowest_s, time.process_time() - begin_s)
        if pose is not None:
            norm = math.fsum(each * each for each in pose.rotation)
            assert abs(norm - 1) < 1e-9, f"seed {seed}, packet {number}: {packet!r}"
        now_s += rng.choice((0.001, 2.0))
    gc.collect()
    growth = sys.getallocatedblocks() - before
    counters = receiver.counters
    assert counters.poses + counters.ignored + counters.malformed == count
    assert slowest_s < MAX_CPU_S, f"seed {seed}: {slowest_s:.3f} s for a packet"
    assert growth < MAX_GROWTH_BLOCKS, f"seed {seed}: {growth} blocks more"
    return receiver, slowest_s, growth


def main() -> int:
    """Fuzz with a random seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="number of packets")
    parser.add_argument("--seed", type=int, default=None, help="seed of the random numbers")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 30)
    faulthandler.dump_traceback_later(_HANG_S, exit=True)
    receiver, slowest_s, growth = run(arguments.count, seed)
    counters = receiver.counters
    print(
        f"tracker: seed {seed}, {arguments.count} packets: {counters.poses} poses, "
        f"{counters.ignored} ignored, {counters.malformed} malformed; slowest "
        f"{1000 * slowest_s:.1f} ms, {growth} blocks more"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
