"""Python interface of the native engine.

None of this runs on the audio thread; any method may be called while a device runs.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from entrain._native import channels, check, ffi, load
from entrain.block import Block, block_from_json
from entrain.head import Head, Space
from entrain.readings import (
    Durations,
    Levels,
    Loudness,
    Measurement,
    Promise,
    Samples,
    Stats,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Point:
    """A breakpoint of an automation.

    Has a time in the session, a value in the parameter's own unit, and the curve from here to the
    next breakpoint: ``step``, ``linear``, ``exponential`` or ``smooth``.
    """

    seconds: float
    value: float
    curve: str = "linear"


TAP_FRAMES = 65536 - 8192
"""Age, in frames, of the oldest frame that `Engine.tap` returns.

The native library keeps 65,536 frames; the callback may write a block while they are copied.
"""
_TAP_ATTEMPTS = 4

CURVES = ("step", "linear", "exponential", "smooth")
"""Names of curves, in the order of ``ENTRAIN_CURVE_*``."""


class Way:
    """Breakpoints of an automation in the engine's format.

    Parameters
    ----------
    points : sequence of (seconds, value, curve)
        Fields of a `Point`.  Converting ten thousand points takes some milliseconds, on any thread.

    """

    def __init__(self, points: Sequence[tuple[float, float, str]]) -> None:
        self.native = ffi.new("entrain_point[]", len(points))
        for place, (seconds, value, curve) in enumerate(points):
            self.native[place] = (seconds, value, CURVES.index(curve))

    def __len__(self) -> int:
        return len(self.native)


OWN_LAYERS = {"input": 1, "output": 2}
"""Numbers of the engine's own two layers, by the group of their blocks."""


@cache
def blocks() -> dict[str, Block]:
    """Return all blocks of the native library, by kind."""
    library = load("entrain")
    told = (library.entrain_block_json(index) for index in range(library.entrain_block_count()))
    found = (block_from_json(json.loads(ffi.string(text))) for text in told)
    return {block.kind: block for block in found}


def faust_version() -> str:
    """Return the version of the FAUST compiler that compiled the blocks, such as "2.88.0"."""
    return str(json.loads(ffi.string(load("entrain").entrain_block_json(0)))["faust"])


def rates_hz() -> tuple[int, int]:
    """Return the lowest and the highest sample rate of an engine or a block."""
    library = load("entrain")
    return library.ENTRAIN_LOWEST_HZ, library.ENTRAIN_HIGHEST_HZ


