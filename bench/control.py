"""Measures the cost of controlling Entrain: a slider, a turned head, clients that watch.

Usage: python bench/control.py [--seconds N] [--rate N] [--json FILE]

Runs on a private PipeWire while a player plays.  One client sends a thousand `set` requests a
second without waiting for answers, as a slider does; in a second run, another client asks for the
status meanwhile.  Then 100 poses of the head arrive a second: from a tracker, by way of the
bridge, and at the control socket.  Then a client reads all samples, 30 times a second.
Then one watcher, and ten watchers, receive the status ten times a second.
"""

import argparse
import contextlib
import json
import math
import multiprocessing
import select
import shutil
import socket
import statistics
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import processes

from entrain.platform.sandbox_pipewire import PipeWireSandbox
from entrain.vdevice.api.client import SOCKET_NAME, Client

ENTRAIN = [*processes.ENTRAIN, "run", "--headless", "--layer", f"tone={processes.LAYER}"]
ASK_S = 0.05
"""Pause between two `status` requests."""
WATCH_S = 0.1
WATCHERS = 10
POSES_PER_S = 100
TAPS_PER_S = 30
ROUNDS = 5
"""Rounds of work and of none, in turns: other programs disturb such short work."""


@dataclass(frozen=True)
class Figures:
    """All measured figures."""

    set_per_s: float
    playing_share: float
    """Share of one core that the whole app uses while it plays without requests."""
    set_share: float
    """Additional share while values are set."""
    loop_share: float
    """Part of `set_share` that the main thread uses."""
    answer_ms: float
    """Longest time until the answer to a `set`."""
    status_ms: tuple[float, float]
    """Time until the answer to a `status` meanwhile: median, and 99th percentile."""
    saves_per_s: float
    """How often the state file was written meanwhile."""
    files_per_s: float
    """How often any file was written, including protocols."""
    tracker_ms_per_s: tuple[float, float]
    """Additional processor time of the app, in ms a second, while 100 poses a second come from the
    bridge: median, and least of the rounds."""
    head_ms_per_s: tuple[float, float]
    """The same while they come to the control socket."""
    tap_ms_per_s: tuple[float, float]
    """The same while a client reads all samples of the input and of the output."""
    tapped_frames: int
    """Mean number of frames in one answer."""
    lost_frames: int
    """Frames that this client missed."""
    xruns: int
    one_watcher_share: float
    """Share of one core for one watcher."""
    ten_watchers_share: float

    @property
    def watchers_ratio(self) -> float:
        """Cost of ten watchers, relative to one."""
        return self.ten_watchers_share / self.one_watcher_share


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="length of each measurement")
    parser.add_argument("--rate", type=int, default=1000, help="`set` requests per second")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        PipeWireSandbox() as server,
    ):
        processes.move_to(server.environment, folder)
        with (
            processes.sinks() as has_sink,
            processes.started(ENTRAIN, {"sink": lambda: has_sink("entrain")}) as program,
            processes.playing("entrain"),
        ):
            figures = _measured(program.process.pid, Path(folder) / "entrain", options)
    _print(figures)
    if options.json:
        options.json.write_text(json.dumps(asdict(figures), indent=2) + "\n")
    return 0


def _measured(pid: int, folder: Path, options: argparse.Namespace) -> Figures:
    path = folder / SOCKET_NAME
    time.sleep(2)

    def share(work: Callable[[], object]) -> tuple[float, float]:
        """Return the share of a core that the app and its main thread use meanwhile."""
        before, loop_before, began_s = processes.cpu_ns(pid), _loop_ns(pid), time.monotonic()
        work()
        lasted_ns = 1e9 * (time.monotonic() - began_s)
        return (
            (processes.cpu_ns(pid) - before) / lasted_ns,
            (_loop_ns(pid) - loop_before) / lasted_ns,
        )

    playing, loop = share(lambda: time.sleep(options.seconds))
    with Counter(folder) as counter:
        setting, loop_setting = share(lambda: _drag(path, options.seconds, options.rate))
    took_s = list(_taken)
    with _elsewhere(_ask, path) as asked:
        _drag(path, options.seconds, options.rate)
    answered_s = asked()

    others, round_s = _threads(pid), options.seconds / 4
    with _tracked(path) as turn:
        tracker = _added(pid, _threads(pid) - others | {pid}, round_s, lambda: _turn(round_s, turn))
    with _headed(path) as turn:
        head = _added(pid, {pid}, round_s, lambda: _turn(round_s, turn))
    taps = Taps(path)
    tap = _added(pid, {pid}, round_s, lambda: taps.read(round_s))
    one, _ = share(lambda: _watch(path, 1, options.seconds))
    ten, _ = share(lambda: _watch(path, WATCHERS, options.seconds))
    with Client(path) as client:
        xruns = client.ask("status")["xruns"]
    cuts = statistics.quantiles(answered_s, n=100)
    return Figures(
        set_per_s=len(took_s) / options.seconds,
        playing_share=playing,
        set_share=setting - playing,
        loop_share=loop_setting - loop,
        answer_ms=1000 * max(took_s),
        status_ms=(1000 * statistics.median(answered_s), 1000 * cuts[98]),
        saves_per_s=counter.saves / options.seconds,
        files_per_s=(counter.saves + counter.protocols) / options.seconds,
        tracker_ms_per_s=tracker,
        head_ms_per_s=head,
        tap_ms_per_s=tap,
        tapped_frames=round(taps.frames / taps.answers),
        lost_frames=taps.lost,
        xruns=xruns,
        one_watcher_share=one - playing,
        ten_watchers_share=ten - playing,
    )


