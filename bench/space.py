"""Speed and memory of the space, beside the same convolution by scipy and by PipeWire.

Usage: PYTHONPATH=tests:tests/device python bench/space.py [--rounds N] [--json FILE]

The blocks are measured without Python, by a program that is built with the C++ tests; scipy
and PipeWire convolve with four filters of 256 taps, as the speakers at rest do.  Figures are
processor time.  ``plain`` is the code for processors without AVX2.  If a figure exceeds its limit,
the program ends with status 1.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from made_up_head import MadeUp
    from rich.console import Console
    from space_pipewire import PipeWire

ROOT = Path(__file__).resolve().parent.parent
RATE_HZ = 48_000
TIMES_REAL_TIME = {
    ("speakers", "fma", "at rest"): 400,
    ("speakers", "fma", "moving"): 150,
    ("speakers", "fma", "default room"): 150,
    ("speakers", "fma", "near, moving"): 150,
    ("scene", "fma", "at rest"): 100,
    ("speakers", "plain", "at rest"): 120,
    ("scene", "plain", "at rest"): 30,
}
"""Least speed, as multiples of real time, at blocks of 64 to 256 frames."""
MOST_AT_16_FRAMES = 1.2
"""Highest time at 16 frames, as a multiple of the time at 128."""
MOST_OF_PIPEWIRE = {64: 1.0, 256: 1.7}
"""Highest time as a multiple of PipeWire's, by quantum."""
MOST_MB = 12


def own(rounds: int) -> list[dict[str, Any]]:
    """Measure the blocks; each row is a kind, variant, state and block size."""
    subprocess.run([ROOT / ".ci/native", "plain", "2", "bench_space"], check=True)
    program = ROOT / "build/native/tests/native/bench_space"
    told = subprocess.run([program, str(rounds)], check=True, capture_output=True, text=True)
    return [json.loads(line) for line in told.stdout.splitlines()]


