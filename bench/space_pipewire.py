"""The time of PipeWire's own convolver, for `bench/space.py`.

PipeWire's filter-chain convolves two sides with four filters of 256 taps, for two ears, in a client
of a private server.  Such a small share of a process's time is hard to measure.  So two processes
run at once, one with one such set of filters and one with many, and the difference counts.
"""

import contextlib
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import lag_probe
import numpy as np
import numpy.typing as npt
import processes
from scipy.io import wavfile

from entrain.platform.sandbox_pipewire import PipeWireSandbox

QUANTA = (64, 256)
TAPS = 256
SETS = {"few": 1, "many": 33}
"""Sets of filters of each process, by the name of its sink."""
SECONDS = 4
"""Length of a round."""


@dataclass(frozen=True)
class PipeWire:
    """Figures of PipeWire's convolver."""

    ns: dict[int, float]
    """Time of four filters per frame, in ns, by quantum; median of the rounds."""
    difference: float
    """Largest difference of the samples between both quanta, as a part of the largest sample."""

    def json(self) -> dict[str, object]:
        """Return all figures."""
        return asdict(self)


def measure(rounds: int = 5) -> PipeWire:
    """Measure PipeWire's convolver.

    Raises
    ------
    entrain.platform.adapter.PlatformError
        PipeWire is not installed.
    RuntimeError
        It has no filter-chain.

    """
    with tempfile.TemporaryDirectory() as folder, PipeWireSandbox() as server:
        processes.move_to(server.environment, folder)
        probe = lag_probe.build(Path(folder))
        with contextlib.ExitStack() as stack:
            pids = {
                name: stack.enter_context(_chain(Path(folder), name, sets))
                for name, sets in SETS.items()
            }
            ns, heard = {}, []
            for quantum in QUANTA:
                processes.command(
                    "pw-metadata", "-n", "settings", "0", "clock.force-quantum", str(quantum)
                )
                heard.append(_response(probe, quantum))
                ns[quantum] = statistics.median(_ns(pids) for _ in range(rounds))
    largest = float(np.abs(heard[0]).max())
    return PipeWire(ns, float(np.abs(heard[0] - heard[1]).max()) / largest)


def _ns(pids: dict[str, int]) -> float:
    """Measure one round: the time of a set of filters for a frame."""
    with processes.playing("few"), processes.playing("many"):
        time.sleep(1.5)
        before = {name: processes.cpu_ns(pid) for name, pid in pids.items()}
        began_s = time.monotonic()
        time.sleep(SECONDS)
        used = {name: processes.cpu_ns(pid) - before[name] for name, pid in pids.items()}
        frames = (time.monotonic() - began_s) * processes.RATE_HZ
    return (used["many"] - used["few"]) / (SETS["many"] - SETS["few"]) / frames


def _response(probe: Path, quantum: int) -> npt.NDArray[np.float32]:
    """Return what is heard of bursts of noise, without their delay through the graph."""
    played, heard = lag_probe.sounds({}, probe, "few", "speakers", quantum)
    lag = lag_probe.lag_frames(played, heard)
    return np.asarray(heard[lag : lag + len(played) // 2], np.float32)


@contextlib.contextmanager
def _chain(folder: Path, name: str, sets: int) -> Iterator[int]:
    """Run a filter-chain, a sink with this name; yield the number of its process."""
    random, decay = np.random.default_rng(1), np.exp(-np.arange(TAPS) / 40)
    for path in ("left-left", "left-right", "right-left", "right-right"):
        taps = (random.normal(0, 0.1, TAPS) * decay).astype(np.float32)
        wavfile.write(folder / f"{path}.wav", processes.RATE_HZ, taps)
    config = folder / f"{name}.conf"
    config.write_text(_settings(folder, name, sets))
    process = subprocess.Popen(
        ["pipewire", "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        with processes.sinks() as has_sink:
            while not has_sink(name):
                if process.poll() is not None:
                    assert process.stderr
                    raise RuntimeError(process.stderr.read().strip().splitlines()[-1])
                time.sleep(0.05)
        yield process.pid
    finally:
        process.kill()
        process.wait()
        assert process.stderr
        process.stderr.close()


def _settings(folder: Path, name: str, sets: int) -> str:
    """Return the settings of a PipeWire client that runs a filter-chain.

    Mixers hand both sides to all filters: PipeWire 0.3.65 crashes if `copy` has many outputs.
    """
    sides = ("left", "right")
    nodes: list[dict[str, object]] = [
        {"type": "builtin", "label": "mixer", "name": side} for side in sides
    ]
    links = []
    for number in range(sets):
        for ear in sides:
            nodes.append({"type": "builtin", "label": "mixer", "name": f"{ear}{number}"})
            for turn, side in enumerate(sides, 1):
                convolver = f"{side}-{ear}{number}"
                filter_file = {"filename": str(folder / f"{side}-{ear}.wav")}
                nodes.append(
                    {"type": "builtin", "label": "convolver", "name": convolver}
                    | {"config": filter_file}
                )
                links.append({"output": f"{side}:Out", "input": f"{convolver}:In"})
                links.append({"output": f"{convolver}:Out", "input": f"{ear}{number}:In {turn}"})
    chain = {
        "node.description": name,
        "audio.rate": processes.RATE_HZ,
        "audio.channels": 2,
        "audio.position": ["FL", "FR"],
        "filter.graph": {
            "nodes": nodes,
            "links": links,
            "inputs": [f"{side}:In 1" for side in sides],
            "outputs": [f"{ear}0:Out" for ear in sides],
        },
        "capture.props": {"node.name": name, "media.class": "Audio/Sink"},
        "playback.props": {
            "node.name": f"{name}-out",
            "node.passive": True,
            "target.object": "speakers",
        },
    }
    modules: list[dict[str, object]] = [
        {"name": f"libpipewire-module-{module}"}
        for module in ("protocol-native", "client-node", "adapter")
    ]
    modules.append({"name": "libpipewire-module-filter-chain", "args": chain})
    libraries = {
        "audio.convert.*": "audioconvert/libspa-audioconvert",
        "support.*": "support/libspa-support",
    }
    settings = {"context.spa-libs": libraries, "context.modules": modules}
    return "\n".join(f"{key} = {json.dumps(value)}" for key, value in settings.items())
