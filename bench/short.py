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
from collections.abc import Callable, Sequence
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
        with processes.sinks() as has_sink:
            rounds = [
                (
                    _measure(processes.LOOPBACK, "loopback", has_sink),
                    _measure(processes.HEADLESS, "entrain", has_sink),
                )
                for _ in range(ROUNDS)
            ]
    for name, program in zip(("pw-loopback", "entrain"), zip(*rounds, strict=True), strict=True):
        cost, memory_mb = (statistics.median(values) for values in zip(*program, strict=True))
        print(f"{name}: {cost:.1f} ms of the processor per s of sound, {memory_mb:.1f} MB (PSS)")
    ratio = statistics.median(own[0] / base[0] for base, own in rounds)
    verdict = f"ratio {ratio:.2f}, usually {usual:g}"
    if ratio >= 2 * usual:
        print(f"bench: {verdict}: a thread wakes too often, or computes too much")
        return 1
    print(verdict)
    return 0


def _measure(
    program: Sequence[str], sink: str, has_sink: Callable[[str], bool]
) -> tuple[float, float]:
    """Return the processor time of an app, in ms per s of sound, and its memory, in MB.

    It runs alone: with another app in the same graph, it would also wake up for that app's cycles.
    """
    with processes.started(program, {"sink": lambda: has_sink(sink)}) as started:
        pid = started.process.pid
        with processes.playing(sink):
            time.sleep(WARM_UP_S)
            return processes.cpu_ms_per_s(pid, ROUND_S), processes.pss_mb(pid)


if __name__ == "__main__":
    if not shutil.which("pw-loopback"):
        sys.exit("bench: pw-loopback is missing (Debian: pipewire-bin)")
    sys.exit(main())
