"""Added delay and glitches of the path on PulseAudio, compared with ``module-loopback``.

Usage: PYTHONPATH=tests:tests/device python bench/pulse.py [--seconds N] [--slow-motion N]
    [--json FILE]

    player A → sink "entrain" → Entrain, bypassed               → device "speakers"
    player B → sink "loop"    → module-loopback latency_msec=10 → device "headphones"

Both paths run at the same time, with the same sound, on a private server.  A delay is the time from
a sink's monitor to the device's monitor.  Both monitors are early by one block; sink and device use
blocks of the same length here, so this cancels out (the table shows the lengths).
"""

import argparse
import json
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import processes
import pulsectl
import slow_motion
from lab_servers import LabPulse
from pulse_player import playing
from pulse_recorder import RATE_HZ, PulseRecorder
from pulse_signal import MOST_DELAY_S, Heard, delays_s, inherited

from entrain.platform.sandbox import VirtualDevice
from entrain.vdevice.api.client import Client

WINDOW_S = 5.0
POLL_S = 1.0
CPU_ROUNDS = 3
CPU_STRETCH_S = 5.0


# Sleeps with the priority of the server's threads, and counts how often it wakes up too late to
# fill a device's queue.  If it does, the glitches are the computer's fault.
STALL_S = 0.008
SLEEPER = f"""
import os, sys, threading, time
try:
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))
except PermissionError:
    pass
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set())).start()
late = 0
while not ended.is_set():
    began_s = time.monotonic()
    time.sleep(0.002)
    late += time.monotonic() - began_s > 0.002 + {STALL_S}
print(late)
"""


@dataclass(frozen=True)
class Poll:
    """Entrain's own figures at one time."""

    time_s: float
    added_ms: float
    xruns: int


@dataclass(frozen=True)
class Cpu:
    """Processor time with one path alone, in ms per second; players are not included."""

    server: float
    own: float
    """Entrain's process; the other path runs in the server."""


@dataclass(frozen=True)
class Stretch:
    """A time during which Entrain's target did not change."""

    target_ms: float
    from_s: float
    to_s: float
    windows: int
    spread_ms: float
    """Largest difference between the windows' medians."""


@dataclass(frozen=True)
class Figures:
    """One path's figures."""

    path: str
    delay_ms: float
    """Median delay."""
    p1_ms: float
    p99_ms: float
    window_min_ms: float
    """Smallest median of all windows of 5 s; `window_max_ms` is the largest."""
    window_max_ms: float
    bursts: int
    device_glitches: int
    """Glitches at the device; glitches that the sink already had are left out."""
    sink_glitches: int
    sink_block_ms: float
    device_block_ms: float
    cpu: "Cpu"


@dataclass(frozen=True)
class Result:
    """All figures of a run."""

    seconds: float
    slow_motion: int
    """Factor by which all clocks were slower than real; times are in the slow clocks' seconds."""
    paths: list[Figures]
    stretches: list[Stretch]
    target_changes: list[tuple[float, float]]
    """Seconds from the beginning, and the new target in milliseconds."""
    own_cpu_ratio: float
    """Entrain's process, relative to the server with ``module-loopback``: median of the rounds."""
    xruns: int
    recorder_error_us: float
    """Largest difference between two recordings of one monitor."""
    stalls: int
    """How often a thread of high priority woke up more than 8 ms late."""


