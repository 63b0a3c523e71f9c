"""Plays and records on a private sound server and reads its state, without using Entrain."""

import os
import re
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import soundfile
from measure import level_db, phasors

from entrain.platform import processes
from entrain.platform.sandbox import Sandbox

Frames = npt.NDArray[np.float32]
T = TypeVar("T")

RATE_HZ = 48000
STANDSTILL_S = 10.0


def wait_until(condition: Callable[[], T], timeout_s: float, what: str) -> T:
    """Call `condition` until it returns a true value, and return this value."""
    deadline = time.monotonic() + timeout_s
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what}")
        time.sleep(0.02)
    return answer


def sine(
    frequency_hz: float, seconds: float, amplitude: float = 0.5, rate_hz: int = RATE_HZ
) -> Frames:
    """Return a sine, the same on both ears."""
    phase = 2 * np.pi * frequency_hz * np.arange(round(seconds * rate_hz)) / rate_hz
    return np.repeat((amplitude * np.sin(phase)).astype(np.float32)[:, None], 2, axis=1)


@contextmanager
def play(
    environment: Mapping[str, str],
    sound: Frames,
    sink: str = "entrain",
    rate_hz: int = RATE_HZ,
    latency_ms: int = 100,
) -> Iterator[subprocess.Popen[bytes]]:
    """Play (frames, 2) samples to a sink until the end of the block.

    An empty `sink` means the default sink.  With less latency, a busy machine causes gaps.
    """
    with tempfile.TemporaryFile() as file:
        file.write(np.ascontiguousarray(sound, dtype=np.float32).tobytes())
        file.seek(0)
        target = [f"--device={sink}"] if sink else []
        with _running(
            ["pacat", "--playback", "--client-name=player", *target, *_format(rate_hz, latency_ms)],
            environment,
            stdin=file,
        ) as player:
            yield player


class Recorder:
    """A process that records a device's monitor."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        self._descriptor = process.stdout.fileno()

    def take(self, seconds: float, rate_hz: int = RATE_HZ) -> Frames:
        """Return the next frames, (frames, 2).  Fails if no more frames come."""
        missing = round(seconds * rate_hz) * 8
        data = []
        while missing > 0:
            ready, _, _ = select.select([self._descriptor], [], [], STANDSTILL_S)
            assert ready, "the recorder gets no sound"
            data.append(os.read(self._descriptor, missing))
            assert data[-1], "the recording has ended"
            missing -= len(data[-1])
        return np.frombuffer(b"".join(data), dtype=np.float32).reshape(-1, 2)

    def skip_to_now(self, rate_hz: int = RATE_HZ) -> None:
        """Discard the frames that have been recorded but not taken."""
        began = time.monotonic()
        for _ in range(1000):
            self.take(0.05, rate_hz)
            now = time.monotonic()
            if now - began > 0.03:  # take() had to wait for new frames
                return
            began = now
        raise AssertionError("the recording does not catch up with the present")

    def take_unbroken(
        self,
        seconds: int,
        tones_hz: tuple[list[float], list[float]],
        rate_hz: int = RATE_HZ,
        within_s: int = 60,
    ) -> Frames:
        """Return the next frames in which these tones (left, right) have no break, (frames, 2)."""
        return self.take_stretches(seconds, seconds, tones_hz, rate_hz, within_s)[0]

    def take_stretches(
        self,
        seconds: int,
        least_s: int,
        tones_hz: tuple[list[float], list[float]],
        rate_hz: int = RATE_HZ,
        within_s: int = 60,
    ) -> list[Frames]:
        """Return stretches without a break in these tones, `seconds` in total.

        Each stretch lasts at least `least_s`.  On a busy machine, players and recorders sometimes
        miss a deadline.  Then a tone's phase or level differs from a second ago, and a new stretch
        begins.

        Each frequency is a whole number of hertz.  A tone that is off by more than 3 mHz never
        passes.
        """
        stretches: list[Frames] = []
        stretch: list[Frames] = []
        before = None
        for _ in range(within_s):
            second = self.take(1, rate_hz)
            now = np.concatenate(
                [phasors(second[:, ear], tones_hz[ear], rate_hz) for ear in (0, 1)]
            )
            if before is None or np.any(np.abs(now - before) >= 0.02 * np.abs(before)):
                # A break near the end of a second changes it only a little, so leave out the first
                # and the last second.
                if len(stretch) >= least_s + 2:
                    stretches.append(np.concatenate(stretch[1:-1]))
                stretch = []
            stretch.append(second)
            before = now
            missing_s = seconds - sum(map(len, stretches)) // rate_hz
            if len(stretch) >= max(missing_s, least_s) + 2:
                return [*stretches, np.concatenate(stretch[1:-1])]
        raise AssertionError(f"no {seconds} s without a break within {within_s} s")


@contextmanager
def recording(
    environment: Mapping[str, str], device: str, rate_hz: int = RATE_HZ, latency_ms: int = 50
) -> Iterator[Recorder]:
    """Record a device's monitor while the block runs; it has begun when the block begins.

    This keeps the device awake; see `record_passively`.
    """
    # Otherwise the session manager moves the recorder to a new default device's monitor.
    pinned = ["--property=node.dont-reconnect=true", "--property=node.dont-move=true"]
    with _running(
        ["parec", f"--device={device}.monitor", "--client-name=recorder", *pinned]
        + _format(rate_hz, latency_ms),
        environment,
        stdout=subprocess.PIPE,
    ) as process:
        recorder = Recorder(process)
        recorder.take(0.02, rate_hz)
        yield recorder


def record(
    environment: Mapping[str, str], device: str, seconds: float, rate_hz: int = RATE_HZ
) -> Frames:
    """Return the sound of a device's monitor from now on, (frames, 2)."""
    with recording(environment, device, rate_hz) as recorder:
        return recorder.take(seconds, rate_hz)


