"""Starts the measured apps, plays sound to them, and reads their use of resources."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pulsectl

from entrain.platform.processes import end

RATE_HZ = 48_000
PATIENCE_S = 15.0
POLL_S = 0.01
"""Polling more often would slow down the measured app."""

ENTRAIN = [sys.executable, "-m", "entrain.tray"]
LAYER = "binaural:carrier_hz=400,beat_hz=10,floor_db=-20,ceiling_db=-20"
"""A layer whose loudness does not depend on the input."""
HEADLESS = [*ENTRAIN, "run", "--headless", "--layer", LAYER]
"""Command that runs Entrain without its icon."""
QUANTUM_FRAMES = 256
LOOPBACK = [
    "pw-loopback",
    "--capture-props=media.class=Audio/Sink node.name=loopback audio.position=[FL,FR]",
    "--playback-props=node.passive=true target.object=speakers node.target=speakers",
]
"""Command that does the least possible work between a sink ``loopback`` and device ``speakers``."""


@dataclass(frozen=True)
class Started:
    """A running program."""

    process: "subprocess.Popen[bytes]"
    after_s: dict[str, float] = field(default_factory=dict)
    """Time until each sign of life appeared, by name."""
    cpu_s: float = 0.0
    """Processor time of the process itself until all signs had appeared."""


def move_to(server: Mapping[str, str], folder: str) -> None:
    """Make programs that are started later use this sound server and keep their files here."""
    os.environ.update(server)
    for name in ("RUNTIME_DIR", "STATE_HOME", "CONFIG_HOME", "DATA_HOME", "CACHE_HOME"):
        os.environ[f"XDG_{name}"] = folder


def force_quantum() -> None:
    """Set the quantum of PipeWire's graph to `QUANTUM_FRAMES`."""
    command("pw-metadata", "-n", "settings", "0", "clock.force-quantum", str(QUANTUM_FRAMES))


@contextmanager
def started(command: Sequence[str], signs: Mapping[str, Callable[[], bool]]) -> Iterator[Started]:
    """Run a program; enter after all its signs of life, and end it on exit.

    Parameters
    ----------
    command : sequence of str
        A command that ends upon SIGTERM.
    signs : mapping
        Functions, by name, that tell whether the program is ready; they should be quick, since
        they are called every `POLL_S`.

    """
    began_s = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        after_s: dict[str, float] = {}
        while len(after_s) < len(signs):
            for name in signs.keys() - after_s.keys():
                if signs[name]():
                    after_s[name] = time.monotonic() - began_s
            if process.poll() is not None or time.monotonic() - began_s > PATIENCE_S:
                missing = " and ".join(sorted(signs.keys() - after_s.keys()))
                raise SystemExit(f"{' '.join(command)}: no {missing} within {PATIENCE_S:g} s")
            time.sleep(POLL_S)
        yield Started(process, after_s, cpu_ns(process.pid) / 1e9)
    finally:
        if not end(process, PATIENCE_S):
            raise SystemExit(f"{' '.join(command)}: did not end within {PATIENCE_S:g} s")
        while any(sign() for sign in signs.values()):
            time.sleep(0.01)


@contextmanager
def sinks() -> Iterator[Callable[[str], bool]]:
    """Yield a function that tells whether the sound server lists a sink.

    It keeps one connection, since running `pactl` for each call would affect the measurement.
    """
    with pulsectl.Pulse("benchmark") as server:
        yield lambda name: any(sink.name == name for sink in server.sink_list())


@contextmanager
def playing(sink: str) -> Iterator[None]:
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


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    children: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            children += map(int, (thread / "children").read_text().split())
    return [pid, *(each for child in children for each in family(child))]


def cpu_ms_per_s(pid: int, seconds: float) -> float:
    """Wait, and return how much processor time a process uses per second meanwhile."""
    before, began_s = cpu_ns(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_ns(pid) - before) / 1e6 / (time.monotonic() - began_s)


def cpu_ticks(pid: int) -> int:
    """Return the processor time of a process, in clock ticks of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def cpu_ns(pid: int) -> int:
    """Processor time of a process's present threads, in ns."""
    spent = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # the thread has just ended
            spent += int((thread / "schedstat").read_text().split()[0])
    return spent


def pss_mb(pid: int) -> float:
    """Return the proportional set size of a process, which counts shared memory in part.

    Another running Entrain lowers it by up to 10 MB.
    """
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def command(*arguments: str) -> str:
    """Run a command and return its output."""
    return subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=60).stdout
