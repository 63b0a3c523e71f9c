"""What Entrain and ``pw-loopback`` miss, in the same run, while the processor is kept busy.

Usage: python bench/stress.py [--seconds N] [--cores N] [--quantum N] [--json FILE]

Both stand between a player and a device of their own, on one server and at the same time;
``stress-ng`` keeps the cores busy.  The same tone goes through both and is recorded at the two
devices; each run of windows in which it is not the steady tone is an xrun, whoever missed it:
player and recorder, too, are the same for both.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import processes

from entrain.platform.processes import end
from entrain.platform.sandbox import VirtualDevice
from entrain.platform.sandbox_pipewire import PipeWireSandbox

RATE_HZ = 48_000
QUANTUM_FRAMES = 1024
_FORMAT = ("--raw", "--format=float32le", "--channels=2", f"--rate={RATE_HZ}")
DEVICES = (VirtualDevice("speakers", "Speakers", 1000), VirtualDevice("other", "Other", 900))
TONE_HZ = 1000.0
WINDOW_FRAMES = RATE_HZ // 100
BREAK = 10 ** (-50 / 20)
"""A sample further than this from the tones is none of theirs."""
PATHS: Mapping[str, tuple[str, str, tuple[float, ...]]] = {
    "entrain": ("entrain", "speakers", (TONE_HZ, 405.0)),
    "pw-loopback": ("loopback", "other", (TONE_HZ,)),
}
"""Each program's sink, the device behind it, and what is heard there on the left."""


@dataclass(frozen=True)
class Figures:
    """What one program has missed."""

    program: str
    xruns: int
    lost_ms: float
    """How long all of them took together."""
    quantum_frames: int
    seconds: float
    busy_cores: int
    load: float
    """Of the machine, in the last minute."""


