"""Speed and memory of the engine, compared with the same work in DawDreamer and in numpy and scipy.

Usage: python bench/dsp.py [--rounds N] [--json FILE] [--plot FILE] [--dawdreamer PYTHON]
                           [--without-peers] [--without-render]

All candidates take turns in each round, so that other load on the machine affects all of them
alike; a ratio is the median of the ratios within a round.  Figures are processor time, without the
overhead of the harness: the Python call around a block for Entrain, the empty graph for DawDreamer.

DawDreamer is under the GPL.  It gets its own virtual environment in build/peers and runs as a
separate process, and no part of Entrain imports it.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import dsp_own
import dsp_render
import numpy as np
from dsp_setup import BLOCK_FRAMES, PROTOCOLS, RATE_HZ, WHOLE_FILE, Work, write_input
from dsp_worker import Worker, peers_python

TARGET_REAL_TIME = 150
TARGET_PROTOCOL = "focus"
TARGET_FRAMES = 128


@dataclass(frozen=True)
class Candidate:
    """A program that does a piece of work; `measure` returns ns of processor time per frame."""

    who: str
    work: Work
    measure: Callable[[], float]


@dataclass(frozen=True)
class Figure:
    """Time of a candidate in ns per frame, without the overhead of the harness."""

    who: str
    what: str
    block_frames: int
    least_ns: float
    median_ns: float
    times_entrain: float
    """Median of the ratios to Entrain's time for the same work in the same round."""


