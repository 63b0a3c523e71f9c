"""The demonstration for a machine without sound: plays a short piece and measures the result.

It measures the sound that arrives at the virtual speaker.  ``entrain run --demo`` starts it as a
process of its own, which keeps numpy out of the running app.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from entrain.errors import EntrainError
from entrain.platform.processes import end
from entrain.vdevice.api.client import Client

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import Status

RATE_HZ = 48_000
PIECE_SECONDS = 24
WINDOW_SECONDS = 2
AUDIBLE = 1e-3
"""Amplitude that the beginning of a window must reach before its phase can be measured."""

assert sys.platform == "linux"  # the sandbox needs it, too

Samples = npt.NDArray[np.float32]


def main() -> int:
    """Play the piece and print a measurement once a second."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends our parent, which then ends us
    for program in ("pacat", "parec"):
        if not shutil.which(program):
            print(f"no demonstration: {program} is missing; install pulseaudio-utils")
            return 0
    try:
        with Client() as client:
            _demonstrate(client)
    except (EntrainError, BrokenPipeError):
        return 0  # the user has stopped Entrain
    return 0


def piece() -> Samples:
    """Compose slow plucked notes over a soft fifth, all above 250 Hz: the carriers lie below.

    Returns
    -------
    (frames, 2) float32 ndarray
        Peaks below -6 dBFS.

    """
    frames = PIECE_SECONDS * RATE_HZ
    t = np.arange(frames) / RATE_HZ
    scale = 261.63 * 2 ** (np.array([0, 4, 7, 9, 12, 16, 14, 7, 11, 12, 7, 4]) / 12)
    sound = np.zeros((2, frames))
    for index, start in enumerate(range(0, frames, RATE_HZ // 2)):
        pitch = scale[index % len(scale)]
        own = t[: frames - start]
        note = np.exp(-2.5 * own) * sum(
            np.sin(2 * np.pi * pitch * k * own) / k**2 for k in (1, 2, 3)
        )
        right = 0.5 + 0.3 * np.sin(index)
        sound[0, start:] += 0.16 * (1 - right) * note
        sound[1, start:] += 0.16 * right * note
    pad = sum(np.sin(2 * np.pi * f * t) for f in (392.0, 523.25, 524.1, 785.5))
    fade = np.minimum(1, np.minimum(t / 3, (t[-1] - t) / 3))
    return np.ascontiguousarray(((sound + 0.02 * pad) * fade).T.astype(np.float32))


def frequency(ear: Samples, around_hz: float, within_hz: float) -> float:
    """Return the strongest tone's frequency near a guess, from the phase step of two halves."""
    half = len(ear) // 2
    window = np.hanning(half)
    spectra = [np.fft.rfft(part * window) for part in (ear[:half], ear[half : 2 * half])]
    grid = np.fft.rfftfreq(half, 1 / RATE_HZ)
    near = np.flatnonzero(np.abs(grid - around_hz) <= within_hz)
    best = near[np.argmax(np.abs(spectra[0][near]))]
    step = np.angle(spectra[1][best] / spectra[0][best]) / (2 * np.pi)
    turns = grid[best] * half / RATE_HZ
    return float((np.round(turns - step) + step) * RATE_HZ / half)


def _demonstrate(client: Client) -> None:
    status = client.ask("status")
    options = ["--raw", "--format=float32le", f"--rate={RATE_HZ}", "--channels=2"]
    assert status["output"]  # the sandbox has one
    monitor = f"--device={status['output']['name']}.monitor"
    recorder = subprocess.Popen(
        ["parec", *options, monitor, "--latency-msec=50"], stdout=subprocess.PIPE
    )
    player = subprocess.Popen(["pacat", *options], stdin=subprocess.PIPE)
    try:
        threading.Thread(target=_feed, args=(player,), daemon=True).start()
        print(f"Playing a piece of {PIECE_SECONDS} s through Entrain; measured at the output:")
        assert recorder.stdout
        if measure(client, recorder.stdout):
            print("The piece is over. Entrain keeps running; Ctrl-C ends it.")
    finally:
        for process in (player, recorder):
            end(process)


def _feed(player: "subprocess.Popen[bytes]") -> None:
    assert player.stdin
    try:
        player.stdin.write(piece().tobytes())
        player.stdin.close()
    except BrokenPipeError:
        pass  # the demonstration has ended


def measure(client: Client, recorded: IO[bytes]) -> bool:
    """Print a line a second; return False if the sound server ends before the piece."""
    heard = np.zeros((0, 2), np.float32)
    cpu_s = _cpu_seconds()
    for _ in range(PIECE_SECONDS - 1):
        data = recorded.read(RATE_HZ * 2 * 4)
        if len(data) < RATE_HZ * 2 * 4:
            return False
        heard = np.concatenate([heard, np.frombuffer(data, np.float32).reshape(-1, 2)])
        heard = heard[-WINDOW_SECONDS * RATE_HZ :]
        now_s = _cpu_seconds()
        begun = np.any(np.abs(heard[: RATE_HZ // 10]) > AUDIBLE)
        if len(heard) == WINDOW_SECONDS * RATE_HZ and begun:
            _print(_line(heard, client.ask("status"), 1000 * (now_s - cpu_s)))
        cpu_s = now_s
    if sys.stdout.isatty():
        print()
    return True


def _line(heard: Samples, status: "Status", cpu_ms: float) -> str:
    level_db = 10 * np.log10(np.mean(heard.astype("f8") ** 2) + 1e-20)
    parts = [f"level {level_db:6.1f} dBFS"]
    protocol = status["protocol"]
    assert protocol
    for layer in protocol["layers"]:
        if layer["kind"] == "binaural" and "carrier_hz" in layer["params"]:
            carrier_hz = layer["params"]["carrier_hz"]
            left, right = (frequency(heard[:, ear], carrier_hz, 30) for ear in (0, 1))
            parts.append(f"left {left:.2f} Hz, right {right:.2f} Hz, beat {left - right:.2f} Hz")
    latency = status["latency"]
    assert isinstance(latency, dict)
    parts.append(f"added delay {latency['added_ms']:.2f} ms")
    parts.append(f"CPU {cpu_ms:.0f} ms/s")
    return "  ".join(parts)


def _cpu_seconds() -> float:
    """Return the processor time that the running app, our parent, has used."""
    fields = Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _print(line: str) -> None:
    if sys.stdout.isatty():
        print(f"\r{line}\x1b[K", end="", flush=True)
    else:
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
