"""Reference sound: what a protocol sounds like, small enough to be kept in the repository.

A protocol's golden sound is three excerpts of its session, made of a fixed input by the engine.
Stored is a *sketch* of it: each block of samples is multiplied with fixed random signs, summed up,
and divided by the square root of its length.  The sketches of two sounds differ by as much as the
sounds do: in each block the difference of the sums has, on average over the signs, the power of
the difference of the samples.  Every sample counts, at 1/22 of the sound's size.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from entrain.engine import Engine
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.session.chain import Chain

FOLDER = Path(__file__).parent / "dsp" / "golden"
RATE_HZ = 48_000
EXCERPT_S = 4.0
BLOCK_FRAMES = 512
EXCERPT_BLOCKS = int(EXCERPT_S * RATE_HZ) // BLOCK_FRAMES
TOLERANCE_DB = -120.0
"""Difference in one block that is not heard, nor anybody's intention, in dB of full scale.

Compilers, and processors with and without fused multiply-adds, differ by less.
"""

EARS = ("left", "right")

Sound = npt.NDArray[np.float32]
"""Left and right, as (2, frames)."""
Sketch = npt.NDArray[np.float32]
"""Left and right, as (2, blocks)."""


@dataclass(frozen=True)
class Excerpt:
    """A part of a session."""

    begin_s: float
    on_loudspeakers: bool


# ---- the sound ---------------------------------------------------------------------------------


@functools.cache
def fixed_input() -> Sound:
    """Return pink noise with a pause, and a passage that the limiter takes hold of.

    It is made of integers: the same samples on every machine.
    """
    frames = EXCERPT_BLOCKS * BLOCK_FRAMES
    raw = np.random.PCG64(1)

    def pink() -> npt.NDArray[np.int64]:
        octaves = []
        for held in 2 ** np.arange(10):
            drawn = (raw.random_raw(frames // held + 1) >> np.uint64(48)).astype(np.int64) - 32_768
            octaves.append(np.repeat(drawn, held)[:frames])
        return np.sum(octaves, axis=0)

    middle, left, right = (pink() for _ in range(3))
    ears = np.stack([2 * middle + left, 2 * middle + right]) / 2**22
    ears[:, frames // 4 : frames // 4 + RATE_HZ // 10] = 0
    ears[:, frames // 2 : frames // 2 + RATE_HZ // 4] *= 16
    return ears.astype(np.float32)


def excerpts(protocol: Protocol) -> list[Excerpt]:
    """Give the beginning, the middle and the end of a session, for each kind of output."""
    assert protocol.max_minutes
    end_s = min(protocol.duration_s or np.inf, 60 * protocol.max_minutes)
    begins_s = [0.0, float(round(end_s / 2)), end_s - EXCERPT_S]
    outputs = [False, True] if protocol.without_headphones else [False]
    return [Excerpt(begin_s, each) for each in outputs for begin_s in begins_s]


def golden_sound(protocol: Protocol) -> Sound:
    """Render all excerpts of a protocol, one after the other."""
    rendered = list(_rendered(protocol, [e for e in excerpts(protocol) if not e.on_loudspeakers]))
    if protocol.without_headphones:
        update = {"layers": protocol.without_headphones, "without_headphones": None}
        alternative = protocol.model_copy(update=update | {"requires_headphones": False})
        of_it = [e for e in excerpts(protocol) if e.on_loudspeakers]
        rendered += _rendered(alternative, of_it)
    return np.concatenate(rendered, axis=1)


def _rendered(protocol: Protocol, wanted: list[Excerpt]) -> Iterator[Sound]:
    with Engine(RATE_HZ) as engine:
        Chain(engine).use(protocol)
        for excerpt in wanted:
            engine.seek_session(excerpt.begin_s)
            yield engine.process(fixed_input())


# ---- its sketch --------------------------------------------------------------------------------


@functools.cache
def _signs(blocks: int) -> npt.NDArray[np.int64]:
    drawn = np.random.PCG64(2).random_raw(blocks * BLOCK_FRAMES)
    return (drawn >> np.uint64(63)).astype(np.int64) * 2 - 1


def sketch(sound: Sound) -> Sketch:
    """Sum up each block of each ear with random signs; see above."""
    blocks = sound.shape[1] // BLOCK_FRAMES
    assert sound.shape[1] == blocks * BLOCK_FRAMES
    signed = (sound * _signs(blocks)).reshape(len(sound), blocks, BLOCK_FRAMES)
    return (signed.sum(axis=2) / np.sqrt(BLOCK_FRAMES)).astype(np.float32)


def difference(actual: Sketch, expected: Sketch, wanted: list[Excerpt]) -> str | None:
    """Say how far a sound is from its reference, and where; None where it is the same.

    Parameters
    ----------
    actual, expected : (2, blocks) float32 ndarray
        Sketches.
    wanted : list of Excerpt
        What they are of, in their order.

    """
    if actual.shape != expected.shape:
        return f"has {_shape(actual)}, its reference {_shape(expected)}"
    apart = np.abs(actual.astype(np.float64) - expected)
    differs = ~(apart <= 10 ** (TOLERANCE_DB / 20))  # so NaN does
    if not differs.any():
        return None
    apart = np.nan_to_num(apart, nan=np.inf)
    first = int(np.flatnonzero(differs.any(axis=0))[0])
    worst_ear, worst = np.unravel_index(np.argmax(apart), apart.shape)
    ears = [name for name, ear in zip(EARS, differs, strict=True) if ear.any()]
    rms = float(np.sqrt(np.mean(np.square(apart))))
    return (
        f"differs by {_db(rms)} of full scale ({' and '.join(ears)}), "
        f"first at {_place(first, wanted)}; "
        f"most, {_db(apart.max())}, at {_place(int(worst), wanted)}, {EARS[worst_ear]}"
    )


def _shape(of: Sketch) -> str:
    return f"{of.shape[0]} channels of {of.shape[1]} blocks"


def _db(amplitude: float) -> str:
    return f"{20 * np.log10(amplitude):.1f} dB"


def _place(block: int, wanted: list[Excerpt]) -> str:
    excerpt = wanted[block // EXCERPT_BLOCKS]
    seconds = excerpt.begin_s + block % EXCERPT_BLOCKS * BLOCK_FRAMES / RATE_HZ
    return f"{seconds:.3f} s of the session" + (
        " on loudspeakers" if excerpt.on_loudspeakers else ""
    )