def _loop_ns(pid: int, thread: int | None = None) -> int:
    """Return the processor time of a thread, by default of the main thread."""
    return int(Path(f"/proc/{pid}/task/{thread or pid}/schedstat").read_text().split()[0])


def _threads(pid: int) -> set[int]:
    """Return the threads of a process."""
    return {int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()}


def _added(
    pid: int, threads: set[int], seconds: float, work: Callable[[], None]
) -> tuple[float, float]:
    """Return the threads' additional time during the work, in ms a second: median and least.

    The sound's own threads are left out, since their time varies by more.
    """

    def ms_per_s(work: Callable[[], object]) -> float:
        began_ns, began_s = sum(_loop_ns(pid, each) for each in threads), time.monotonic()
        work()
        ended_ns = sum(_loop_ns(pid, each) for each in threads)
        return (ended_ns - began_ns) / 1e6 / (time.monotonic() - began_s)

    found = []
    for _ in range(ROUNDS):
        still = ms_per_s(lambda: time.sleep(seconds))
        found.append(ms_per_s(work) - still)
    return statistics.median(found), min(found)


_taken: list[float] = []


def _drag(path: Path, seconds: float, rate: int) -> None:
    """Set a value regularly; record how long each answer took."""
    _taken.clear()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        answers = client.makefile("rb")
        sent_s: list[float] = []
        count = round(seconds * rate)

        def read() -> None:
            for number in range(count):
                assert json.loads(answers.readline())["ok"]
                _taken.append(time.monotonic() - sent_s[number])

        reading = threading.Thread(target=read)
        reading.start()
        began_s = time.monotonic()
        for number in range(count):
            time.sleep(max(0.0, began_s + number / rate - time.monotonic()))
            value = 5 + number % 1000 / 100
            line = f'{{"command": "set", "values": {{"tone.beat_hz": {value}}}}}\n'
            sent_s.append(time.monotonic())
            client.sendall(line.encode())
        reading.join()


@contextmanager
def _elsewhere(work: Callable[..., None], path: Path) -> Iterator[Callable[[], list[float]]]:
    """Run work in another process until the end of the block; yield a function for its result."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(path, theirs))
    process.start()
    ours.recv()  # the process is ready
    found: list[float] = []
    yield lambda: found
    ours.send(None)
    found += ours.recv()
    process.join()


def _ask(path: Path, other: "multiprocessing.connection.Connection") -> None:
    """Ask for the status until the end; send how long each answer took."""
    took_s = []
    with Client(path) as client:
        client.ask("status")
        other.send(None)
        while not other.poll(ASK_S):
            began_s = time.monotonic()
            client.ask("status")
            took_s.append(time.monotonic() - began_s)
    other.send(took_s)


def _turn(seconds: float, turn: Callable[[float], None]) -> None:
    """Turn the head at a steady rate."""
    began_s = time.monotonic()
    for number in range(round(seconds * POSES_PER_S)):
        time.sleep(max(0.0, began_s + number / POSES_PER_S - time.monotonic()))
        turn(math.sin(number / 20))


@contextmanager
def _tracked(path: Path) -> Iterator[Callable[[float], None]]:
    """Let the bridge run; yield a function that turns the head to an angle, in rad."""
    with Client(path) as client, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        client.ask("tracking", on=True)
        while 4242 not in client.ask("status")["head"]["listening"]:
            time.sleep(0.05)

        def turn(angle: float) -> None:
            packet = struct.pack("<6d", 0, 0, 0, math.degrees(angle), 0, 0)
            sender.sendto(packet, ("127.0.0.1", 4242))

        yield turn
        assert client.ask("status")["head"]["packets_per_s"] > 0.9 * POSES_PER_S
        client.ask("tracking", on=False)


@contextmanager
def _headed(path: Path) -> Iterator[Callable[[float], None]]:
    """Connect to the control socket; yield a function that turns the head to an angle, in rad."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))

        def turn(angle: float) -> None:
            w, z = math.cos(angle / 2), math.sin(angle / 2)
            client.sendall(
                f'{{"command":"head","w":{w:.7f},"x":0.0,"y":0.0,"z":{z:.7f}}}\n'.encode()
            )

        yield turn
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            raise AssertionError(client.recv(1000))  # only a refused pose has an answer