def main() -> int:
    """Measure everything, print tables, and write the requested files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25, help="number of rounds")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--plot", type=Path, help="draw the figures to this PNG file")
    parser.add_argument("--dawdreamer", type=Path, help="a Python that has DawDreamer")
    parser.add_argument("--without-peers", action="store_true", help="measure only Entrain")
    parser.add_argument("--without-render", action="store_true", help="do not render an hour")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="entrain-bench-") as name:
        folder = Path(name)
        sound = write_input(folder)
        own = dsp_own.Own(np.load(sound))
        candidates = [Candidate("Entrain", work, own.measurement(work)) for work in Work.all()]
        workers = [] if options.without_peers else _workers(sound, options.dawdreamer)
        try:
            for worker in workers:
                candidates += [Candidate(worker.who, w, worker.measurement(w)) for w in worker.can]
            figures = _measure(candidates, options.rounds)
            same = {worker.who: _difference_db(worker, sound, folder) for worker in workers}
        finally:
            for worker in workers:
                worker.close()
        memory = dsp_own.memory_mb()
        rendered = None if options.without_render else dsp_render.measure(folder)
    denormal_cost = dsp_own.denormal_cost()
    result = {
        "denormal_cost": denormal_cost,
        "figures": [asdict(figure) for figure in figures],
        "difference_db": same,
        "memory_mb": memory,
        "call_ns": dsp_own.call_overhead_ns(),
        "render": rendered,
    }
    _print(result, figures)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    if options.plot:
        from dsp_plot import draw

        draw(options.plot, [asdict(figure) for figure in figures])
    return 0


def _workers(sound: Path, dawdreamer: Path | None) -> list[Worker]:
    """Start the available peers; numpy and scipy are always available."""
    whole = Work(TARGET_PROTOCOL, WHOLE_FILE)
    small = [work for work in Work.all() if work.what not in PROTOCOLS]
    works = [work for work in Work.all() if work not in small or work.block_frames == 128]
    workers = [Worker("numpy/scipy", Path(sys.executable), sound, [*works, whole])]
    try:
        workers.append(Worker("DawDreamer", dawdreamer or peers_python(), sound, works))
    except RuntimeError as error:
        print(f"bench: without DawDreamer: {error}", file=sys.stderr)
    return workers


def _difference_db(worker: Worker, sound: Path, folder: Path) -> float:
    """Return the level of the difference between both outputs, relative to ours, after 1 s."""
    path = folder / "output.npy"
    worker.write_output(TARGET_PROTOCOL, path)
    theirs = np.load(path)[:, RATE_HZ:]
    ours = dsp_own.output(PROTOCOLS[TARGET_PROTOCOL], np.load(sound))[:, RATE_HZ:]
    ours = ours[:, : theirs.shape[1]]
    return float(10 * np.log10(np.mean((theirs - ours) ** 2) / np.mean(ours**2)))


def _measure(candidates: list[Candidate], rounds: int) -> list[Figure]:
    from rich.progress import track

    times: dict[tuple[str, Work], list[float]] = {(c.who, c.work): [] for c in candidates}
    for _ in track(range(rounds), description="measuring", transient=True):
        for candidate in candidates:
            times[candidate.who, candidate.work].append(candidate.measure())
    figures = []
    for (who, work), series in times.items():
        own = times["Entrain", work.reference]
        ratios = [theirs / ours for theirs, ours in zip(series, own, strict=True)]
        figures.append(
            Figure(
                who,
                work.what,
                work.block_frames,
                min(series),
                statistics.median(series),
                statistics.median(ratios),
            )
        )
    return figures


def _print(result: dict[str, Any], figures: list[Figure]) -> None:
    from rich.console import Console
    from rich.table import Table

    console, same, memory = Console(), result["difference_db"], result["memory_mb"]
    shown = {(f.who, f.what, f.block_frames): f for f in figures}
    own = sorted({f.what for f in figures} - set(PROTOCOLS))
    table = Table(title=f"Entrain, ns per frame: median (least); {RATE_HZ} Hz, double precision")
    table.add_column("")
    for frames in BLOCK_FRAMES:
        table.add_column(f"{frames} frames", justify="right")
    for header in ("× real time", "DawDreamer takes"):
        table.add_column(f"{header}, {TARGET_FRAMES}", justify="right")
    for what in [*own, *PROTOCOLS]:
        cells = []
        for frames in BLOCK_FRAMES:
            figure = shown["Entrain", what, frames]
            cells.append(f"{figure.median_ns:.1f} ({figure.least_ns:.1f})")
        at = shown["Entrain", what, TARGET_FRAMES]
        cells.append(f"{_real_time(at.median_ns):.0f} ({_real_time(at.least_ns):.0f})")
        peer = shown.get(("DawDreamer", what, TARGET_FRAMES))
        cells.append(f"{peer.times_entrain:.2f} ×" if peer else "")
        table.add_row(what, *cells, end_section=what == own[-1])
    console.print(table)

    table = Table(title=f"{TARGET_PROTOCOL}: {' → '.join(PROTOCOLS[TARGET_PROTOCOL].chain)}")
    for header in ("", "frames", "ns per frame", "× Entrain's time"):
        table.add_column(header, justify="right" if header else "left")
    for figure in figures:
        if figure.what == TARGET_PROTOCOL:
            length = str(figure.block_frames) if figure.block_frames else "whole file"
            ns = f"{figure.median_ns:.1f} ({figure.least_ns:.1f})"
            table.add_row(figure.who, length, ns, f"{figure.times_entrain:.2f}")
    console.print(table)
    for who, difference_db in same.items():
        console.print(f"{who}: difference from Entrain's sound {difference_db:.0f} dB")
    at = shown["Entrain", TARGET_PROTOCOL, TARGET_FRAMES]
    console.print(
        f"target: ≥ {TARGET_REAL_TIME} × real time at {TARGET_FRAMES} frames: "
        f"{_real_time(at.median_ns):.0f} (at best {_real_time(at.least_ns):.0f})"
    )
    console.print(
        "an hour of denormal input, every kind of layer: "
        f"{result['denormal_cost']:.2f} × the time of noise"
    )
    console.print("memory, MB: " + ", ".join(f"{k} {v:.1f}" for k, v in memory.items()))
    console.print(f"subtracted: {result['call_ns']:.0f} ns for each call from Python")
    if result["render"]:
        console.print(dsp_render.sentence(result["render"]))


def _real_time(ns_per_frame: float) -> float:
    return 1e9 / RATE_HZ / ns_per_frame


if __name__ == "__main__":
    sys.exit(main())
