"""Measures ``entrain render`` for an hour of sound, including reading and writing."""

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

RATE_HZ = 48_000
MINUTES = 60
SHORT_MINUTES = 10
FILE_MB_PER_MINUTE = 12
TARGET_REAL_TIME = 100


def measure(folder: Path) -> dict[str, Any]:
    """Render 16-bit stereo WAV through ``am`` and ``binaural``.

    Returns
    -------
    dict
        minutes, seconds (wall clock), cpu_s, real_time, cpu_real_time, peak_mb.

    """
    minutes = MINUTES
    if shutil.disk_usage(folder).free < 3e6 * FILE_MB_PER_MINUTE * minutes:
        minutes = SHORT_MINUTES  # the disk must hold the sound twice
    source, destination = folder / "hour.wav", folder / "rendered.wav"
    _write(source, minutes)
    command = [sys.executable, "-m", "entrain.tray", "render", str(source), str(destination)]
    command += ["--layer", "am", "--layer", "binaural", "--json"]
    began = time.monotonic()
    with (folder / "summary.json").open("wb") as summary:
        actions = [(os.POSIX_SPAWN_DUP2, summary.fileno(), 1)]
        pid = os.posix_spawn(sys.executable, command, os.environ, file_actions=actions)
        ended, peak_mb = 0, 0.0
        while not ended:
            time.sleep(0.02)
            peak_mb = max(peak_mb, _peak_mb(pid))
            ended, status, used = os.wait4(pid, os.WNOHANG)
    seconds = time.monotonic() - began
    if status:
        raise RuntimeError(f"entrain render ended with {os.waitstatus_to_exitcode(status)}")
    cpu_s = used.ru_utime + used.ru_stime
    return {
        "minutes": minutes,
        "seconds": seconds,
        "cpu_s": cpu_s,
        "real_time": 60 * minutes / seconds,
        "cpu_real_time": 60 * minutes / cpu_s,
        "peak_mb": peak_mb,
        "frames": json.loads((folder / "summary.json").read_text())["frames"],
    }


def sentence(figures: dict[str, Any]) -> str:
    """Return the figures as one line."""
    return (
        f"render, {figures['minutes']} minutes of 16-bit WAV: {figures['real_time']:.0f} × real "
        f"time ({figures['seconds']:.1f} s, processor time {figures['cpu_s']:.1f} s); target "
        f"≥ {TARGET_REAL_TIME}; peak memory {figures['peak_mb']:.0f} MB"
    )


def _peak_mb(pid: int) -> float:
    """Return the peak memory so far; ru_maxrss would start with the parent's memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def _write(path: Path, minutes: int) -> None:
    """Write the same minute of noise with a slow swell repeatedly."""
    import numpy as np
    import soundfile

    rng = np.random.default_rng(4)
    noise = 0.1 * rng.standard_normal((60 * RATE_HZ, 2))
    noise *= 1 + 0.5 * np.sin(np.linspace(0, 2 * np.pi, len(noise)))[:, np.newaxis]
    minute = (32767 * noise.clip(-1, 1)).astype(np.int16)
    with soundfile.SoundFile(path, "w", RATE_HZ, 2, subtype="PCM_16") as file:
        for _ in range(minutes):
            file.write(minute)