@contextmanager
def record_passively(
    server: Sandbox, device: str, file: Path, rate_hz: int = RATE_HZ
) -> Iterator[None]:
    """Record into a WAV file without keeping the device awake; the file omits its sleep.

    Read it with `soundfile.read` or `read_wav` after the block.
    """
    name = "passive-recorder"
    if server.kind == "pipewire":
        properties = f"{{ node.name = {name} node.passive = true stream.capture.sink = true }}"
        command = ["pw-record", f"--target={device}", f"--properties={properties}"]
        command += ["--latency=100ms", f"--rate={rate_hz}", "--channels=2", "--format=f32"]
        command += [str(file)]
        links, line = ("pw-link", "--links"), f"|-> {name}:"
    else:
        program = Path(__file__).with_name("passive_recorder.py")
        command = [sys.executable, str(program), f"{device}.monitor", str(rate_hz), str(file)]
        links, line = ("pactl", "list", "source-outputs"), f'application.name = "{name}"'
    with _running(command, server.environment):
        wait_until(file.exists, 5, "the recorder opens its file")
        wait_until(lambda: line in run(server.environment, *links), 10, "the recorder is linked")
        yield


def read_wav(file: Path) -> Frames:
    """Return a file's frames, (frames, 2)."""
    return soundfile.read(file, dtype="float32", always_2d=True)[0]


def sink_states(environment: Mapping[str, str]) -> dict[str, str]:
    """Return each sink's state: RUNNING, IDLE or SUSPENDED."""
    lines = run(environment, "pactl", "list", "short", "sinks").splitlines()
    return {fields[1]: fields[-1] for fields in (line.split("\t") for line in lines)}


def default_sink(environment: Mapping[str, str]) -> str:
    """Return the name of the effective default sink."""
    return run(environment, "pactl", "get-default-sink").strip()


def force_quantum(environment: Mapping[str, str], frames: int) -> None:
    """Force the block size of PipeWire's graph; 0 lets PipeWire choose again."""
    run(environment, "pw-metadata", "-n", "settings", "0", "clock.force-quantum", str(frames))


def force_rate(environment: Mapping[str, str], rate_hz: int) -> None:
    """Force the rate of PipeWire's graph; 0 lets PipeWire choose again."""
    run(environment, "pw-metadata", "-n", "settings", "0", "clock.force-rate", str(rate_hz))


def run(environment: Mapping[str, str], *command: str) -> str:
    """Run one of the sound system's own tools and return what it prints."""
    return subprocess.run(
        command,
        env={**os.environ, **environment, "LC_ALL": "C"},
        capture_output=True,
        timeout=15,
        check=True,
        text=True,
    ).stdout


def _format(rate_hz: int, latency_ms: int) -> list[str]:
    return [
        "--raw",
        "--format=float32le",
        "--channels=2",
        f"--rate={rate_hz}",
        f"--latency-msec={latency_ms}",
    ]


def linked_version(environment: Mapping[str, str], program: str) -> tuple[int, ...]:
    """Return the library version with which one of the sound system's own tools is linked."""
    output = run(environment, program, "--version")
    found = re.search(r"Linked with \w+-?[\w.]* (\d+)\.(\d+)\.(\d+)", output)
    assert found, output
    return tuple(map(int, found.groups()))


@contextmanager
def _running(
    command: list[str], environment: Mapping[str, str], **streams: object
) -> Iterator[subprocess.Popen[bytes]]:
    process: subprocess.Popen[bytes] = subprocess.Popen(
        command, env={**os.environ, **environment}, **{"stdin": subprocess.DEVNULL, **streams}
    )
    try:
        yield process
    finally:
        processes.end(process)
        if process.stdout is not None:
            process.stdout.close()


def tone_db(heard: Frames, frequency_hz: float) -> float:
    """Return the level of a tone on the left ear."""
    return level_db(heard[:, 0], frequency_hz)
