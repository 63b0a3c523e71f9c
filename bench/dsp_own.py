"""Entrain's blocks and protocols, called through the C ABI like in a device's callback.

As a program, ``dsp_own.py`` prints the memory that an engine needs for each protocol.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsp_setup import PROTOCOLS, RATE_HZ, Layers, Work

from entrain._native import ffi
from entrain._native import load as load_library
from entrain.engine import Engine

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Own:
    """Measures Entrain with one sound, in this process.

    Parameters
    ----------
    sound : (2, frames) float32 ndarray, C-contiguous

    """

    def __init__(self, sound: "npt.NDArray[np.float32]") -> None:
        self._sound = sound
        self._library = load_library("entrain")

    def measurement(self, work: Work) -> Callable[[], float]:
        """Return a function that returns ns of processor time per frame for each call."""
        if work.what in PROTOCOLS:
            engine = engine_with(PROTOCOLS[work.what])
            return self._timed(self._library.entrain_process, engine.native, work.block_frames)
        block = ffi.new("entrain_block **")
        self._library.entrain_block_create(work.what.encode(), RATE_HZ, block)
        return self._timed(self._library.entrain_block_process, block[0], work.block_frames)

    def _timed(self, process: Callable[..., None], handle: Any, frames: int) -> Callable[[], float]:
        left, right = (ffi.cast("float *", ear.ctypes.data) for ear in self._sound)
        starts = range(0, self._sound.shape[1] - frames + 1, frames)
        blocks = [ffi.new("const float *[2]", [left + at, right + at]) for at in starts]
        room = [ffi.new("float[]", frames) for _ in range(2)]
        out = ffi.new("float *[2]", room)

        def measure() -> float:
            _ = room  # keeps the memory of `out` alive
            call_ns = call_overhead_ns()
            began = time.process_time_ns()
            for block in blocks:
                process(handle, block, out, frames)
            return ((time.process_time_ns() - began) / len(blocks) - call_ns) / frames

        return measure


def engine_with(protocol: Layers) -> Engine:
    """Return an engine that runs a protocol."""
    engine = Engine(RATE_HZ)
    kinds = (*protocol.processors, *protocol.generators)
    engine.route([engine.add_layer(kind) for kind in kinds], restart=True)
    return engine


def output(protocol: Layers, sound: "npt.NDArray[np.float32]") -> "npt.NDArray[np.float32]":
    """Process a whole sound, and remove the engine's delay."""
    import numpy as np

    with engine_with(protocol) as engine:
        late = engine.latency_frames
        return engine.process(np.pad(sound, ((0, 0), (0, late))))[:, late:]


def denormal_cost(hours: float = 1.0) -> float:
    """Return the time for denormal input, relative to noise, with all kinds of layer at once.

    One minute in six is noise.
    """
    import numpy as np

    from entrain.engine import blocks

    kinds = [k for k, block in blocks().items() if block.group in ("generator", "processor")]
    second = np.random.default_rng(4).standard_normal((2, RATE_HZ))
    scales = {"noise": 0.1, "tiny": 1e-40}
    sounds = {name: (scale * second).astype(np.float32) for name, scale in scales.items()}
    spent = dict.fromkeys(sounds, 0)
    with Engine(RATE_HZ) as engine:
        engine.set_standalone(True)
        engine.route([engine.add_layer(kind) for kind in kinds])
        for minute in range(round(hours * 72)):
            name = "noise" if minute % 6 == 0 else "tiny"
            began = engine.stats().busy_ns
            for _ in range(60):
                engine.process(sounds[name])
            spent[name] += engine.stats().busy_ns - began
    return spent["tiny"] / 5 / spent["noise"]


def call_overhead_ns() -> float:
    """Return the shortest time so far of a cffi call that does nothing."""
    process, handle = load_library("entrain").entrain_process, _idle_engine().native
    nowhere, calls = ffi.new("float *[2]"), range(1000)
    began = time.process_time_ns()
    for _ in calls:
        process(handle, nowhere, nowhere, 0)
    _calls_ns.append((time.process_time_ns() - began) / len(calls))
    return min(_calls_ns)


_calls_ns: list[float] = []


@cache
def _idle_engine() -> Engine:
    return Engine(RATE_HZ)


def memory_mb() -> dict[str, float]:
    """Measure memory in a separate, otherwise idle process."""
    asked = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=True)
    answer: dict[str, float] = json.loads(asked.stdout)
    return answer


def _resident_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def _main() -> None:
    load_library("entrain")
    before = _resident_mb()
    figures = {}
    for name, protocol in PROTOCOLS.items():
        engine = engine_with(protocol)
        samples = ffi.new("float[]", RATE_HZ)
        channels = ffi.new("float *[2]", [samples, samples])
        for _ in range(5):
            load_library("entrain").entrain_process(engine.native, channels, channels, RATE_HZ)
        figures[f"engine with {name}"] = _resident_mb() - before
        engine.close()
        del samples, channels
        before = _resident_mb()
    engine_with(PROTOCOLS["focus"])
    print(json.dumps({**figures, "whole process": _resident_mb()}))


if __name__ == "__main__":
    _main()
