"""Speed, memory and start-up time of the whole path, beside ``pw-loopback`` in the same run.

Usage: python bench/run.py [--seconds N] [--json FILE]

On a shared machine an absolute figure says little; the ratio to what does the least possible
work on the same graph, at the same time, says more.  The target for the processor, 16 ms/s, is
EasyEffects without effects on a machine where pw-loopback takes 6: a ratio of 2.7.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from entrain.platform.sandbox_pipewire import PipeWireSandbox

QUANTUM_FRAMES = 256
RATE_HZ = 48_000
ENTRAIN = Path(sys.executable).with_name("entrain")


@dataclass(frozen=True)
class Figures:
    """One program's figures."""

    program: str
    sink_after_s: float
    """From the start of the process until the server lists its sink; median of five."""
    cpu_ms_per_s: float
    """Processor time per second of sound; median of the rounds."""
    pss_mb: float
    idle_ticks: int
    """Clock ticks (10 ms) used in ten seconds without sound."""
    worst_callback_us: float | None


def main() -> int:
    """Measure both programs and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="length of a round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, the two taking turns")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, PipeWireSandbox() as server:
        os.environ.update(server.environment)
        for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
            os.environ[name] = folder
        _command("pw-metadata", "-n", "settings", "0", "clock.force-quantum", str(QUANTUM_FRAMES))
        figures = [
            _measure("pw-loopback", _loopback(), "loopback", options),
            _measure("entrain", _entrain(), "entrain", options),
        ]
    _print(figures)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in figures], indent=2))
    return 0


def _loopback() -> list[str]:
    return [
        "pw-loopback",
        "--capture-props=media.class=Audio/Sink node.name=loopback audio.position=[FL,FR]",
        "--playback-props=node.passive=true target.object=speakers node.target=speakers",
    ]


def _entrain() -> list[str]:
    layer = "binaural:carrier_hz=400,beat_hz=10,floor_db=-20,ceiling_db=-20"
    return [str(ENTRAIN), "run", "--headless", "--layer", layer]


def _measure(name: str, command: list[str], sink: str, options: argparse.Namespace) -> Figures:
    print(f"measuring {name} …", flush=True)
    starts = []
    for _ in range(5):
        with _started(command, sink) as (_process, after_s):
            starts.append(after_s)
    with _started(command, sink) as (process, _after_s):
        rates = []
        for _ in range(options.rounds):
            with _playing(sink):
                time.sleep(2)
                before, began = _cpu_ns(process.pid), time.monotonic()
                time.sleep(options.seconds)
                spent_ms = (_cpu_ns(process.pid) - before) / 1e6
                rates.append(spent_ms / (time.monotonic() - began))
        worst = None
        if name == "entrain":
            status = json.loads(_command(str(ENTRAIN), "status", "--json"))
            worst = 1000 * status["worst_callback_ms"]
        pss_mb = _pss_mb(process.pid)
        time.sleep(12)  # everything suspends within 8 s
        before = _cpu_ticks(process.pid)
        time.sleep(10)
        idle = _cpu_ticks(process.pid) - before
    return Figures(name, statistics.median(starts), statistics.median(rates), pss_mb, idle, worst)


@contextmanager
def _started(command: list[str], sink: str) -> Iterator[tuple["subprocess.Popen[bytes]", float]]:
    """Run a program; gives how long its sink took to be there."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while f"\t{sink}\t" not in _command("pactl", "list", "short", "sinks"):
            if time.monotonic() - began > 15:
                raise SystemExit(f"{command[0]}: no sink {sink} within 15 s")
            time.sleep(0.005)
        yield process, time.monotonic() - began
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        while f"\t{sink}\t" in _command("pactl", "list", "short", "sinks"):
            time.sleep(0.01)


@contextmanager
def _playing(sink: str) -> Iterator[None]:
    """Play noise to the sink from another process."""
    with open("/dev/urandom", "rb") as noise:
        player = subprocess.Popen(
            ["pacat", "--raw", "--format=s16le", f"--rate={RATE_HZ}", "--channels=2",
             f"--device={sink}", "--volume=6000", "--latency-msec=100"],
            stdin=noise,
        )  # fmt: skip
        try:
            yield
        finally:
            player.terminate()
            player.wait()


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _cpu_ns(pid: int) -> int:
    """Processor time of all threads; clock ticks are too coarse for work that comes in bursts."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads)


def _pss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _command(*arguments: str) -> str:
    return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout


def _print(figures: list[Figures]) -> None:
    from rich.console import Console
    from rich.table import Table

    base, own = figures
    table = Table(title=f"whole path, quantum {QUANTUM_FRAMES} at {RATE_HZ} Hz")
    for title in ("", base.program, own.program, "ratio", "target"):
        table.add_column(title, justify="left" if not title else "right")
    rows = [
        ("CPU, ms per s of sound", base.cpu_ms_per_s, own.cpu_ms_per_s, "≤ 16, ratio ≤ 2.7"),
        ("sink there, s after start", base.sink_after_s, own.sink_after_s, "< 1"),
        ("memory (PSS), MB", base.pss_mb, own.pss_mb, "≤ 45"),
        ("idle, ticks in 10 s", base.idle_ticks, own.idle_ticks, "0"),
    ]
    for title, theirs, ours, target in rows:
        ratio = f"{ours / theirs:.1f}" if theirs else ""
        table.add_row(title, f"{theirs:.2f}", f"{ours:.2f}", ratio, target)
    table.add_row("worst callback, µs", "", f"{own.worst_callback_us:.0f}", "", "")
    Console().print(table)


if __name__ == "__main__":
    if not shutil.which("pw-loopback"):
        sys.exit("bench: pw-loopback is missing (Debian: pipewire-bin)")
    sys.exit(main())
