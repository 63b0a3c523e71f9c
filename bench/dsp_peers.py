"""Does the same work in other programs.  `dsp_worker.Worker` starts it and sends it requests.

Needs numpy, and DawDreamer or scipy; of Entrain it needs only the .dsp files.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from dsp_setup import PROTOCOLS, RATE_HZ, Work

Sound = npt.NDArray[Any]


class Peer(Protocol):
    """A program that can do some of the work."""

    def prepare(self, work: Work) -> Callable[[], float] | None:
        """Return a function that returns ns of processor time per frame, or None."""

    def output(self, protocol: str) -> Sound:
        """Return the processed sound, without delay."""


class DawDreamer:
    """The .dsp files compiled by DawDreamer, with one processor for each in its graph.

    They run in single precision: DawDreamer's graph has float buffers, which FAUST's just-in-time
    compiler would take for doubles with ``-double``.
    """

    def __init__(self, sound: Sound, faust: Path) -> None:
        self._sound = sound
        self._seconds = sound.shape[1] / RATE_HZ
        self._faust = faust
        self._idle: dict[int, Callable[[], int]] = {}
        self._idle_ns: dict[int, list[int]] = {}

    def prepare(self, work: Work) -> Callable[[], float] | None:
        if not work.block_frames:
            return None
        idle = self._idle.get(work.block_frames)
        if idle is None:
            idle = self._idle[work.block_frames] = self._timed(self._graph(work.block_frames, ""))
        busy = self._timed(self._graph(work.block_frames, work.what))
        series = self._idle_ns.setdefault(work.block_frames, [])

        def measure() -> float:
            series.append(idle())  # the shortest one is subtracted
            per_frame: float = (busy() - min(series)) / self._sound.shape[1]
            return per_frame

        return measure

    def output(self, protocol: str) -> Sound:
        graph = self._graph(128, protocol)
        graph.render(self._seconds)
        late = 70  # delay of the limiter at 48 kHz
        sound: Sound = graph.get_audio()
        return sound[:, late : self._sound.shape[1]]

    def _timed(self, graph: Any) -> Callable[[], int]:
        def measure() -> int:
            began = time.process_time_ns()
            graph.render(self._seconds)
            return time.process_time_ns() - began

        return measure

    def _graph(self, block_frames: int, what: str) -> Any:
        """Connect the input to a block, to a protocol's blocks, or to nothing."""
        import dawdreamer

        engine = dawdreamer.RenderEngine(RATE_HZ, block_frames)
        graph: list[tuple[Any, list[str]]] = [
            (engine.make_playback_processor("input", self._sound), [])
        ]
        last = "input"
        if what in PROTOCOLS:
            layers = PROTOCOLS[what]
            for kind in ("pre", *layers.processors):
                graph.append((self._block(engine, kind), [last]))
                last = kind
            graph += [(self._block(engine, kind), [last]) for kind in layers.generators]
            heard = [last, *layers.generators]
            graph.append((engine.make_add_processor("sum", [1.0] * len(heard)), heard))
            graph.append((self._block(engine, "limiter"), ["sum"]))
        elif what:
            graph.append((self._block(engine, what), [last]))
        engine.load_graph(graph)
        return engine

    def _block(self, engine: Any, kind: str) -> Any:
        block = engine.make_faust_processor(kind)
        block.auto_import = ""
        block.faust_libraries_paths = [str(self._faust / "lib")]
        if not (block.set_dsp(str(self._faust / f"{kind}.dsp")) and block.compile()):
            raise RuntimeError(f"DawDreamer cannot compile {kind}.dsp")
        return block


class NumPy:
    """A typical implementation of the protocol ``focus`` in numpy and scipy."""

    def __init__(self, sound: Sound, _faust: Path) -> None:
        self._sound = sound

    def prepare(self, work: Work) -> Callable[[], float] | None:
        if work.what != "focus" or work.block_frames not in (0, 128):
            return None
        frames = self._sound.shape[1] // (8 if work.block_frames else 1)  # small blocks are slow
        sound, span = self._sound[:, :frames], work.block_frames or frames
        starts = range(0, frames - span + 1, span)
        from dsp_numpy import Focus

        chain = Focus(RATE_HZ)

        def measure() -> float:
            began = time.process_time_ns()
            for at in starts:
                chain.process(sound[:, at : at + span])
            return (time.process_time_ns() - began) / (len(starts) * span)

        return measure

    def output(self, protocol: str) -> Sound:
        from dsp_numpy import Focus

        chain = Focus(RATE_HZ)
        return chain.process(self._sound)[:, chain.latency_frames :]


def main() -> None:
    """Answer questions from standard input until it ends."""
    # Output of libraries must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    who, path = sys.argv[1:]
    kinds: dict[str, Callable[[Sound, Path], Peer]] = {
        "DawDreamer": DawDreamer,
        "numpy/scipy": NumPy,
    }
    peer: Peer | None = None
    prepared: dict[Work, Callable[[], float]] = {}
    for line in sys.stdin:
        question = json.loads(line)
        if "works" in question:
            peer = kinds[who](np.load(path), Path(question["faust"]))
            for work in (Work(*each) for each in question["works"]):
                if measure := peer.prepare(work):
                    prepared[work] = measure
            answer: object = [[work.what, work.block_frames] for work in prepared]
        elif "measure" in question:
            answer = prepared[Work(*question["measure"])]()
        else:
            assert peer
            np.save(question["path"], peer.output(question["output"]))
            answer = None
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
