"""Speed, memory and start-up time of the whole path, compared with ``pw-loopback``.

Usage: PYTHONPATH=tests:tests/device python bench/run.py [--seconds N] [--json FILE]

On a shared machine an absolute figure says little.  The ratio to pw-loopback says more, since
pw-loopback does the least possible work in the same run.  The target for the processor is 1.5 times
pw-loopback's time: one wake-up in each cycle, as for pw-loopback, plus the work on the sound.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import lag_probe
import processes

from entrain.platform.sandbox_pipewire import PipeWireSandbox

LAG_ROUNDS = 10


@dataclass(frozen=True)
class Figures:
    """Figures of one app."""

    program: str
    sink_after_s: float
    """Time from the start of the process until the server lists its sink; median of five."""
    cpu_ms_per_s: float
    """Processor time per second of sound; median of the rounds."""
    pss_mb: float
    idle_ticks: int
    """Clock ticks (10 ms) used in ten seconds without sound."""
    added_ms: tuple[float, float, float]
    """Measured delay in addition to the device's own: median, least, most."""
    callback_us: tuple[float, float, float] | None
    """How long the audio thread takes for a block: median, 999 of 1,000 calls, the longest.

    Only Entrain measures it.
    """


def main() -> int:
    """Measure both apps and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="length of a round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, in which both take turns")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, PipeWireSandbox() as server:
        processes.move_to(server.environment, folder)
        processes.force_quantum()
        with processes.sinks() as has_sink:
            figures = [
                _measure("pw-loopback", processes.LOOPBACK, "loopback", has_sink, options),
                _measure("entrain", processes.HEADLESS, "entrain", has_sink, options),
            ]
    _print(figures)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in figures], indent=2))
    return 0


def _measure(
    name: str,
    command: Sequence[str],
    sink: str,
    has_sink: Callable[[str], bool],
    options: argparse.Namespace,
) -> Figures:
    print(f"measuring {name} …", flush=True)
    signs = {"sink": lambda: has_sink(sink)}
    starts = []
    for _ in range(5):
        with processes.started(command, signs) as program:
            starts.append(program.after_s["sink"])
    with processes.started(command, signs) as program:
        pid = program.process.pid
        rates = []
        for _ in range(options.rounds):
            with processes.playing(sink):
                time.sleep(2)
                rates.append(processes.cpu_ms_per_s(pid, options.seconds))
        callback_us = None
        if name == "entrain":
            status = json.loads(processes.command(*processes.ENTRAIN, "status", "--json"))
            callback = status["callback"]
            callback_us = (
                callback["median_us"],
                callback["p999_us"],
                callback["longest_lately_us"],
            )
        pss_mb = processes.pss_mb(pid)
        time.sleep(12)  # the server suspends all nodes within 8 s
        before = processes.cpu_ticks(pid)
        time.sleep(10)
        idle = processes.cpu_ticks(pid) - before
        added_ms = _added_ms(sink)
    return Figures(
        name,
        statistics.median(starts),
        statistics.median(rates),
        pss_mb,
        idle,
        added_ms,
        callback_us,
    )


def _added_ms(sink: str) -> tuple[float, float, float]:
    """Measure the delay from a sink to the device behind it: median, least, most."""
    with tempfile.TemporaryDirectory() as folder:
        probe = lag_probe.build(Path(folder))

        def delay_ms(start: str) -> float:
            frames = lag_probe.frames({}, probe, start, "speakers", processes.QUANTUM_FRAMES)
            return 1000 * frames / processes.RATE_HZ

        direct_ms = delay_ms("speakers")
        delays_ms = [delay_ms(sink) - direct_ms for _ in range(LAG_ROUNDS)]
    return statistics.median(delays_ms), min(delays_ms), max(delays_ms)


def _spread(delays_ms: tuple[float, float, float]) -> float:
    return delays_ms[2] - delays_ms[1]


def _print(figures: list[Figures]) -> None:
    from rich.console import Console
    from rich.table import Table

    base, own = figures
    table = Table(title=f"whole path, quantum {processes.QUANTUM_FRAMES} at {processes.RATE_HZ} Hz")
    for title in ("", base.program, own.program, "ratio", "target"):
        table.add_column(title, justify="left" if not title else "right")
    rows = [
        ("CPU, ms per s of sound", base.cpu_ms_per_s, own.cpu_ms_per_s, "ratio ≤ 1.5"),
        ("sink listed, s after start", base.sink_after_s, own.sink_after_s, "< 1"),
        ("memory (PSS), MB", base.pss_mb, own.pss_mb, "≤ 45"),
        ("idle, ticks in 10 s", base.idle_ticks, own.idle_ticks, "0"),
    ]
    for title, theirs, ours, target in rows:
        ratio = f"{ours / theirs:.1f}" if theirs else ""
        table.add_row(title, f"{theirs:.2f}", f"{ours:.2f}", ratio, target)
    for title, values, target in (
        ("added delay, ms: median", [row.added_ms[0] for row in figures], "1.46"),
        ("    from least to most", [_spread(row.added_ms) for row in figures], "0"),
    ):
        table.add_row(title, *(f"{value:.2f}" for value in values), "", target)
    quantum_us = 1e6 * processes.QUANTUM_FRAMES / processes.RATE_HZ
    assert own.callback_us
    for title, value_us in zip(("median", "999 of 1,000", "longest"), own.callback_us, strict=True):
        share = f"{value_us / quantum_us:.1%} of a block"
        table.add_row(f"callback, µs: {title}", "", f"{value_us:.0f}", "", share)
    Console().print(table)


if __name__ == "__main__":
    if not shutil.which("pw-loopback"):
        sys.exit("bench: pw-loopback is missing (Debian: pipewire-bin)")
    sys.exit(main())