class Taps:
    """A client that reads all samples, as a page with graphs does."""

    def __init__(self, path: Path) -> None:
        self.frames = 0
        self.answers = 0
        self.lost = 0
        self._path = path

    def read(self, seconds: float) -> None:
        """Read for a time, beginning with the newest samples."""
        first, until_s = None, time.monotonic() + seconds
        with Client(self._path) as client:
            for sound in client.follow_samples(1 / TAPS_PER_S):
                self.lost += sound.first - (first or sound.first)
                first = sound.first + sound.frames
                self.frames += sound.frames
                self.answers += 1
                if time.monotonic() > until_s:
                    return


def _watch(path: Path, count: int, seconds: float) -> None:
    """Let clients watch the status for a time."""
    clients = []
    for _ in range(count):
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(path))
        client.sendall(f'{{"command": "watch", "interval_s": {WATCH_S}}}\n'.encode())
        clients.append(client)
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        for client in select.select(clients, [], [], left_s)[0]:
            client.recv(1 << 20)
    for client in clients:
        client.close()


class Counter:
    """Counts how often the state file and the folder of protocols beside it change.

    A replaced file counts as a change.  The app writes less often than this polls.
    """

    def __init__(self, folder: Path) -> None:
        self.saves = 0
        self.protocols = 0
        self._file = folder / "state.json"
        self._protocols = folder / "state-protocols"
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Counter":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        before = self._look()
        while not self._end.wait(0.01):
            now = self._look()
            self.saves += now[0] != before[0]
            self.protocols += len(now[1] - before[1])
            before = now

    def _look(self) -> tuple[tuple[int, int], frozenset[str]]:
        state = self._file.stat()
        names = frozenset(path.name for path in self._protocols.glob("*.json"))
        return (state.st_ino, state.st_mtime_ns), names


def _print(found: Figures) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"controlling a playing Entrain: {found.set_per_s:.0f} `set` a second")
    for title in ("", "Entrain", "target"):
        table.add_column(title, justify="right" if title else "left")
    table.add_row("share of one core while it plays", f"{found.playing_share:.1%}")
    table.add_row("  more while values are set", f"{found.set_share:.1%}", "≤ 10 %")
    table.add_row("  main thread alone", f"{found.loop_share:.1%}")
    table.add_row("longest answer to `set`, ms", f"{found.answer_ms:.1f}")
    table.add_row("`status` meanwhile, ms: median", f"{found.status_ms[0]:.1f}", "≤ 5")
    table.add_row("  99 of 100", f"{found.status_ms[1]:.1f}")
    table.add_row("state written, times a second", f"{found.saves_per_s:.1f}", "≤ 2")
    table.add_row("  with protocols beside it", f"{found.files_per_s:.1f}")
    for name, (median, least), target in (
        ("of a tracker", found.tracker_ms_per_s, "≤ 5"),
        ("at the socket", found.head_ms_per_s, ""),
    ):
        figures = f"{median:.1f} ({least:.1f})"
        table.add_row(f"{POSES_PER_S} poses a second {name}, ms/s", figures, target)
    median, least = found.tap_ms_per_s
    name = f"{TAPS_PER_S} `tap` of {found.tapped_frames} frames a second, ms/s"
    table.add_row(name, f"{median:.1f} ({least:.1f})", "≤ 10")
    table.add_row("  frames that were lost", str(found.lost_frames), "0")
    table.add_row("xruns", str(found.xruns), "0")
    table.add_row(f"one watcher, every {WATCH_S:g} s", f"{found.one_watcher_share:.2%}")
    table.add_row(f"  {WATCHERS} watchers, one = 1", f"{found.watchers_ratio:.2f}", "< 2")
    Console().print(table)


if __name__ == "__main__":
    if not shutil.which("pipewire"):
        sys.exit("bench: pipewire is missing (Debian: pipewire)")
    sys.exit(main())
