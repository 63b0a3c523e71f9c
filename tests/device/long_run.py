"""Plays minutes or hours of sound through Entrain and examines each second of it.

Usage: PYTHONPATH=tests python tests/device/long_run.py [--minutes N]
           [--server pipewire|pulse] [--streams N] [--json FILE]

A steady tone is played to Entrain, which adds two tones.  At the start, 50 other players play at
once; later, 200 players a minute open and close streams.  In parallel, the same tone goes to
another device through the sound server's own loopback, which does as little as possible.  If the
loopback has gaps too, the machine was late, not Entrain.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import app
import numpy as np
import soundlab
from lab_servers import LabPipeWire, LabPulse, LabServer

from entrain.platform.sandbox import VirtualDevice

SERVERS: dict[str, type[LabServer]] = {"pipewire": LabPipeWire, "pulse": LabPulse}
SINKS = ("entrain", "loopback")
RATE_HZ = soundlab.RATE_HZ
BLOCK_FRAMES = RATE_HZ // 10
INPUT_HZ = 100.0  # low, so that matching two clocks changes its phase only a little
TONES_HZ = ([INPUT_HZ, 405.0], [INPUT_HZ, 395.0])
LAYER = "binaural:carrier_hz=400,beat_hz=10,floor_db=-26,ceiling_db=-26"
PLAYER_MS = RECORDER_MS = 500
"""So long that the player and the recorder are hardly ever late themselves."""
WARM_UP_S = 10.0
STREAMS_PER_MINUTE = 200
CLICK = 10 ** (-50 / 20)
"""A sample that differs by more than this from the sum of the tones is a click."""


@dataclass
class Heard:
    """The recording of one device, second by second."""

    seconds: int = 0
    breaks: list[int] = field(default_factory=list)
    """The seconds, counted from the start, in which a tone changed or a click was heard."""
    worst_db: float = -200.0
    """The largest sample after the tones are subtracted, in seconds without a break."""


@dataclass
class Result:
    """The result of a run."""

    server: str
    entrain: Heard
    loopback: Heard
    streams: int
    """The number of streams that other players opened and closed during the run."""
    memory_kb: list[int] = field(default_factory=list)
    """The anonymous memory of Entrain's process, every five seconds."""
    latency_ms: list[float] = field(default_factory=list)
    xruns: int = 0
    state: str = ""

    @property
    def is_unbroken(self) -> bool:
        """Whether Entrain has no more gaps than the machine causes by itself.

        The machine's delays hit both paths, but at different moments.  So up to twice as many gaps
        plus three are accepted: a fault of Entrain itself would come again and again.
        """
        return len(self.entrain.breaks) <= 2 * len(self.loopback.breaks) + 3

    @property
    def memory_growth_kb(self) -> int:
        """The growth from the first third of the run to the last third."""
        third = max(1, len(self.memory_kb) // 3)
        return int(np.median(self.memory_kb[-third:]) - np.median(self.memory_kb[:third]))


def run(
    kind: str,
    seconds: float,
    meet: Callable[[], object] = lambda: None,
    streams_per_minute: int = STREAMS_PER_MINUTE,
) -> Result:
    """Play for that long.  `HOME` and the XDG folders must be private to the test.

    `meet` is called when everything plays, so that parallel runs can wait for each other.
    """
    devices = (VirtualDevice("speakers", "Speakers", 1000), VirtualDevice("other", "Other", 900))
    with ExitStack() as stack:
        server = stack.enter_context(SERVERS[kind](devices))
        environment = server.environment
        runtime = stack.enter_context(tempfile.TemporaryDirectory(prefix="run-", dir="/tmp"))
        if kind == "pipewire":  # then the sound survives a machine that stands still for 0.1 s
            soundlab.force_quantum(environment, 8192)
        mine = {**environment, "XDG_STATE_HOME": runtime}
        if "XDG_RUNTIME_DIR" not in environment:
            mine["XDG_RUNTIME_DIR"] = runtime
        entrain = stack.enter_context(
            app.running(mine, "--layer", LAYER, "--output", "speakers", *app.PATIENT[kind])
        )
        stack.enter_context(_loopback(server))
        for sink in SINKS:
            stack.enter_context(_tone(environment, sink))
        soundlab.wait_until(lambda: entrain.status()["state"] == "processing", 10, "it plays")
        _crowd(environment)
        meet()
        time.sleep(WARM_UP_S)
        end_s = time.monotonic() + seconds
        listeners = [
            _Listener(stack, environment, "speakers", TONES_HZ, end_s),
            _Listener(stack, environment, "other", ([INPUT_HZ], [INPUT_HZ]), end_s),
        ]
        streams = _Passers(environment, streams_per_minute, end_s)
        result = Result(kind, listeners[0].heard, listeners[1].heard, 0)
        while time.monotonic() < end_s:
            result.memory_kb.append(memory_kb(entrain.pid))
            status = entrain.status()
            result.latency_ms.append(status["latency"]["added_ms"])
            result.state, result.xruns = status["state"], status["xruns"]
            time.sleep(max(0.0, min(5.0, end_s - time.monotonic())))
        for listener in listeners:
            listener.join()
        result.streams = streams.join()
    return result


class _Listener:
    """Records a device and compares each second with the previous second."""

    def __init__(
        self,
        stack: ExitStack,
        environment: Mapping[str, str],
        device: str,
        tones_hz: tuple[list[float], list[float]],
        end_s: float,
    ) -> None:
        self.heard = Heard()
        self._recorder = stack.enter_context(
            soundlab.recording(environment, device, latency_ms=RECORDER_MS)
        )
        self._fits = [_Fit(tones) for tones in tones_hz]
        self._end_s = end_s
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def join(self) -> None:
        """Wait for the end.  Raises the exception of the thread, if any."""
        self._thread.join()
        if self._error:
            raise self._error

    def _run(self) -> None:
        try:
            self._recorder.take(1.0)  # the recording begins with silence
            while time.monotonic() < self._end_s:
                second = self._recorder.take(1.0).reshape(-1, BLOCK_FRAMES, 2)
                parts = [fit.take(b[:, ear]) for b in second for ear, fit in enumerate(self._fits)]
                rest = max(peak for _, peak in parts)
                if any(moved for moved, _ in parts) or rest > CLICK:
                    self.heard.breaks.append(self.heard.seconds)
                else:
                    self.heard.worst_db = max(self.heard.worst_db, 20 * np.log10(rest + 1e-10))
                self.heard.seconds += 1
        except BaseException as error:
            self._error = error


class _Fit:
    """Tones fitted to one ear's sound, block by block."""

    def __init__(self, tones_hz: list[float]) -> None:
        phase = 2 * np.pi * np.arange(BLOCK_FRAMES) / RATE_HZ
        waves = [wave(hz * phase) for hz in tones_hz for wave in (np.cos, np.sin)]
        self._matrix = np.stack([np.ones(BLOCK_FRAMES), *waves], axis=1)
        self._solver = np.linalg.pinv(self._matrix)
        self._turn = np.exp(2j * np.pi * np.array(tones_hz) * BLOCK_FRAMES / RATE_HZ)
        self._before: np.ndarray | None = None

    def take(self, block: np.ndarray) -> tuple[bool, float]:
        """Return whether a tone has changed, and the largest sample after subtracting the tones."""
        fitted = self._solver @ block
        rest = float(np.max(np.abs(block - self._matrix @ fitted)))
        now = fitted[1::2] - 1j * fitted[2::2]
        expected, self._before = self._before, now * self._turn
        if expected is None:
            return False, rest
        # When two clocks are matched, the input's pitch may be off by 1.5 per mille.
        allowed = np.where(np.arange(len(now)) == 0, 0.2, 0.02)
        return bool(np.any(np.abs(now - expected) > allowed * np.abs(expected))), rest


class _Passers:
    """Players of silence that come and go."""

    def __init__(self, environment: Mapping[str, str], per_minute: int, end_s: float) -> None:
        self._environment = environment
        self._per_minute = per_minute
        self._end_s = end_s
        self._count = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def join(self) -> int:
        """Wait for the end; returns the number of streams."""
        self._thread.join()
        return self._count

    def _run(self) -> None:
        if not self._per_minute:
            return
        began_s, pace_s = time.monotonic(), 60 / self._per_minute
        with _silence(0.1) as silence:
            playing: deque[subprocess.Popen[bytes]] = deque()
            while time.monotonic() < self._end_s - 1:
                # Both sinks get the same players, so that they differ only in Entrain.
                playing.extend(_silent_player(self._environment, silence, sink) for sink in SINKS)
                self._count += 1
                while playing and (len(playing) > 20 or playing[0].poll() is not None):
                    playing.popleft().wait(30)
                time.sleep(max(0.0, began_s + self._count * pace_s - time.monotonic()))
            for player in playing:
                player.wait(30)


def _crowd(environment: Mapping[str, str]) -> None:
    """Play 50 streams at once."""
    with _silence(3) as silence:
        for player in [_silent_player(environment, silence, "entrain") for _ in range(50)]:
            player.wait(60)


@contextmanager
def _silence(seconds: float) -> Iterator[str]:
    """Make a file of silence."""
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(round(seconds * RATE_HZ) * 8)
        yield file.name


def _silent_player(
    environment: Mapping[str, str], file: str, sink: str
) -> "subprocess.Popen[bytes]":
    with open(file, "rb") as silence:
        return subprocess.Popen(
            _pacat(sink, 200),
            env={**os.environ, **environment},
            stdin=silence,
            stderr=subprocess.DEVNULL,
        )


def _pacat(sink: str, latency_ms: int) -> list[str]:
    return [
        *("pacat", "--playback", "--raw", "--format=float32le", "--channels=2"),
        *(f"--device={sink}", f"--rate={RATE_HZ}", f"--latency-msec={latency_ms}"),
    ]


@contextmanager
def _loopback(server: LabServer) -> Iterator[None]:
    """Make a sink whose sound the server, or its own tool, plays on the other device."""
    if server.kind == "pulse":
        sink = ["module-null-sink", "sink_name=loopback", "norewinds=1"]
        way = ["source=loopback.monitor", "sink=other", "latency_msec=200", "sink_dont_move=true"]
        for module in (sink, ["module-loopback", *way]):
            soundlab.run(server.environment, "pactl", "load-module", *module)
        yield
        return
    capture = "media.class=Audio/Sink node.name=loopback audio.position=[FL,FR]"
    playback = "node.passive=true target.object=other node.target=other"
    process = subprocess.Popen(
        ["pw-loopback", f"--capture-props={capture}", f"--playback-props={playback}"],
        env={**os.environ, **server.environment},
    )
    try:
        soundlab.wait_until(
            lambda: "loopback" in soundlab.sink_states(server.environment), 10, "the loopback"
        )
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def _tone(environment: Mapping[str, str], sink: str) -> Iterator[None]:
    """Play a tone until the end of the block."""
    player = subprocess.Popen(
        _pacat(sink, PLAYER_MS), env={**os.environ, **environment}, stdin=subprocess.PIPE
    )
    assert player.stdin
    block = soundlab.sine(INPUT_HZ, 0.5, 0.25).tobytes()

    def feed() -> None:
        try:
            while True:
                player.stdin.write(block)
        except (BrokenPipeError, ValueError):  # the player has been stopped
            pass

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    try:
        yield
    finally:
        player.kill()
        player.wait()
        thread.join(5)
        with suppress(BrokenPipeError):  # the player has not read the last bytes
            player.stdin.close()


def memory_kb(pid: int) -> int:
    """Return the size of the process's anonymous pages."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1])
    raise AssertionError("no figure for the memory")


def describe(result: Result) -> str:
    """Return the result as text."""

    def heard(name: str, one: Heard) -> str:
        where = f" at {', '.join(map(str, one.breaks[:10]))} s" if one.breaks else ""
        return (
            f"{name:9} {one.seconds} s, {len(one.breaks)} with a gap or click{where}; "
            f"rest at most {one.worst_db:.0f} dBFS"
        )

    latency = result.latency_ms
    return "\n".join(
        [
            f"-- {result.server}",
            heard("Entrain", result.entrain),
            heard("loopback", result.loopback),
            f"streams opened: {result.streams} on each; {result.state}",
            f"added delay {min(latency):.2f} to {max(latency):.2f} ms; xruns {result.xruns}; "
            f"memory {result.memory_kb[0]} kB, grown by {result.memory_growth_kb} kB",
        ]
    )


def main() -> int:
    """Run, print the results, and fail if only Entrain had gaps or its memory grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--server", choices=SERVERS, action="append")
    parser.add_argument(
        "--streams", type=int, default=STREAMS_PER_MINUTE, help="streams to open and close a minute"
    )
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory(prefix="home-", dir="/tmp") as home:
        for name in ("RUNTIME_DIR", "STATE_HOME", "CONFIG_HOME", "CACHE_HOME", "DATA_HOME"):
            os.environ[f"XDG_{name}"] = home
        os.environ["HOME"] = home
        for kind in options.server or SERVERS:
            results.append(run(kind, 60 * options.minutes, streams_per_minute=options.streams))
            print(describe(results[-1]), flush=True)
    if options.json:
        options.json.write_text(json.dumps([asdict(result) for result in results], indent=2))
    return int(not all(r.is_unbroken and r.memory_growth_kb < 1024 for r in results))


if __name__ == "__main__":
    sys.exit(main())