@dataclass(frozen=True)
class Way:
    """One path, with the analysis of the sound at its two ends."""

    name: str
    sink: str
    device: str
    heard: Mapping[str, Heard]
    since_s: float
    until_s: float

    @cached_property
    def delays(self) -> list[tuple[float, float]]:
        """The time of each burst in the sink, and its delay to the device, in seconds."""
        return delays_s(
            self.heard[self.sink].bursts_s(self.since_s, self.until_s),
            self.heard[self.device].bursts_s(self.since_s, self.until_s + MOST_DELAY_S),
        )

    def medians_s(self, since_s: float, until_s: float) -> list[float]:
        """Return the median delay of each whole window in this time."""
        medians = []
        for index in range(int((until_s - since_s) / WINDOW_S)):
            begin_s = since_s + index * WINDOW_S
            end_s = begin_s + WINDOW_S
            inside = [delay_s for at_s, delay_s in self.delays if begin_s <= at_s < end_s]
            if inside:
                medians.append(statistics.median(inside))
        return medians

    def figures(self, blocks_ms: Mapping[str, float], cpu: Cpu) -> Figures:
        """Return all figures of the path."""
        if not self.delays:
            raise SystemExit(f"{self.name}: no burst has arrived")
        delays_ms = 1e3 * np.array([delay_s for _, delay_s in self.delays])
        median_ms, p1_ms, p99_ms = (float(x) for x in np.percentile(delays_ms, (50, 1, 99)))
        medians_ms = [1e3 * median_s for median_s in self.medians_s(self.since_s, self.until_s)]
        sink_s = self.heard[self.sink].disturbances_s(self.since_s - 0.5, self.until_s)
        device_s = self.heard[self.device].disturbances_s(self.since_s, self.until_s)
        return Figures(
            path=self.name,
            delay_ms=median_ms,
            p1_ms=p1_ms,
            p99_ms=p99_ms,
            window_min_ms=min(medians_ms, default=median_ms),
            window_max_ms=max(medians_ms, default=median_ms),
            bursts=len(self.delays),
            device_glitches=len(device_s) - inherited(device_s, sink_s, median_ms / 1e3),
            sink_glitches=sum(time_s >= self.since_s for time_s in sink_s),
            sink_block_ms=blocks_ms[self.sink],
            device_block_ms=blocks_ms[self.device],
            cpu=cpu,
        )


