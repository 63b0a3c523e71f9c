"""Golden sound: references for protocols and blocks, small enough for the repository.

The engine makes golden sound from a fixed input: for a protocol three excerpts of its session, for
a block a second at each of several settings.  The repository stores a *sketch* of it: each piece
of 512 samples is multiplied with fixed random signs, summed up, and divided by the square root of
512.  The sketches of two sounds differ by as much as the sounds do: the difference of the sums has,
on average over the signs, the power of the difference of the samples.  Every sample counts, at
1/22 of its size.
"""

import functools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from made_up_head import made_up

from entrain.block import AMOUNT, Parameter
from entrain.engine import Engine, blocks
from entrain.runner import Runner
from entrain.vdevice.protocol import library
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.session.chain import Chain

FOLDER = Path(__file__).parent / "dsp" / "golden"
RATE_HZ = 48_000
PIECE_FRAMES = 512
SESSION_FRAMES = 375 * PIECE_FRAMES
"""Length of one excerpt of a session: 4 s."""
SETTING_FRAMES = 96 * PIECE_FRAMES
"""Length of a block's sound at one setting: 1 s."""
SETTINGS = 16
"""Number of settings for each block; a fixed seed draws them."""
TOLERANCE_DB = -120.0
"""Largest accepted difference in one piece, in dB of full scale; it is inaudible.

Compilers, and processors with and without fused multiply-adds, differ by less.
"""

EARS = ("left", "right")

Sound = npt.NDArray[np.float32]
"""Left and right, as (2, frames)."""
Sketch = npt.NDArray[np.float32]
"""Left and right, as (2, pieces)."""


@dataclass(frozen=True)
class Excerpt:
    """A part of a golden sound."""

    what: str
    begin_s: float
    frames: int


# ---- the sound ---------------------------------------------------------------------------------


@functools.cache
def fixed_input() -> Sound:
    """Return pink noise with a pause, and a passage that the limiter turns down.

    It is computed in integers, so every machine makes the same samples.
    """
    frames = SESSION_FRAMES
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


def names() -> list[str]:
    """Name all golden sounds: protocols by their ids, blocks as `block-KIND`."""
    return [*library.ids(), *(f"block-{kind}" for kind in blocks())]


def golden_sound(name: str) -> tuple[Sound, list[Excerpt]]:
    """Render the golden sound with this name; also return its excerpts, in order."""
    if name.startswith("block-"):
        rendered = list(_settings(name.removeprefix("block-")))
    else:
        rendered = list(sessions(library.by_id(name)))
    excerpts, sounds = zip(*rendered, strict=True)
    return np.concatenate(sounds, axis=1), list(excerpts)


def sessions(protocol: Protocol) -> Iterator[tuple[Excerpt, Sound]]:
    """Render the beginning, the middle and the end of a session, for each kind of output."""
    yield from _session(protocol, "session")
    if protocol.without_headphones:
        update = {"layers": protocol.without_headphones, "without_headphones": None}
        alternative = protocol.model_copy(update=update | {"requires_headphones": False})
        yield from _session(alternative, "session on loudspeakers")


def _session(protocol: Protocol, what: str) -> Iterator[tuple[Excerpt, Sound]]:
    assert protocol.max_minutes
    end_s = min(protocol.duration_s or np.inf, 60 * protocol.max_minutes)
    with Engine(RATE_HZ) as engine:
        Chain(engine).use(protocol)
        for begin_s in (0.0, float(round(end_s / 2)), end_s - SESSION_FRAMES / RATE_HZ):
            engine.seek_session(begin_s)
            yield Excerpt(what, begin_s, SESSION_FRAMES), engine.process(fixed_input())


def _settings(kind: str) -> Iterator[tuple[Excerpt, Sound]]:
    loudest = SESSION_FRAMES // 2
    source = fixed_input()[:, loudest - SETTING_FRAMES // 2 :][:, :SETTING_FRAMES]
    raw = np.random.PCG64(zlib.crc32(kind.encode()))
    for _ in range(SETTINGS):
        values = {
            each.symbol: _value_at(each, int(raw.random_raw() >> np.uint64(32)) / 2**32)
            for each in blocks()[kind].parameters.values()
            if each.symbol != AMOUNT.symbol
        }
        what = " ".join(f"{symbol}={value:g}" for symbol, value in values.items())
        runner = Runner(kind, RATE_HZ, **values)
        if blocks()[kind].group == "space":
            runner.use_head(made_up().head())
        yield Excerpt(what or kind, 0.0, SETTING_FRAMES), runner.process(source)


def _value_at(parameter: Parameter, place: float) -> float:
    """Return the value at a place between 0 and 1 of the range, rounded as a person would do."""
    least, most = parameter.minimum, parameter.maximum
    if parameter.choices:
        return parameter.choices[int(place * len(parameter.choices))][1]
    if parameter.scale == "log":
        value = least * (most / least) ** place
    else:
        value = least + (most - least) * place
    return min(most, max(least, float(f"{value:.3g}")))


# ---- its sketch --------------------------------------------------------------------------------


@functools.cache
def _signs(frames: int) -> npt.NDArray[np.int64]:
    drawn = np.random.PCG64(2).random_raw(frames)
    return (drawn >> np.uint64(63)).astype(np.int64) * 2 - 1


def sketch(sound: Sound) -> Sketch:
    """Sum up each piece of each ear with random signs; the module's docstring explains it."""
    signed = (sound * _signs(sound.shape[1])).reshape(len(sound), -1, PIECE_FRAMES)
    return (signed.sum(axis=2) / np.sqrt(PIECE_FRAMES)).astype(np.float32)


def difference(actual: Sketch, expected: Sketch, excerpts: list[Excerpt]) -> str | None:
    """Describe how far a sound is from its reference, and where; None if they are the same.

    Parameters
    ----------
    actual, expected : (2, pieces) float32 ndarray
        Sketches.
    excerpts : list of Excerpt
        The excerpts that the sketches cover, in order.

    """
    if actual.shape != expected.shape:
        return f"has {_shape(actual)}, its reference {_shape(expected)}"
    apart = np.abs(actual.astype(np.float64) - expected)
    differs = ~(apart <= 10 ** (TOLERANCE_DB / 20))  # written so that NaN differs
    if not differs.any():
        return None
    apart = np.nan_to_num(apart, nan=np.inf)
    first = int(np.flatnonzero(differs.any(axis=0))[0])
    worst_ear, worst = np.unravel_index(np.argmax(apart), apart.shape)
    ears = [name for name, ear in zip(EARS, differs, strict=True) if ear.any()]
    rms = float(np.sqrt(np.mean(np.square(apart))))
    return (
        f"differs by {_db(rms)} of full scale ({' and '.join(ears)}), "
        f"first at {_place(first, excerpts)}; "
        f"most, {_db(apart.max())}, at {_place(int(worst), excerpts)}, {EARS[worst_ear]}"
    )


def _shape(of: Sketch) -> str:
    return f"{of.shape[0]} channels of {of.shape[1]} pieces"


def _db(amplitude: float) -> str:
    return f"{20 * np.log10(amplitude):.1f} dB"


def _place(piece: int, excerpts: list[Excerpt]) -> str:
    frame = piece * PIECE_FRAMES
    for excerpt in excerpts:
        if frame < excerpt.frames:
            break
        frame -= excerpt.frames
    return f"{excerpt.begin_s + frame / RATE_HZ:.3f} s of {excerpt.what}"