def main() -> int:
    """Measure, print a table, and fail where Entrain misses more than pw-loopback."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--cores", type=int, default=2, help="kept busy; 0: none")
    parser.add_argument("--quantum", type=int, default=QUANTUM_FRAMES, help="frames")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    options = parser.parse_args()
    for program in ("pw-loopback", "pacat", *(["stress-ng"] if options.cores else [])):
        if not shutil.which(program):
            sys.exit(f"{program} is missing (Debian: pipewire-bin, pulseaudio-utils, stress-ng)")
    figures = measure(options.seconds, options.cores, options.quantum)
    _print(figures)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in figures], indent=2))
    ours, theirs = (row.xruns for row in figures)
    return int(ours > theirs)


def measure(seconds: int, cores: int, quantum_frames: int) -> list[Figures]:
    """Let both play while the cores are busy."""
    with ExitStack() as stack:
        server = stack.enter_context(PipeWireSandbox(DEVICES))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="run-", dir="/tmp"))
        processes.move_to(server.environment, folder)
        processes.command(
            *("pw-metadata", "-n", "settings", "0", "clock.force-quantum", str(quantum_frames))
        )
        run = ["run", "--headless", "--layer", processes.LAYER, "--output", "speakers"]
        stack.enter_context(_running(*processes.ENTRAIN, *run))
        stack.enter_context(_running(*_loopback()))
        recordings = {}
        for program, (sink, device, _) in PATHS.items():
            _await_sink(sink)
            stack.enter_context(_playing(sink))
            recordings[program] = Path(folder) / f"{program}.raw"
            stack.enter_context(_recording(device, recordings[program]))
        time.sleep(3)  # what is missed while streams are linked is nobody's fault
        if cores:
            stack.enter_context(_running("stress-ng", "--quiet", "--cpu", str(cores)))
        begins = {program: path.stat().st_size // 8 for program, path in recordings.items()}
        began_s = time.monotonic()
        time.sleep(seconds)
        passed_s = time.monotonic() - began_s
        load = os.getloadavg()[0]
        found = []
        for program, (_, _, tones_hz) in PATHS.items():
            sound = np.fromfile(recordings[program], np.float32)
            left = sound[: len(sound) // 2 * 2].reshape(-1, 2)[begins[program] :, 0]
            breaks, bad = _breaks(left, tones_hz)
            lost_ms = 1000 * bad * WINDOW_FRAMES / RATE_HZ
            found.append(Figures(program, breaks, lost_ms, quantum_frames, passed_s, cores, load))
    return found


def _breaks(left: npt.NDArray[np.float32], tones_hz: Sequence[float]) -> tuple[int, int]:
    """Return how often the tones break, and how many windows hold something else than them."""
    windows = left[: len(left) // WINDOW_FRAMES * WINDOW_FRAMES].reshape(-1, WINDOW_FRAMES)
    phase = 2 * np.pi * np.outer(np.arange(WINDOW_FRAMES) / RATE_HZ, tones_hz)
    columns = np.hstack([np.cos(phase), np.sin(phase)])
    fitted = windows @ np.linalg.pinv(columns).T
    rest = np.max(np.abs(windows - fitted @ columns.T), axis=1)
    programme = np.hypot(fitted[:, 0], fitted[:, len(tones_hz)])
    bad = (rest > BREAK) | (np.abs(programme / np.median(programme) - 1) > 0.05)
    return int(np.sum(bad[1:] & ~bad[:-1]) + bad[0]), int(np.sum(bad))


def _loopback() -> list[str]:
    return [
        "pw-loopback",
        "--capture-props=media.class=Audio/Sink node.name=loopback audio.position=[FL,FR]",
        "--playback-props=node.name=loopback-output target.object=other node.target=other",
    ]


@contextmanager
def _running(*command: str) -> Iterator[None]:
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        end(process, 15)


@contextmanager
def _playing(sink: str) -> Iterator[None]:
    """Play the tone, for an hour at most."""
    second = 0.1 * np.sin(2 * np.pi * TONE_HZ * np.arange(RATE_HZ) / RATE_HZ)
    with tempfile.TemporaryFile() as file:
        for _ in range(20):  # minutes in one piece would do, a loop has no seam either
            file.write(np.repeat(second.astype(np.float32), 2).tobytes())
        file.flush()
        feeder = f"while cat /proc/self/fd/{file.fileno()}; do :; done"
        with subprocess.Popen(
            ["sh", "-c", feeder], stdout=subprocess.PIPE, pass_fds=[file.fileno()]
        ) as feed:
            player = ["pacat", "--playback", f"--device={sink}", "--latency-msec=500", *_FORMAT]
            with subprocess.Popen(player, stdin=feed.stdout) as process:
                try:
                    yield
                finally:
                    process.terminate()
                    feed.terminate()


@contextmanager
def _recording(device: str, path: Path) -> Iterator[None]:
    recorder = ["parec", f"--device={device}.monitor", "--latency-msec=500", *_FORMAT]
    with path.open("wb") as file, subprocess.Popen(recorder, stdout=file) as process:
        try:
            yield
        finally:
            process.terminate()


def _await_sink(name: str) -> None:
    deadline_s = time.monotonic() + 20
    while f"\t{name}\t" not in processes.command("pactl", "list", "short", "sinks"):
        if time.monotonic() > deadline_s:
            raise SystemExit(f"there is no sink {name} after 20 s")
        time.sleep(0.1)


def _print(figures: Sequence[Figures]) -> None:
    from rich.console import Console
    from rich.table import Table

    first = figures[0]
    table = Table(
        title=f"{first.seconds:.0f} s with {first.busy_cores} busy cores of {os.cpu_count()}, "
        f"blocks of {first.quantum_frames} frames, load {first.load:.1f}"
    )
    for title in ("", *(row.program for row in figures)):
        table.add_column(title, justify="right" if title else "left")
    table.add_row("xruns", *(str(row.xruns) for row in figures))
    table.add_row("lost, ms", *(f"{row.lost_ms:.0f}" for row in figures))
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
