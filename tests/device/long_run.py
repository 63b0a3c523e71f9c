"""Minutes or hours of sound through Entrain, with every second of it looked at.

Usage: PYTHONPATH=tests python tests/device/long_run.py [--minutes N]
           [--server pipewire|pulse] [--streams N] [--json FILE]

A steady tone is played to Entrain, which adds two of its own, while other programs open and
close streams, 200 a minute; before that, 50 play at once.  Beside it the same tone goes to
another device through the sound server's own loopback, which does the least that can be done on
that way: where that has gaps too, the machine was late, and not Entrain.
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
PROGRAMME_HZ = 100.0  # low: its phase turns by little where two clocks are matched
TONES_HZ = ([PROGRAMME_HZ, 405.0], [PROGRAMME_HZ, 395.0])
LAYER = "binaural:carrier_hz=400,beat_hz=10,floor_db=-26,ceiling_db=-26"
PLAYER_MS = RECORDER_MS = 500
"""Long enough that the programs which play and record are hardly ever late themselves."""
WARM_UP_S = 10.0
STREAMS_PER_MINUTE = 200
CLICK = 10 ** (-50 / 20)
"""A sample further than this from what the tones make is a click."""


@dataclass
class Heard:
    """What became of one tone."""

    seconds: int = 0
    breaks: list[int] = field(default_factory=list)
    """Seconds since the start in which the sound was not what it was before."""
    worst_db: float = -200.0
    """The largest sample beside the tones, where there was no break."""


@dataclass
class Result:
    """What a run has shown."""

    server: str
    entrain: Heard
    loopback: Heard
    streams: int
    """Opened and closed meanwhile by other programs."""
    memory_kb: list[int] = field(default_factory=list)
    """Of Entrain's process, resident and its own, every five seconds."""
    latency_ms: list[float] = field(default_factory=list)
    xruns: int = 0
    state: str = ""

    @property
    def is_unbroken(self) -> bool:
        """Whether Entrain has no more gaps than its surroundings make by themselves.

        Both ways meet the same late machine, but not in the same moments: so twice as many, and
        three, are no sign of anything; a fault of Entrain's own comes again and again.
        """
        return len(self.entrain.breaks) <= 2 * len(self.loopback.breaks) + 3

    @property
    def memory_growth_kb(self) -> int:
        """From the first third of the run to its last one."""
        third = max(1, len(self.memory_kb) // 3)
        return int(np.median(self.memory_kb[-third:]) - np.median(self.memory_kb[:third]))


def run(
    kind: str,
    seconds: float,
    meet: Callable[[], object] = lambda: None,
    streams_per_minute: int = STREAMS_PER_MINUTE,
) -> Result:
    """Play for that long; needs `HOME` and the XDG folders to be a test's own.

    `meet` is called when all has begun, for runs at the same time to wait for each other.
    """
    devices = (VirtualDevice("speakers", "Speakers", 1000), VirtualDevice("other", "Other", 900))
    with ExitStack() as stack:
        server = stack.enter_context(SERVERS[kind](devices))
        environment = server.environment
        runtime = stack.enter_context(tempfile.TemporaryDirectory(prefix="run-", dir="/tmp"))
        if kind == "pipewire":  # a machine that stands still for 0.1 s then breaks nothing
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
            _Listener(stack, environment, "other", ([PROGRAMME_HZ], [PROGRAMME_HZ]), end_s),
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
    """Records a device and compares each second with the one before."""

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
        """Wait for the end; raises what went wrong."""
        self._thread.join()
        if self._error:
            raise self._error

    def _run(self) -> None:
        try:
            self._recorder.take(1.0)  # silent until the recorder is in the device's cycle
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
        """Tell whether a tone has moved, and how large what is beside the tones is."""
        fitted = self._solver @ block
        rest = float(np.max(np.abs(block - self._matrix @ fitted)))
        now = fitted[1::2] - 1j * fitted[2::2]
        expected, self._before = self._before, now * self._turn
        if expected is None:
            return False, rest
        # Where two clocks are matched, the programme's pitch may be 1.5 per mille off.
        allowed = np.where(np.arange(len(now)) == 0, 0.2, 0.02)
        return bool(np.any(np.abs(now - expected) > allowed * np.abs(expected))), rest


class _Passers:
    """Programs that come and go, silently."""

    def __init__(self, environment: Mapping[str, str], per_minute: int, end_s: float) -> None:
        self._environment = environment
        self._per_minute = per_minute
        self._end_s = end_s
        self._count = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def join(self) -> int:
        """Wait for the end; returns how many streams there were."""
        self._thread.join()
        return self._count

    def _run(self) -> None:
        if not self._per_minute:
            return
        began_s, pace_s = time.monotonic(), 60 / self._per_minute
        with _silence(0.1) as silence:
            playing: deque[subprocess.Popen[bytes]] = deque()
            while time.monotonic() < self._end_s - 1:
                # Both devices get them, so that they are alike in all but Entrain.
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
    """Offer a sink from which the server itself, or its own program, plays on the other device."""
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
    """Play a tone without an end."""
    player = subprocess.Popen(
        _pacat(sink, PLAYER_MS), env={**os.environ, **environment}, stdin=subprocess.PIPE
    )
    assert player.stdin
    block = soundlab.sine(PROGRAMME_HZ, 0.5, 0.25).tobytes()

    def feed() -> None:
        try:
            while True:
                player.stdin.write(block)
        except (BrokenPipeError, ValueError):  # it has been stopped
            pass

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    try:
        yield
    finally:
        player.kill()
        player.wait()
        thread.join(5)
        with suppress(BrokenPipeError):  # of what the player has not read any more
            player.stdin.close()


def memory_kb(pid: int) -> int:
    """Return what the process has to itself: its anonymous pages."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1])
    raise AssertionError("no figure for the memory")


def describe(result: Result) -> str:
    """Say it for people."""

    def heard(name: str, one: Heard) -> str:
        where = f" at {', '.join(map(str, one.breaks[:10]))} s" if one.breaks else ""
        return (
            f"{name:9} {one.seconds} s, {len(one.breaks)} with a gap or click{where}; "
            f"else nothing above {one.worst_db:.0f} dBFS"
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
    """Run, say what was found, and fail where Entrain alone broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--server", choices=SERVERS, action="append")
    parser.add_argument(
        "--streams", type=int, default=STREAMS_PER_MINUTE, help="opened and closed a minute"
    )
    parser.add_argument("--json", type=Path, help="write the figures there as well")
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