class Engine:
    """Processes stereo sound through layers.

    Parameters
    ----------
    rate_hz : int
        Sample rate, within the limits that `rates_hz` returns.

    Raises
    ------
    EngineError
        The rate is out of range, or the memory is exhausted.

    """

    def __init__(self, rate_hz: int = 48_000) -> None:
        self._library = load("entrain")
        handle = ffi.new("entrain_engine **")
        check(self._library.entrain_create(rate_hz, handle), f"engine at {rate_hz} Hz")
        self._engine = handle[0]
        self._bypass = False
        self._matched = False

    @property
    def native(self) -> Any:
        """The C pointer, for back ends; valid until `close`."""
        return self._engine

    def close(self) -> None:
        """Free the engine.  No device may use it afterwards."""
        self._library.entrain_destroy(self._engine)
        self._engine = ffi.NULL

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def rate_hz(self) -> int:
        """Sample rate in Hz; after a change there is a short gap, and no head."""
        return int(self._library.entrain_rate(self._engine))

    @rate_hz.setter
    def rate_hz(self, rate_hz: int) -> None:
        check(self._library.entrain_set_rate(self._engine, rate_hz), f"rate of {rate_hz} Hz")

    @property
    def latency_frames(self) -> int:
        """Delay from input to output, in frames; the same in bypass."""
        return int(self._library.entrain_latency_frames(self._engine))

    def add_layer(self, kind: str, values: Mapping[str, float] | None = None) -> int:
        """Create a layer; it is heard after `route` names it.

        Returns
        -------
        int
            Number of the layer, for the other methods.

        Raises
        ------
        EngineError
            Unknown kind or parameter, value out of range, or too many layers.

        """
        number = ffi.new("uint32_t *")
        check(self._library.entrain_add_layer(self._engine, kind.encode(), number), kind)
        for symbol, value in (values or {}).items():
            self.set_parameter(number[0], symbol, value)
        return int(number[0])

    def set_parameter(self, layer: int, symbol: str, value: float, over_s: float = 0.0) -> None:
        """Move a parameter to `value` within `over_s` seconds; 0 means 20 ms.

        Raises
        ------
        EngineError
            Unknown layer or parameter, value out of range.

        """
        set_parameter = self._library.entrain_set_parameter
        check(set_parameter(self._engine, layer, symbol.encode(), value, over_s), symbol)

    def parameter(self, layer: int, symbol: str, *, target: bool = True) -> float:
        """Return the value that a parameter moves to or, without `target`, its present value."""
        value = ffi.new("float *")
        get_parameter = self._library.entrain_get_parameter
        check(get_parameter(self._engine, layer, symbol.encode(), target, value), symbol)
        return float(value[0])

    def automate(
        self, layer: int, symbol: str, points: Sequence[Point] | Way, loop_s: float = 0.0
    ) -> None:
        """Set the automation of a parameter; it takes effect with the next `route`.

        Parameters
        ----------
        layer : int
            Number of the layer.
        symbol : str
            Permanent name of the parameter.
        points : sequence of Point, or Way
            Breakpoints in the order of time; an empty sequence removes the automation.
        loop_s : float
            Time after which the automation repeats; 0: the last value holds.

        Raises
        ------
        EngineError
            Unknown layer or parameter, or invalid breakpoints.

        """
        way = points if isinstance(points, Way) else Way([astuple(each) for each in points])
        automate = self._library.entrain_automate
        check(automate(self._engine, layer, symbol.encode(), way.native, len(way), loop_s), symbol)

    def route(self, layers: Sequence[int], *, restart: bool = False) -> None:
        """Set the layers that are heard; all other layers fade out and are freed.

        Layers that were added but never heard are freed, too.  With `restart` the session starts
        anew with the first frame of these layers.

        Raises
        ------
        EngineError
            A number is unknown or occurs twice; then nothing has changed.

        """
        route = self._library.entrain_route
        check(route(self._engine, list(layers), len(layers), restart), "layers")

    def place(self, layer: int, placed: bool = True) -> None:
        """Give a generator to the space, or take it back; it takes effect with the next `route`.

        Raises
        ------
        EngineError
            It is not a generator, it needs both channels, or too many are placed.

        """
        check(self._library.entrain_place(self._engine, layer, placed), f"layer {layer}")

    def use_head(self, head: Head | None) -> None:
        """Hear through this head from now on; the space is off without one.

        A head at another sample rate is resampled first; see `Head.at_rate`.
        """
        native = head.native if head else ffi.NULL
        check(self._library.entrain_use_head(self._engine, native), "head")

    def turn_head(self, turn: Sequence[float]) -> None:
        """Say how the head is turned: w, x, y, z of the rotation from the room to the head.

        Raises
        ------
        EngineError
            The numbers are not finite, or all 0.

        """
        check(self._library.entrain_turn_head(self._engine, list(turn)), "turn of the head")

    def space(self) -> Space:
        """Read the state of the space."""
        raw = ffi.new("entrain_space *")
        self._library.entrain_read_space(self._engine, raw)
        return Space(tuple(raw.turn), raw.age_s, raw.sources, bool(raw.has_head))

    def run_session(self, runs: bool) -> None:
        """Run or pause the session's clock."""
        self._library.entrain_run_session(self._engine, runs)

    def seek_session(self, seconds: float) -> None:
        """Move the session's clock; raises `EngineError` beyond one week."""
        check(self._library.entrain_seek_session(self._engine, seconds), f"{seconds:.10g} s")

    def session(self) -> tuple[float, bool]:
        """Return the time in the session, in seconds, and whether its clock runs."""
        seconds, runs = ffi.new("double *"), ffi.new("int *")
        self._library.entrain_read_session(self._engine, seconds, runs)
        return float(seconds[0]), bool(runs[0])

    @property
    def bypass(self) -> bool:
        """Whether the input passes untouched; a change cross-fades."""
        return self._bypass

    @bypass.setter
    def bypass(self, bypass: bool) -> None:
        self._bypass = bypass
        self._library.entrain_set_bypass(self._engine, bypass * (1 + self._matched))

    @property
    def bypass_is_matched(self) -> bool:
        """Whether a bypassed input is made as loud as the output was; otherwise it is exact."""
        return self._matched

    @bypass_is_matched.setter
    def bypass_is_matched(self, matched: bool) -> None:
        self._matched = matched
        self.bypass = self._bypass

    def set_standalone(self, standalone: bool) -> None:
        """Set whether generators are heard while the input is silent."""
        self._library.entrain_set_standalone(self._engine, standalone)

    def stats(self) -> Stats:
        """Read the callback's counters."""
        raw = ffi.new("entrain_stats *")
        self._library.entrain_read_stats(self._engine, raw)
        return Stats(*(getattr(raw, name) for name in Stats.__slots__))

    def durations(self) -> Durations:
        """Read the durations of the callback."""
        raw = ffi.new("entrain_durations *")
        self._library.entrain_read_durations(self._engine, raw)
        return Durations(tuple(raw.count), raw.longest_ns, raw.longest_share)

    @property
    def processed_s(self) -> float:
        """Seconds of sound processed so far, across changes of the sample rate."""
        return float(self._library.entrain_processed_seconds(self._engine))

    def levels(self) -> Levels:
        """Read the meters; they stand still while no sound is processed."""
        raw = ffi.new("entrain_levels *")
        self._library.entrain_read_levels(self._engine, raw)
        return Levels(*(tuple(getattr(raw, name)) for name in Levels.__slots__))

    def loudness(self) -> tuple[Loudness, Loudness]:
        """Read the loudness of the input and of the output."""
        raw = ffi.new("entrain_loudness[2]")
        self._library.entrain_read_loudness(self._engine, raw, raw + 1)
        before, after = (
            Loudness(*(getattr(each, name) for name in Loudness.__slots__)) for each in raw
        )
        return before, after

    def reset_loudness(self) -> None:
        """Start the integrated loudness anew."""
        self._library.entrain_reset_loudness(self._engine)

    def measure(self, promise: Promise) -> Measurement:
        """Find the promised rhythm in the last second of the output.

        Takes about 2 ms.  Several calls a second apart make a beat exact to a millihertz.

        Raises
        ------
        EngineError
            Less than about a second of sound has been processed.

        """
        wanted = (
            list(promise.tone_hz),
            promise.modulation_hz,
            promise.corner_hz,
            promise.interaural_hz,
        )
        raw = ffi.new("entrain_measurement *")
        measure = self._library.entrain_measure
        check(measure(self._engine, ffi.new("entrain_promise *", wanted), raw), "measurement")
        return Measurement(
            tone_hz=(raw.tone_hz[0], raw.tone_hz[1]),
            tone_db=(raw.tone_db[0], raw.tone_db[1]),
            beat_hz=raw.beat_hz,
            beat_error_hz=raw.beat_error_hz,
            modulation_hz=raw.modulation_hz,
            index=(raw.index[0], raw.index[1]),
            index_floor=(raw.index_floor[0], raw.index_floor[1]),
            interaural_hz=raw.interaural_hz,
            coherence=raw.coherence,
        )

    def process(self, block: "npt.NDArray[np.float32]") -> "npt.NDArray[np.float32]":
        """Process sound while no device runs.

        Parameters
        ----------
        block : (2, frames) float32 ndarray, C-contiguous
            Left and right samples, full scale = 1.0.

        Returns
        -------
        (2, frames) float32 ndarray
            A new array, late by `latency_frames` frames.

        Raises
        ------
        ValueError
            Wrong shape, dtype or memory order.

        """
        import numpy as np  # not imported by the running app, which stays small

        if block.ndim != 2 or block.shape[0] != 2 or block.dtype != np.float32:
            raise ValueError(f"need (2, frames) float32, not {block.shape} {block.dtype}")
        if not block.flags.c_contiguous:
            raise ValueError("the block must be C-contiguous")
        out = np.empty_like(block)
        process = self._library.entrain_process
        process(self._engine, channels(block), channels(out), block.shape[1])
        return out

    def tap(self, first: int | None, frames: int) -> Samples:
        """Copy the latest frames of the input and of the output; works without numpy.

        Parameters
        ----------
        first : int or None
            Number of the first frame; frames that are not kept any more are left out.  None: the
            newest `frames`.
        frames : int
            Highest number of frames, 0 … `TAP_FRAMES`.

        Returns
        -------
        Samples
            Fewer frames than wanted, perhaps none, if the engine has not processed more.

        Raises
        ------
        EngineError
            This thread was stopped so often that the frames were overwritten each time.

        """
        for _ in range(_TAP_ATTEMPTS):
            end = self.stats().frames
            begin = max(end - frames if first is None else min(first, end), end - TAP_FRAMES, 0)
            count = min(frames, end - begin)
            content = bytearray(16 * count)
            status = self._copy(begin, count, content)
            if not status:
                break
        check(status, "tap")
        return Samples(begin, count, self.rate_hz, content)

    def _copy(self, first: int, frames: int, content: bytearray) -> int:
        """Copy frames of the input, then of the output; returns the native status."""
        read_tap, room = self._library.entrain_read_tap, ffi.from_buffer("float[]", content)
        status = read_tap(self._engine, True, first, room, frames)
        return int(status or read_tap(self._engine, False, first, room + 2 * frames, frames))

    def read_tap(
        self, first: int, frames: int, *, of_input: bool = False
    ) -> "npt.NDArray[np.float32]":
        """Copy `frames` frames of the output, from frame number `first` on.

        With `of_input`, copy frames of the input with the same delay.

        Returns
        -------
        (2, frames) float32 ndarray

        Raises
        ------
        EngineError
            The frames have been overwritten, or are not written yet.

        """
        import numpy as np

        samples = np.empty((frames, 2), np.float32)
        read_tap = self._library.entrain_read_tap
        room = ffi.from_buffer("float[]", samples)
        check(read_tap(self._engine, of_input, first, room, frames), "tap")
        return samples.T
