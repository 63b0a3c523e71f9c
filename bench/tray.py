"""Start-up time, memory and idle load of the whole app: with its icon, its sink and its sound.

Usage: PYTHONPATH=tests python bench/tray.py [--starts N] [--json FILE]

Runs on a private sound server and a private session bus, with a tray that draws nothing.  Each
start of Entrain is compared with the start of a Python that does nothing, and of pw-loopback.  On a
busy machine, the ratio says more than the seconds.
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
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path

import processes
from session_bus import PrivateBus, is_installed
from tray_client import Item, StubTray

from entrain.platform.sandbox_pipewire import PipeWireSandbox

PYTHON = [sys.executable, "-c", "pass"]
IDLE_S = 20
SLEEP_S = 12
"""Time until all threads sleep; the session manager suspends devices after 5 s."""

Signs = Mapping[str, Callable[[], bool]]


@dataclass(frozen=True)
class Start:
    """Figures of one round, in seconds from the start of a process."""

    icon_s: float
    """Time until the tray has Entrain's icon."""
    sink_s: float
    """Time until the server lists Entrain's sink."""
    cpu_s: float
    """Processor time until both exist."""
    loopback_s: float
    """Time until the server lists pw-loopback's sink."""
    python_s: float
    """Duration of a Python process that does nothing."""

    @property
    def ready_s(self) -> float:
        """Time until icon and sink exist."""
        return max(self.icon_s, self.sink_s)


@dataclass(frozen=True)
class Rest:
    """Resources of all of the app's processes together."""

    pss_mb: float
    """Memory while sound plays."""
    processes: int
    idle_ticks: int
    """Clock ticks (10 ms) in `IDLE_S` without sound."""
    idle_ms: float
    """Processor time in `IDLE_S` without sound, which is more exact."""


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="entrain-bench-") as folder:
        bus = PrivateBus(Path(folder))
        try:
            with PipeWireSandbox() as server:
                _move_to(server.environment, bus.address, folder)
                with StubTray(bus.address) as tray, processes.sinks() as has_sink:
                    starts, rest = _measure(tray, has_sink, options.starts)
        finally:
            bus.stop()
    _print(starts, rest)
    if options.json:
        figures = {"starts": [asdict(start) for start in starts], "rest": asdict(rest)}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def _move_to(server: Mapping[str, str], bus: str, folder: str) -> None:
    """Hide the user's desktop from processes that are started later."""
    processes.move_to(server, folder)
    os.environ["DBUS_SESSION_BUS_ADDRESS"] = bus
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(name, None)


def _measure(
    tray: StubTray, has_sink: Callable[[str], bool], count: int
) -> tuple[list[Start], Rest]:
    own: Signs = {
        "icon": lambda: bool(tray.registered) and not set(tray.names()).isdisjoint(tray.registered),
        "sink": lambda: has_sink("entrain"),
    }
    other: Signs = {"sink": lambda: has_sink("loopback")}
    with processes.started([*processes.ENTRAIN, "run", "--protocol", "default"], own):
        pass  # from now on, the files are in memory, and Entrain starts switched on
    starts = []
    for number in range(count):
        print(f"start {number + 1} of {count} …", flush=True)
        began_s = time.monotonic()
        subprocess.run(PYTHON, check=True)
        python_s = time.monotonic() - began_s
        with processes.started(processes.LOOPBACK, other) as program:
            loopback_s = program.after_s["sink"]
        with processes.started(processes.ENTRAIN, own) as program:
            times_s = program.after_s
            starts.append(
                Start(times_s["icon"], times_s["sink"], program.cpu_s, loopback_s, python_s)
            )
    with processes.started(processes.ENTRAIN, own) as program:
        return starts, _rest(program.process.pid, tray)


def _rest(pid: int, tray: StubTray) -> Rest:
    print("sound …", flush=True)
    icon = Item(tray, tray.registered[-1])
    with processes.playing("entrain"):
        time.sleep(5)
        icon.menu()  # panels fetch the menu, too
        everyone = processes.family(pid)
        pss_mb = sum(map(processes.pss_mb, everyone))
    print("silence …", flush=True)
    time.sleep(SLEEP_S)
    ticks, ns = _spent(pid)
    time.sleep(IDLE_S)
    later_ticks, later_ns = _spent(pid)
    return Rest(pss_mb, len(everyone), later_ticks - ticks, (later_ns - ns) / 1e6)


def _spent(pid: int) -> tuple[int, int]:
    everyone = processes.family(pid)
    return sum(map(processes.cpu_ticks, everyone)), sum(map(processes.cpu_ns, everyone))


def _print(starts: list[Start], rest: Rest) -> None:
    from rich.console import Console
    from rich.table import Table

    def median(of: Callable[[Start], float]) -> float:
        return statistics.median(map(of, starts))

    ready_s = median(lambda start: start.ready_s)
    table = Table(title=f"whole app with tray; start: median of {len(starts)}")
    for title in ("", "Entrain", "target"):
        table.add_column(title, justify="right" if title else "left")
    table.add_row("icon and sink exist, s after start", f"{ready_s:.2f}", "< 1")
    table.add_row("  icon", f"{median(lambda start: start.icon_s):.2f}")
    table.add_row("  sink", f"{median(lambda start: start.sink_s):.2f}")
    table.add_row("  processor time until then, s", f"{median(lambda start: start.cpu_s):.2f}")
    for name, of in (
        ("pw-loopback's sink", attrgetter("loopback_s")),
        ("a Python that does nothing", attrgetter("python_s")),
    ):
        ratio = statistics.median(start.ready_s / of(start) for start in starts)
        table.add_row(f"  times {name} ({median(of):.3f} s)", f"{ratio:.1f}")
    processes_ = f"{rest.processes} process{'es' if rest.processes > 1 else ''}"
    table.add_row(f"memory (PSS) of {processes_}, playing, MB", f"{rest.pss_mb:.1f}", "≤ 55")
    table.add_row(f"at rest, ticks in {IDLE_S} s", str(rest.idle_ticks), "0")
    table.add_row(f"  ms in {IDLE_S} s", f"{rest.idle_ms:.1f}")
    Console().print(table)


if __name__ == "__main__":
    if not is_installed():
        sys.exit("bench: dbus-daemon is missing (Debian: dbus-daemon)")
    if not shutil.which("pw-loopback"):
        sys.exit("bench: pw-loopback is missing (Debian: pipewire-bin)")
    sys.exit(main())
