"""Measures outside control: how soon a message is heard at the device, and what a flood does.

Usage: PYTHONPATH=tests:tests/device python bench/outside.py [--changes N] [--seconds N]

Runs on a private PipeWire while a player whispers, since there is no tone without an input.  Each
change turns a tone on or off: by turns at the control socket, by OSC, and by a MIDI knob (through a
private JACK server, if jackd and python-rtmidi are there).  A recorder at the device tells when the
tone's level has changed; its own delay is the same for all.  Then 5,000 OSC packets and 1,000
movements of the knob arrive each second.  For comparison the same is sent before while OSC and MIDI
are off, since what sends it here would be another machine's work in a room.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import osc_packets
import processes

from entrain.platform.sandbox_pipewire import PipeWireSandbox
from entrain.vdevice.api.client import SOCKET_NAME, Client

ENTRAIN = [*processes.ENTRAIN, "run", "--headless", "--layer", f"tone={processes.LAYER}"]
ADDRESS = "tone.amount"
NUMBER = 20
"""MIDI controller of the knob."""
PACKETS_PER_S, TURNS_PER_S = 5000, 1000
ASK_S = 0.05
_HEARD_S = 2.0
_WINDOW = 64
TARGET_RATIO = 1.5


@dataclass(frozen=True)
class Figures:
    """All measured figures."""

    heard_ms: dict[str, tuple[float, float]]
    """Time until a change is heard, by way: median and 95th percentile."""
    xruns: tuple[int, int]
    """Gaps in the sound while the flood is not heard, and while it is, in the same time."""
    status_ms: tuple[float, float]
    """Time of an answer to `status` during the flood: 99th percentile and longest."""
    app_pss_mb: tuple[float, float]
    """Memory of the app before and after the flood."""
    bridge_pss_mb: tuple[float, float]
    """The same of both bridges, without the memory of the JACK server that MIDI's shares."""
    saves_per_s: float
    packets: int
    messages: int


class Recorder:
    """Follows the level at the device; a context manager."""

    def __init__(self, device: str) -> None:
        self.levels: list[tuple[float, float]] = []
        """Time of arrival and level of each window."""
        self._process = subprocess.Popen(
            ["parec", f"--device={device}.monitor", "--raw", "--format=float32le", "--channels=2",
             f"--rate={processes.RATE_HZ}", "--latency-msec=2"],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> "Recorder":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._thread.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as sound:
            while len(content := sound.read(8 * _WINDOW)) == 8 * _WINDOW:
                left = np.frombuffer(content, "<f4")[::2]  # both ears together would beat
                level = float(np.sqrt(np.mean(np.square(left))))
                self.levels.append((time.monotonic(), level))

    def level(self) -> float:
        """Return the level of the last tenth of a second."""
        return statistics.median(level for _, level in self.levels[-75:])

    def crossed_s(self, since_s: float, threshold: float, up: bool) -> float | None:
        """Wait until the level has crossed the threshold; returns when that was."""
        seen = len(self.levels)
        while time.monotonic() < since_s + _HEARD_S:
            for at_s, level in self.levels[seen:]:
                seen += 1
                if at_s > since_s and (level > threshold) == up:
                    return at_s
            time.sleep(0.002)
        return None


Send = Callable[[float], object]


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=100, help="changes by each way")
    parser.add_argument("--seconds", type=float, default=60, help="length of the flood")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        PipeWireSandbox() as server,
        ExitStack() as opened,
    ):
        processes.move_to(server.environment, folder)
        knob = opened.enter_context(_knob(Path(folder)))
        with (
            processes.sinks() as has_sink,
            processes.started(ENTRAIN, {"sink": lambda: has_sink("entrain")}) as program,
            _whispering("entrain"),
            Client(Path(folder) / "entrain" / SOCKET_NAME) as client,
        ):
            processes.force_quantum()
            time.sleep(2)
            ways = {"control socket": _at_socket(client)}
            packet = opened.enter_context(_osc(client))
            ways["OSC"] = lambda value: packet(f"/entrain/{ADDRESS.replace('.', '/')}", value)
            if knob:
                _map(client)
                ways["MIDI"] = lambda value: knob(round(127 * value))
            with Recorder("speakers") as recorder:
                heard = _heard(recorder, ways, options.changes)
            figures = _flooded(program.process.pid, client, packet, knob, heard, options.seconds)
    _print(figures)
    if options.json:
        options.json.write_text(json.dumps(asdict(figures), indent=2) + "\n")
    return 0


