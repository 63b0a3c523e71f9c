"""Excerpts of protocols' sessions: the places of the breakpoints, and the sound there."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from measure import pink_noise

from entrain.block import AMOUNT
from entrain.engine import Engine, blocks
from entrain.vdevice.protocol import library
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.timeline import value_at as curve_at
from entrain.vdevice.session.chain import Chain
from entrain.vdevice.verify.bands import edges_hz

RATE_HZ = 8_000
"""Sample rate; the effects of shipped protocols lie below 3 kHz."""
SETTLE_S = 8.0
"""Time after which generators have measured the input's level."""
EXCERPT_S = 20.0
LONGEST_S = 90.0
SHORTEST_S = 4.0
"""Shorter pieces between breakpoints are not measured."""

Sound = npt.NDArray[np.float32]


# ---- the places --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """A part of a session between two breakpoints."""

    begin_s: float
    end_s: float

    @property
    def middle_s(self) -> float:
        return (self.begin_s + self.end_s) / 2


@dataclass(frozen=True, eq=False)
class Excerpt:
    """A rendered part of a session."""

    protocol: Protocol
    begin_s: float
    seconds: float
    how: str

    def __str__(self) -> str:
        return f"{self.protocol.id}{self.how} from {self.begin_s:.0f} s"

    def pieces(self) -> list[Piece]:
        end_s = self.begin_s + self.seconds
        inner = [at_s for at_s in breakpoints_s(self.protocol) if self.begin_s < at_s < end_s]
        between = [Piece(*both) for both in pairwise([self.begin_s, *inner, end_s])]
        return [piece for piece in between if piece.end_s - piece.begin_s >= SHORTEST_S]


def breakpoints_s(protocol: Protocol) -> list[float]:
    return sorted(
        {
            point.at_s
            for layer in protocol.layers
            for automation in layer.automation.values()
            if not automation.loop_s
            for point in automation.points
        }
    )


def excerpts(protocol: Protocol, how: str) -> Iterator[Excerpt]:
    """Yield up to three excerpts: at the beginning, the middle breakpoint and the end."""
    seconds = max([EXCERPT_S, *(s for layer in protocol.layers for s in needed_s(layer))])
    assert seconds <= LONGEST_S
    first_s = max(protocol.ramp_in_s, SETTLE_S)
    assert protocol.max_minutes
    end_s = min(protocol.duration_s or np.inf, 60 * protocol.max_minutes) - protocol.ramp_out_s
    last_s = end_s - seconds
    inner = [at_s for at_s in breakpoints_s(protocol) if first_s < at_s < end_s]
    begins = [first_s, *(at_s - seconds / 2 for at_s in inner[len(inner) // 2 :][:1]), last_s]
    for begin_s in sorted({min(max(begin_s, first_s), last_s) for begin_s in begins}):
        yield Excerpt(protocol, begin_s, seconds, how)


def needed_s(layer: Layer) -> Iterator[float]:
    """Yield the time that several turns of each slow movement take."""
    if layer.kind == "swell":
        yield 6.5 * 60 / value(layer, "breaths_per_minute", 0)
    if layer.kind == "bilateral":
        yield 6.5 / value(layer, "rate_hz", 0)
    yield from (2.5 * each.loop_s for each in layer.automation.values())


def value(layer: Layer, symbol: str, at_s: float) -> float:
    """Return a parameter's value at a time of the session."""
    automation = layer.automation.get(symbol)
    if automation is None:
        return layer.params.get(symbol, blocks()[layer.kind].parameters[symbol].initial)
    return curve_at(automation, at_s % automation.loop_s if automation.loop_s else at_s)


def without_headphones(protocol: Protocol) -> Protocol:
    assert protocol.without_headphones
    update = {"layers": protocol.without_headphones, "without_headphones": None}
    return protocol.model_copy(update=update | {"requires_headphones": False})


def whole_library() -> Iterator[Excerpt]:
    for name in library.ids():
        protocol = library.by_id(name)
        yield from excerpts(protocol, "")
        if protocol.without_headphones:
            yield from excerpts(without_headphones(protocol), " without headphones")


# ---- the sound ---------------------------------------------------------------------------------


@functools.cache
def pink() -> Sound:
    """Return pink noise; 90 % of its power is the same in both ears, as in most music."""
    ears = pink_noise(SETTLE_S + LONGEST_S, rate_hz=RATE_HZ)
    alike, apart = np.sqrt(0.9), np.sqrt(0.1)
    mixed = [alike * ears[0] + apart * ears[1], alike * ears[0] - apart * ears[1]]
    return np.asarray(mixed, np.float32)


def gaps_hz(protocol: Protocol) -> Iterator[tuple[float, float]]:
    """Yield a third of an octave around each tone, and more for the sidebands of a swell."""
    for layer in protocol.layers:
        symbols = blocks()[layer.kind].parameters
        if "carrier_hz" in symbols:
            low_hz, high_hz = edges_hz(value(layer, "carrier_hz", 0))
            more_hz = value(layer, "rate_hz", 0) / 2 + 2 if "rate_hz" in symbols else 0.0
            yield low_hz - more_hz, high_hz + more_hz


@functools.lru_cache(4)
def noise_with_gaps(seconds: float, gaps: tuple[tuple[float, float], ...], silent: bool) -> Sound:
    """Return pink noise with gaps (Hz), as music has between its partials.

    A tone 15 dB below a noise is audible, but cannot be measured in it within seconds.
    """
    sound = pink()[:, : round(seconds * RATE_HZ)]
    if silent:
        return np.zeros_like(sound)
    spectrum = np.fft.rfft(sound)
    bins_hz = np.fft.rfftfreq(sound.shape[1], 1 / RATE_HZ)
    for low_hz, high_hz in gaps:
        spectrum[:, (bins_hz > low_hz) & (bins_hz < high_hz)] = 0
    return np.asarray(np.fft.irfft(spectrum, sound.shape[1]), np.float32)


@functools.lru_cache(2)
def rendered(excerpt: Excerpt, muted: str = "") -> tuple[Sound, Sound]:
    """Return the input and the output, from the excerpt's beginning on.

    The input of a standalone protocol is silence.  A muted layer stays in its place, so that each
    other layer of noise keeps its own noise.
    """
    protocol = excerpt.protocol
    gaps = tuple(gaps_hz(protocol))
    before = noise_with_gaps(SETTLE_S + excerpt.seconds, gaps, protocol.standalone)
    layers = tuple(without_sound(each) if each.id == muted else each for each in protocol.layers)
    with Engine(RATE_HZ) as engine:
        Chain(engine).use(protocol.model_copy(update={"layers": layers}))
        engine.seek_session(excerpt.begin_s - SETTLE_S)
        late = engine.latency_frames
        padded = np.pad(before, ((0, 0), (0, late)))
        starts = range(0, padded.shape[1], 4096)
        blocks_out = [engine.process(np.ascontiguousarray(padded[:, s : s + 4096])) for s in starts]
    after = np.concatenate(blocks_out, axis=1)[:, late:]
    settled = round(SETTLE_S * RATE_HZ)
    return before[:, settled:], after[:, settled:]


def without_sound(layer: Layer) -> Layer:
    """Return a layer without its sound."""
    moves = {name: moves for name, moves in layer.automation.items() if name != AMOUNT.symbol}
    return layer.model_copy(
        update={"params": {**layer.params, AMOUNT.symbol: 0.0}, "automation": moves}
    )


def alone(excerpt: Excerpt, layer: Layer) -> Sound:
    """Return the sound that a generator adds."""
    return rendered(excerpt)[1] - rendered(excerpt, layer.id)[1]