def scipy_ns(rounds: int) -> dict[str, float]:
    """Return scipy's times for four filters of 256 taps, in ns per frame."""
    random = np.random.default_rng(1)
    minute = random.normal(0, 0.1, (60 * RATE_HZ, 2))  # float64, as soundfile reads it
    apart = np.ascontiguousarray(minute.T[:, : 4 * RATE_HZ], np.float32)
    filters = random.normal(0, 0.1, (2, 2, 256))
    short = apart[:, : RATE_HZ // 4 // 128 * 128].astype(float)
    cases: dict[str, tuple[npt.NDArray[Any], npt.NDArray[Any], int]] = {
        "a minute, float64": (minute.T, filters, minute.shape[0]),
        "four seconds, float32, sides apart": (apart, filters.astype(np.float32), apart.shape[1]),
        "blocks of 128, float64": (short, filters, 128),
    }
    return {
        name: float(statistics.median(_convolve_ns(*case) for _ in range(rounds)))
        for name, case in cases.items()
    }


def _convolve_ns(sound: npt.NDArray[Any], filters: npt.NDArray[Any], block_frames: int) -> float:
    from scipy.signal import oaconvolve

    frames = int(sound.shape[-1])
    begin = time.thread_time_ns()
    for at in range(0, frames, block_frames):
        piece = sound[:, at : at + block_frames]
        for ear in filters:
            sum(oaconvolve(side, taps) for side, taps in zip(piece, ear, strict=True))
    return (time.thread_time_ns() - begin) / frames


def samples_are_the_same() -> bool:
    """Return whether the speakers' samples are the same at both quanta."""
    from entrain.faust import Speakers

    sound = np.random.default_rng(1).normal(0, 0.1, (2, 128 * 256)).astype(np.float32)
    heard = []
    for frames in MOST_OF_PIPEWIRE:
        speakers = Speakers(room=0).use_head(_head().head())
        pieces = np.split(sound, sound.shape[1] // frames, axis=1)
        heard.append(np.hstack([speakers.process(np.ascontiguousarray(each)) for each in pieces]))
    return bool(np.array_equal(heard[0], heard[1]))


def pipewire(console: "Console", rounds: int) -> "PipeWire | None":
    """Measure PipeWire's convolver; None, and a line, where it cannot be measured."""
    from entrain.platform.adapter import PlatformError

    try:
        import space_pipewire

        return space_pipewire.measure(rounds)
    except (PlatformError, RuntimeError, OSError, subprocess.SubprocessError) as error:
        console.print(f"left out: PipeWire's filter-chain ({error})")
        return None


def _head() -> "MadeUp":
    sys.path.insert(0, str(ROOT / "tests"))
    from made_up_head import made_up

    return made_up()


def memory_mb() -> float:
    """Return the memory that an engine needs for its head and the speakers (PSS)."""
    code = """
import re, sys
from pathlib import Path
from entrain._native import ffi, load
from entrain.engine import Engine, Head
def pss_mb():
    return int(re.search(r"^Pss: +(\\d+)", open("/proc/self/smaps_rollup").read(), re.M)[1]) / 1024
samples = ffi.new("float[]", 48000)
channels = ffi.new("float *[2]", [samples, samples])
with Engine() as engine:
    load("entrain").entrain_process(engine.native, channels, channels, 48000)
    before = pss_mb()
    engine.use_head(Head.from_file(Path(sys.argv[1])))
    engine.route([engine.add_layer("speakers", {"path": 1})])
    load("entrain").entrain_process(engine.native, channels, channels, 48000)
    print(pss_mb() - before)
"""
    with tempfile.NamedTemporaryFile() as file:
        file.write(_head().file())
        file.flush()
        command = [sys.executable, "-c", code, file.name]
        told = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(told.stdout)


def main() -> int:
    """Measure everything and print it beside its limits."""
    from rich.console import Console
    from rich.table import Table

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25, help="number of rounds")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    console, failed = Console(), []
    rows = own(options.rounds)
    ns = {(r["kind"], r["variant"], r["state"], r["block"]): r["median_ns"] for r in rows}
    table = Table(title=f"ns per frame, median (× real time at {RATE_HZ} Hz)")
    sizes = sorted({row["block"] for row in rows})
    for header in ("kind", "variant", "state", *map(str, sizes), "limit"):
        table.add_column(header, justify="right" if header.isdigit() else "left")
    for kind, variant, state in dict.fromkeys(key[:3] for key in ns):
        speed = {size: 1e9 / RATE_HZ / ns[kind, variant, state, size] for size in sizes}
        cells = [f"{ns[kind, variant, state, size]:.1f} ({speed[size]:.0f})" for size in sizes]
        limit = TIMES_REAL_TIME.get((kind, variant, state))
        if limit and min(speed[size] for size in sizes if size >= 64) < limit:
            failed.append(f"{kind} {variant} {state} is slower than {limit} × real time")
        table.add_row(kind, variant, state, *cells, f"≥ {limit} ×" if limit else "")
    console.print(table)
    for kind in ("speakers", "scene"):
        ratio = ns[kind, "fma", "at rest", 16] / ns[kind, "fma", "at rest", 128]
        console.print(f"{kind} at 16 frames: {ratio:.2f} × the time at 128 (≤ {MOST_AT_16_FRAMES})")
        if ratio > MOST_AT_16_FRAMES:
            failed.append(f"{kind} takes {ratio:.2f} × as long at 16 frames")
    own_ns = {size: ns["speakers", "fma", "at rest", size] for size in sizes}
    scipy = scipy_ns(5)
    for case, theirs in scipy.items():
        ratio = theirs / own_ns[128]
        console.print(f"scipy's oaconvolve, {case}: {theirs:.1f} ns, {ratio:.1f} × our time")
    same = samples_are_the_same()
    if not same:
        failed.append("the samples depend on the quantum")
    if chain := pipewire(console, 7):
        for quantum, most in MOST_OF_PIPEWIRE.items():
            ratio = own_ns[quantum] / chain.ns[quantum]
            console.print(
                f"PipeWire's convolvers, quantum {quantum}: {chain.ns[quantum]:.1f} ns; ours take "
                f"{ratio:.2f} × as long (≤ {most})"
            )
            if ratio > most:
                failed.append(f"slower than PipeWire at quantum {quantum}: {ratio:.2f} ×")
        console.print(
            f"samples at quantum 64 and 256: ours {'the same' if same else 'differ'}, PipeWire's "
            f"differ by {chain.difference:.1e} of the largest"
        )
    memory = memory_mb()
    console.print(f"memory with the speakers on: {memory:.1f} MB more (≤ {MOST_MB})")
    if memory > MOST_MB:
        failed.append(f"the speakers need {memory:.1f} MB")
    if options.json:
        result = {
            "rows": rows,
            "scipy_ns": scipy,
            "pipewire": chain.json() if chain else None,
            "memory_mb": memory,
        }
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    for problem in failed:
        console.print(f"bench: {problem}", style="red")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