def main() -> int:
    """Measure both paths and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="length of the measurement")
    parser.add_argument(
        "--slow-motion", type=int, default=1, metavar="N", help="slow all clocks down N times"
    )
    parser.add_argument("--settle", type=float, default=12, help="seconds to wait before it")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    slow_motion.begin(options.slow_motion)
    devices = (
        VirtualDevice("speakers", "Speakers", 1000),
        VirtualDevice("headphones", "Headphones", 900),
    )
    with tempfile.TemporaryDirectory() as folder, LabPulse(devices) as server:
        processes.move_to(server.environment, folder)
        try:
            result = _measure(
                server.pid("pulseaudio"), options.seconds, options.settle, options.slow_motion
            )
        except BaseException:
            print(server.log, file=sys.stderr)
            raise
    _print(result)
    if options.json:
        options.json.write_text(json.dumps(asdict(result), indent=2))
    return 0


def _measure(server: int, seconds: float, settle_s: float, slow: int) -> Result:
    print("measuring processor time, each path alone, in turns …", flush=True)
    rounds = [_cpu_round(server, min(CPU_STRETCH_S, seconds)) for _ in range(CPU_ROUNDS)]
    own_cpu, loop_cpu = (_median_cpu(path) for path in zip(*rounds, strict=True))
    with _entrain():
        print(f"measuring both paths for {seconds:g} s …", flush=True)
        with _loopback(), playing("entrain"), playing("loop"):
            error_us = _recorder_error_us()
            polls, heard, stalls = _listen(seconds, settle_s)
            blocks_ms = _blocks_ms()
    since_s, until_s = polls[0].time_s, polls[-1].time_s
    own = Way("entrain", "entrain", "speakers", heard, since_s, until_s)
    loop = Way("module-loopback", "loop", "headphones", heard, since_s, until_s)
    return Result(
        seconds=seconds,
        slow_motion=slow,
        paths=[own.figures(blocks_ms, own_cpu), loop.figures(blocks_ms, loop_cpu)],
        stretches=_stretches(polls, own),
        target_changes=[
            (after.time_s - since_s, after.added_ms)
            for before, after in pairwise(polls)
            if after.added_ms != before.added_ms
        ],
        own_cpu_ratio=statistics.median(entrain.own / loop.server for entrain, loop in rounds),
        xruns=polls[-1].xruns - polls[0].xruns,
        recorder_error_us=error_us,
        stalls=stalls,
    )


def _recorder_error_us() -> float:
    """Record one monitor twice for some seconds, and return the largest difference in time."""
    twins = [Heard(), Heard()]
    with PulseRecorder(["entrain.monitor"] * 2) as recorder:
        began_s = time.monotonic()
        time.sleep(5)
        for place, blocks in zip(twins, recorder.take(), strict=True):
            place.add(blocks)
    one, other = (place.bursts_s(began_s + 0.5, began_s + 4.5) for place in twins)
    return 1e6 * max((abs(delay_s) for _, delay_s in delays_s(one, other)), default=math.nan)


def _listen(seconds: float, settle_s: float) -> tuple[list[Poll], dict[str, Heard], int]:
    """Record everything, and analyse it during the recording."""
    names = ("entrain", "speakers", "loop", "headphones")
    heard = {name: Heard() for name in names}
    # Record no more sources than these: recordings pass the server's main thread, like Entrain's
    # playback, while the other path runs in threads of its own.
    sources = [f"{name}.monitor" for name in names]
    with PulseRecorder(sources) as recorder, Client() as client:

        def hear() -> None:
            for place, blocks in zip(heard.values(), recorder.take(), strict=True):
                place.add(blocks)

        settled_s = time.monotonic() + settle_s
        while time.monotonic() < settled_s:
            time.sleep(POLL_S)
            hear()
        sleeper = subprocess.Popen(
            [sys.executable, "-c", SLEEPER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        polls = [_poll(client)]
        while polls[-1].time_s < polls[0].time_s + seconds:
            time.sleep(POLL_S)
            hear()
            polls.append(_poll(client))
        stalls = int(sleeper.communicate()[0])
        time.sleep(MOST_DELAY_S)  # until the last burst has arrived
        hear()
    return polls, heard, stalls


def _poll(client: Client) -> Poll:
    status = client.ask("status")
    return Poll(time.monotonic(), round(status["latency"]["added_ms"], 2), status["xruns"])


def _blocks_ms() -> dict[str, float]:
    with pulsectl.Pulse("bench") as pulse:
        return {sink.name: sink.configured_latency / 1e3 for sink in pulse.sink_list()}


def _stretches(polls: list[Poll], own: Way) -> list[Stretch]:
    """Return the times without a change of the target that are long enough for two windows."""
    found = []
    for target_ms, group in groupby(polls, key=lambda poll: poll.added_ms):
        times_s = [poll.time_s for poll in group]
        medians_s = own.medians_s(times_s[0], times_s[-1])
        if len(medians_s) >= 2:
            from_s, to_s = times_s[0] - own.since_s, times_s[-1] - own.since_s
            spread_ms = 1e3 * (max(medians_s) - min(medians_s))
            found.append(Stretch(target_ms, from_s, to_s, len(medians_s), spread_ms))
    return found


@contextmanager
def _entrain() -> Iterator[int]:
    """Run Entrain with bypass; yield its process id."""
    run = ["run", "--headless", "--backend", "pulse", "--output", "speakers"]
    command = [*processes.ENTRAIN, *run, "--layer", processes.LAYER]
    with (
        processes.sinks() as has_sink,
        processes.started(command, {"sink": lambda: has_sink("entrain")}) as program,
    ):
        processes.command(*processes.ENTRAIN, "bypass", "on")
        yield program.process.pid


@contextmanager
def _loopback() -> Iterator[None]:
    """Let the server do the same work by itself."""
    modules = [
        ["module-null-sink", "sink_name=loop", "norewinds=1", "format=float32le"]
        + ["channels=2", f"rate={RATE_HZ}"],
        ["module-loopback", "source=loop.monitor", "sink=headphones", "latency_msec=10"]
        + ["source_dont_move=true", "sink_dont_move=true"],
    ]
    loaded = []
    try:
        for module in modules:
            loaded.append(processes.command("pactl", "load-module", *module).strip())
        yield
    finally:
        for index in reversed(loaded):
            subprocess.run(["pactl", "unload-module", index], check=False)


def _cpu_round(server: int, seconds: float) -> tuple[Cpu, Cpu]:
    """Measure Entrain's path and ``module-loopback``, one after the other.

    The cost of a wake-up depends on the other load, so both are measured close together in time.
    """
    with _loopback(), playing("loop"):
        loop = _cpu(seconds, server)
    with _entrain() as own, playing("entrain"):
        entrain = _cpu(seconds, server, own)
    return entrain, loop


def _cpu(seconds: float, server: int, own: int | None = None) -> Cpu:
    """Measure the processor time of the server, and of another process."""
    pids = [server] if own is None else [server, own]
    time.sleep(3)
    began_s, before = time.monotonic(), [processes.cpu_ns(pid) for pid in pids]
    time.sleep(seconds)
    passed_s = time.monotonic() - began_s
    spent = [
        (processes.cpu_ns(pid) - used) / 1e6 / passed_s
        for pid, used in zip(pids, before, strict=True)
    ]
    return Cpu(spent[0], spent[1] if len(spent) > 1 else 0.0)


def _median_cpu(measured: Sequence[Cpu]) -> Cpu:
    return Cpu(
        statistics.median(cpu.server for cpu in measured),
        statistics.median(cpu.own for cpu in measured),
    )


def _print(result: Result) -> None:
    from rich.console import Console
    from rich.table import Table

    own, base = result.paths
    slow = "" if result.slow_motion == 1 else f", {result.slow_motion} times slower than real"
    table = Table(title=f"path on PulseAudio, both at once for {result.seconds:g} s{slow}")
    for title in ("", base.path, own.path, "target"):
        table.add_column(title, justify="left" if not title else "right")

    def row(title: str, text: Callable[[Figures], str], target: str = "") -> None:
        table.add_row(title, text(base), text(own), target)

    row("added delay, median, ms", lambda path: f"{path.delay_ms:.2f}", "≤ 12")
    row("p1 … p99, ms", lambda path: f"{path.p1_ms:.2f} … {path.p99_ms:.2f}")
    row(
        f"medians of {WINDOW_S:g} s, ms",
        lambda path: f"{path.window_min_ms:.2f} … {path.window_max_ms:.2f}",
    )
    row("glitches of the path", lambda path: str(path.device_glitches), f"≤ {base.path}")
    row("glitches that the sink already had", lambda path: str(path.sink_glitches))
    row(
        "blocks of sink and device, ms",
        lambda path: f"{path.sink_block_ms:.2f}, {path.device_block_ms:.2f}",
    )
    row("processor time of the server, ms/s", lambda path: f"{path.cpu.server:.1f}")
    row("… of the own process, ms/s", lambda path: f"{path.cpu.own:.1f}" if path.cpu.own else "")
    table.add_row(
        f"own process / server with {base.path}", "", f"{result.own_cpu_ratio:.2f}", "≤ 0.6"
    )
    console = Console()
    console.print(table)
    for stretch in result.stretches:
        console.print(
            f"target {stretch.target_ms:.2f} ms"
            f" from {stretch.from_s:.0f} s to {stretch.to_s:.0f} s:"
            f" {stretch.windows} windows within {stretch.spread_ms:.2f} ms (target: 1 ms)"
        )
    for at_s, target_ms in result.target_changes:
        console.print(f"target changed at {at_s:.0f} s to {target_ms:.2f} ms")
    console.print(f"Entrain's xruns: {result.xruns}")
    console.print(
        f"the computer itself stopped for more than {1e3 * STALL_S:g} ms: {result.stalls} times"
    )
    error_us = result.recorder_error_us
    console.print(f"two recordings of one monitor differ by at most {error_us:.0f} µs")


if __name__ == "__main__":
    if LabPulse.missing_packages() or not shutil.which("pacat"):
        print("bench: PulseAudio is missing (Debian: pulseaudio pulseaudio-utils), left out")
        sys.exit(0)
    sys.exit(main())
