"""Checks within half a minute that Entrain's path on PipeWire uses no more processor than usual.

Usage: python bench/short.py

Entrain and pw-loopback run side by side and get sound in turns, several times.  Fails if the median
of the ratios is at least twice the usual ratio in `limits.json`, which names its origin.
"""

import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import processes

from entrain.platform.sandbox_pipewire import PipeWireSandbox

LIMITS = Path(__file__).with_name("limits.json")
ROUNDS, WARM_UP_S, ROUND_S = 3, 1.0, 3.5


def main() -> int:
    """Measure, print two lines, and return whether the ratio is within the limit."""
    usual = json.loads(LIMITS.read_text())["cpu_ratio_to_pw_loopback"]
    with tempfile.TemporaryDirectory() as folder, PipeWireSandbox() as server:
        processes.move_to(server.environment, folder)
        processes.force_quantum()
        with (
            processes.sinks() as has_sink,
            processes.started(
                processes.LOOPBACK, {"sink": lambda: has_sink("loopback")}
            ) as loopback,
            processes.started(processes.HEADLESS, {"sink": lambda: has_sink("entrain")}) as entrain,
        ):
            base, own = loopback.process.pid, entrain.process.pid
            rounds = [(_cost("loopback", base), _cost("entrain", own)) for _ in range(ROUNDS)]
            memory_mb = processes.pss_mb(base), processes.pss_mb(own)
    theirs, ours = (statistics.median(costs) for costs in zip(*rounds, strict=True))
    ratio = statistics.median(own / base for base, own in rounds)
    print(f"processor, ms per s of sound: {ours:.1f}, pw-loopback {theirs:.1f}")
    print(f"memory (PSS), MB: {memory_mb[1]:.1f}, pw-loopback {memory_mb[0]:.1f}")
    verdict = f"ratio {ratio:.2f}, usually {usual:g}"
    if ratio >= 2 * usual:
        print(f"bench: {verdict}: a thread wakes too often, or computes too much")
        return 1
    print(verdict)
    return 0


def _cost(sink: str, pid: int) -> float:
    with processes.playing(sink):
        time.sleep(WARM_UP_S)
        return processes.cpu_ms_per_s(pid, ROUND_S)


if __name__ == "__main__":
    if not shutil.which("pw-loopback"):
        sys.exit("bench: pw-loopback is missing (Debian: pipewire-bin)")
    sys.exit(main())
