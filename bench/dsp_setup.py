"""The measured work and its input.  Shared with the processes of the peers."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RATE_HZ = 48_000
BLOCK_FRAMES = (64, 128, 256)
SECONDS = 4
WHOLE_FILE = 0
"""Used instead of a number of frames."""


@dataclass(frozen=True)
class Layers:
    """A protocol as kinds of blocks, each with its initial values."""

    processors: tuple[str, ...]
    generators: tuple[str, ...]

    @property
    def chain(self) -> tuple[str, ...]:
        """All blocks, in the order of the engine."""
        return ("pre", *self.processors, *self.generators, "limiter")


PROTOCOLS = {
    "tones": Layers((), ("binaural", "noise")),
    "focus": Layers(("am",), ("binaural",)),
    "rich": Layers(("selfbinaural", "bilateral"), ("isochronic", "noise")),
}


@dataclass(frozen=True)
class Work:
    """A block or a protocol, processed in blocks of a number of frames."""

    what: str
    block_frames: int

    @staticmethod
    def all() -> "Iterator[Work]":
        """Yield all work that Entrain is measured with."""
        from entrain.engine import blocks

        for what in (*sorted(blocks()), *PROTOCOLS):
            for frames in BLOCK_FRAMES:
                yield Work(what, frames)

    @property
    def reference(self) -> "Work":
        """The work whose time in Entrain is the base of the ratio."""
        return Work(self.what, self.block_frames or 128)


def write_input(folder: Path) -> Path:
    """Write the input: pink noise with a tone, -20 dB, the same each time."""
    import numpy as np  # imported here, since it would count as memory of other processes

    rng = np.random.default_rng(4)
    frames = SECONDS * RATE_HZ
    spectrum = np.fft.rfft(rng.standard_normal((2, frames)))
    spectrum /= np.sqrt(np.maximum(1.0, np.arange(spectrum.shape[1])))
    noise = np.fft.irfft(spectrum, frames)
    noise *= 0.09 / noise.std()
    tone = 0.06 * np.sin(2 * np.pi * 440 * np.arange(frames) / RATE_HZ)
    path = folder / "input.npy"
    np.save(path, (noise + tone).astype(np.float32))
    return path