@contextmanager
def _whispering(sink: str) -> Iterator[None]:
    """Play noise at -50 dBFS to the sink."""
    second = (
        np.random.default_rng(1).normal(0, 0.003, (processes.RATE_HZ, 2)).astype("<f4").tobytes()
    )
    player = subprocess.Popen(
        ["pacat", "--raw", "--format=float32le", f"--rate={processes.RATE_HZ}", "--channels=2",
         f"--device={sink}", "--latency-msec=100"],
        stdin=subprocess.PIPE,
    )  # fmt: skip

    def feed() -> None:
        assert player.stdin is not None
        with contextlib.suppress(OSError), player.stdin as sound:
            while True:
                sound.write(second)

    threading.Thread(target=feed, daemon=True).start()
    try:
        yield
    finally:
        player.terminate()
        player.wait()


# ---- the ways ----------------------------------------------------------------------------------


def _at_socket(client: Client) -> Send:
    return lambda value: client.set_values({ADDRESS: value}, 0.02)


@contextmanager
def _osc(client: Client) -> Iterator[Callable[[str, float], object]]:
    """Switch OSC on; yield a function that sends a number to an address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    client.ask("osc", on=True, port=port)
    _wait_for(lambda: client.ask("status")["osc"]["listening"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        yield lambda address, value: sender.sendto(
            osc_packets.message(address, value), ("127.0.0.1", port)
        )


@contextmanager
def _knob(folder: Path) -> Iterator[Callable[[int], object] | None]:
    """Plug a knob into a private JACK server; yield a function that turns it, or None without."""
    try:
        from midi_desk import JackServer, Knobs
    except BaseException:  # pytest's skip, where python-rtmidi is missing
        yield None
        return
    if not shutil.which("jackd"):
        yield None
        return
    server = JackServer(folder)
    os.environ["JACK_DEFAULT_SERVER"] = server.name  # Entrain inherits it
    with server:
        knobs = Knobs()
        yield lambda value: knobs.turn(NUMBER, value)
        knobs.unplug()


def _map(client: Client) -> None:
    """Let the knob change the tone from 0 to 1, without meeting the value first."""
    client.ask("midi", on=True, system="jack")
    _wait_for(lambda: client.ask("status")["midi"]["devices"])
    device = client.ask("status")["midi"]["devices"][0]
    mapping = {"device": device, "kind": "cc", "channel": 1, "number": NUMBER, "target": ADDRESS}
    client.ask("midi_map", mappings=[{**mapping, "pickup": False}])


def _wait_for(holds: Callable[[], object]) -> None:
    until_s = time.monotonic() + 20
    while not holds():
        if time.monotonic() > until_s:
            raise SystemExit("bench: outside control does not begin")
        time.sleep(0.05)


# ---- how soon ----------------------------------------------------------------------------------


def _heard(
    recorder: Recorder, ways: dict[str, Send], changes: int
) -> dict[str, tuple[float, float]]:
    set_value = ways["control socket"]
    levels = []
    for value in (1.0, 0.0):
        set_value(value)
        time.sleep(1)
        levels.append(recorder.level())
    threshold = levels[0] / 4
    if levels[1] > threshold / 2:
        raise SystemExit("bench: the tone does not end")
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(changes * len(ways)):
        name = list(ways)[number % len(ways)]
        up = number % 2 == 0
        time.sleep(random.uniform(0.15, 0.25))
        sent_s = time.monotonic()
        ways[name](float(up))
        at_s = recorder.crossed_s(sent_s, threshold, up)
        if at_s is None:
            raise SystemExit(f"bench: a change by {name} was not heard")
        found[name].append(1000 * (at_s - sent_s))
    return {
        name: (statistics.median(each), statistics.quantiles(each, n=20)[18])
        for name, each in found.items()
    }


# ---- the flood -----------------------------------------------------------------------------------


def _flooded(
    app: int,
    client: Client,
    packet: Callable[[str, float], object],
    knob: Callable[[int], object] | None,
    heard_ms: dict[str, tuple[float, float]],
    seconds: float,
) -> Figures:
    client.ask("osc", on=False)
    client.ask("midi", on=False)
    _wait_for(lambda: not _bridges(app))
    with _flood(packet, knob):
        unheard_xruns = _xruns(client)
        time.sleep(seconds)
        unheard_xruns = _xruns(client) - unheard_xruns

    client.ask("osc", on=True)
    _wait_for(lambda: client.ask("status")["osc"]["listening"])
    if knob:
        client.ask("midi", on=True)
        _wait_for(lambda: client.ask("status")["midi"]["devices"])
    bridges = _bridges(app)
    time.sleep(2)
    before = client.ask("status")
    pss_mb = processes.pss_mb(app), sum(map(_own_pss_mb, bridges))
    environment = Path(f"/proc/{app}/environ").read_bytes().split(b"\0")
    state_home = dict(each.split(b"=", 1) for each in environment if each)[b"XDG_STATE_HOME"]
    state = Path(state_home.decode()) / "entrain" / "state.json"
    took_s, saves, saved = [], 0, state.stat().st_mtime_ns
    with _flood(packet, knob):
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            began_s = time.monotonic()
            client.ask("status")
            took_s.append(time.monotonic() - began_s)
            time.sleep(ASK_S)
            now = state.stat().st_mtime_ns
            saves, saved = saves + (now != saved), now
    after = client.ask("status")
    return Figures(
        heard_ms=heard_ms,
        xruns=(unheard_xruns, after["xruns"] - before["xruns"]),
        status_ms=(1000 * statistics.quantiles(took_s, n=100)[98], 1000 * max(took_s)),
        app_pss_mb=(pss_mb[0], processes.pss_mb(app)),
        bridge_pss_mb=(pss_mb[1], sum(map(_own_pss_mb, bridges))),
        saves_per_s=saves / seconds,
        packets=after["osc"]["packets"] - before["osc"]["packets"],
        messages=after["midi"]["messages"] - before["midi"]["messages"],
    )


@contextmanager
def _flood(
    packet: Callable[[str, float], object], knob: Callable[[int], object] | None
) -> Iterator[None]:
    """Send packets and turn the knob while the block runs."""
    ended = threading.Event()
    senders = [threading.Thread(target=_send_packets, args=(packet, ended))]
    if knob:
        senders.append(threading.Thread(target=_turn, args=(knob, ended)))
    for each in senders:
        each.start()
    try:
        yield
    finally:
        ended.set()
        for each in senders:
            each.join()


def _xruns(client: Client) -> int:
    return int(client.ask("status")["xruns"])


def _bridges(app: int) -> list[int]:
    """Return the processes for outside control: one for OSC, and one for MIDI."""
    found = []
    for pid in processes.family(app):
        with contextlib.suppress(OSError):
            if b"entrain.vdevice.bridge" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(int(pid))
    return found


def _own_pss_mb(pid: int) -> float:
    """Return the memory of a process, without the memory of JACK."""
    found_kb, is_own = 0, True
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        name, _, rest = line.partition(" ")
        if not name.endswith(":"):
            is_own = "/dev/shm/jack" not in line
        elif name == "Pss:" and is_own:
            found_kb += int(rest.split()[0])
    return found_kb / 1024


def _send_packets(packet: Callable[[str, float], object], ended: threading.Event) -> None:
    _at_rate(PACKETS_PER_S, ended, lambda n: packet("/entrain/tone/beat_hz", 5 + n % 1000 / 100))


def _turn(knob: Callable[[int], object], ended: threading.Event) -> None:
    _at_rate(TURNS_PER_S, ended, lambda n: knob(n % 128))


def _at_rate(per_s: float, ended: threading.Event, send: Callable[[int], object]) -> None:
    """Call a function at this rate until the end; after a pause it catches up."""
    began_s, number = time.monotonic(), 0
    while not ended.is_set():
        due = int((time.monotonic() - began_s) * per_s)
        for each in range(number, due):
            with contextlib.suppress(OSError):
                send(each)
        number = due
        time.sleep(0.002)


def _print(found: Figures) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="outside control while music plays: from a change until it is heard")
    for title in ("", "Entrain", "target"):
        table.add_column(title, justify="right" if title else "left")
    direct = found.heard_ms["control socket"][1]
    for name, (median, late) in found.heard_ms.items():
        table.add_row(f"by {name}, ms: median", f"{median:.1f}")
        limit = "" if name == "control socket" else f"≤ {TARGET_RATIO * direct:.1f}"
        table.add_row("  95 of 100", f"{late:.1f}", limit)
    rows = (
        (
            "xruns in a flood while both are off, and on",
            "{} and {}".format(*found.xruns),
            "no more",
        ),
        ("  `status` meanwhile, ms: 99 of 100", f"{found.status_ms[0]:.1f}", ""),
        ("    longest", f"{found.status_ms[1]:.1f}", "≤ 50"),
        ("  memory (PSS) of the app, MB", "{:.1f} → {:.1f}".format(*found.app_pss_mb), "flat"),
        ("  of both bridges", "{:.1f} → {:.1f}".format(*found.bridge_pss_mb), "≤ 40, flat"),
        ("  state written, times a second", f"{found.saves_per_s:.1f}", "≤ 2"),
        ("  OSC packets and MIDI messages", f"{found.packets} and {found.messages}", ""),
    )
    for row in rows:
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    if not shutil.which("pipewire"):
        sys.exit("bench: pipewire is missing (Debian: pipewire)")
    sys.exit(main())
