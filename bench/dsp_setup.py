"""What is measured: the work, and the sound to do it on.  Shared with the peers' processes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RATE_HZ = 48_000
BLOCK_FRAMES = (64, 128, 256)
SECONDS = 4
WHOLE_FILE = 0
"""In place of a block's frames."""


@dataclass(frozen=True)
class Layers:
    """A protocol as kinds of block, each with its initial values."""

    processors: tuple[str, ...]
    generators: tuple[str, ...]

    @property
    def chain(self) -> tuple[str, ...]:
        """Every block, in the order of the engine."""
        return ("pre", *self.processors, *self.generators, "limiter")


PROTOCOLS = {
    "tones": Layers((), ("binaural", "noise")),
    "focus": Layers(("am",), ("binaural",)),
    "rich": Layers(("selfbinaural", "bilateral"), ("isochronic", "noise")),
}


@dataclass(frozen=True)
class Work:
    """A block or a protocol, in blocks of so many frames."""

    what: str
    block_frames: int

    @staticmethod
    def all() -> "Iterator[Work]":
        """All that Entrain is measured at."""
        from entrain.engine import blocks

        for what in (*sorted(blocks()), *PROTOCOLS):
            for frames in BLOCK_FRAMES:
                yield Work(what, frames)

    @property
    def reference(self) -> "Work":
        """What Entrain's time is taken from, for the ratio."""
        return Work(self.what, self.block_frames or 128)


def programme(folder: Path) -> Path:
    """Write pink noise with a tone in it, -20 dB; the same each time."""
    import numpy as np  # here: a process whose memory is measured has no use for it

    rng = np.random.default_rng(4)
    frames = SECONDS * RATE_HZ
    spectrum = np.fft.rfft(rng.standard_normal((2, frames)))
    spectrum /= np.sqrt(np.maximum(1.0, np.arange(spectrum.shape[1])))
    noise = np.fft.irfft(spectrum, frames)
    noise *= 0.09 / noise.std()
    tone = 0.06 * np.sin(2 * np.pi * 440 * np.arange(frames) / RATE_HZ)
    path = folder / "programme.npy"
    np.save(path, (noise + tone).astype(np.float32))
    return path
