"""Measures the delay from a sink to a device in PipeWire's graph, exact to one sample."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundlab

SECONDS = 2
TIMEOUT_S = 15

assert sys.platform == "linux"


def build(folder: Path) -> Path:
    """Compile the probe.  It is in C++, because a Python callback would miss its deadlines."""
    source, probe = Path(__file__).with_suffix(".cpp"), folder / "lag_probe"
    flags = subprocess.check_output(["pkg-config", "--cflags", "--libs", "libpipewire-0.3"])
    warnings = ["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror"]
    others = shlex.split(flags.decode().replace("-I", "-isystem "))  # no warnings from headers
    subprocess.run(["c++", *warnings, source, "-o", probe, *others], check=True)
    return probe


def frames(
    environment: Mapping[str, str], probe: Path, sink: str, device: str, quantum_frames: int
) -> int:
    """Return the delay, in frames, from a sink's input to a device's monitor.

    The graph must run in cycles of `quantum_frames`.
    """
    return lag_frames(*sounds(environment, probe, sink, device, quantum_frames))


def sounds(
    environment: Mapping[str, str], probe: Path, sink: str, device: str, quantum_frames: int
) -> npt.NDArray[np.float32]:
    """Return what is played to a sink's left side, and what a device's monitor has of it."""
    command = [probe, str(quantum_frames), str(SECONDS * soundlab.RATE_HZ)]
    with subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE
    ) as process:
        try:
            for source, target in (
                ("lag-probe:out", f"{sink}:playback_FL"),
                (f"{device}:monitor_FL", "lag-probe:in"),
            ):
                soundlab.wait_until(
                    lambda source=source, target=target: _link(environment, source, target),
                    TIMEOUT_S,
                    f"{source} is linked to {target}",
                )
            output, _ = process.communicate(timeout=TIMEOUT_S)
        finally:
            process.kill()
    return np.frombuffer(output, np.float32).reshape(2, -1)


def lag_frames(played: npt.NDArray[np.float32], heard: npt.NDArray[np.float32]) -> int:
    """Return by how many frames the second sound is later."""
    size = 2 * len(played)
    alike = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(played, size)))
    return int(np.argmax(np.abs(alike[: soundlab.RATE_HZ // 8])))


def _link(environment: Mapping[str, str], source: str, target: str) -> bool:
    try:
        soundlab.run(environment, "pw-link", source, target)
    except subprocess.CalledProcessError as error:
        return "exists" in error.stderr.lower()
    return True
