"""Python face of the native engine.

Nothing here runs on the audio thread; any method may be called while a device runs.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from entrain._native import check, ffi, load

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Parameter:
    """A block's parameter, as its FAUST source declares it; values in `unit`."""

    symbol: str
    name: str
    unit: str
    minimum: float
    maximum: float
    initial: float
    step: float


@dataclass(frozen=True, slots=True)
class Block:
    """A kind of layer; `group` is generator, processor or output."""

    kind: str
    group: str
    description: str
    parameters: dict[str, Parameter]


@dataclass(frozen=True, slots=True)
class Stats:
    """What the callback counted; see ``entrain_stats`` in engine_decls.h."""

    frames: int
    cycles: int
    xruns: int
    missing_buffers: int
    nonfinite: int
    busy_ns: int
    worst_ns: int


@dataclass(frozen=True, slots=True)
class Levels:
    """Left and right, full scale = 1.0; see ``entrain_levels`` in engine_decls.h."""

    in_rms: tuple[float, float]
    in_peak: tuple[float, float]
    out_rms: tuple[float, float]
    out_peak: tuple[float, float]


@cache
def blocks() -> dict[str, Block]:
    """Describe the blocks that are compiled in, by kind."""
    library = load("entrain")
    found = {}
    for index in range(library.entrain_block_count()):
        block = _describe(json.loads(ffi.string(library.entrain_block_json(index))))
        found[block.kind] = block
    return found


def _describe(description: Mapping[str, Any]) -> Block:
    declared = {key: value for entry in description["meta"] for key, value in entry.items()}
    parameters = {}
    for widget in _sliders(description["ui"]):
        meta = {key: value for entry in widget["meta"] for key, value in entry.items()}
        parameter = Parameter(
            symbol=meta["symbol"],
            name=widget["label"],
            unit=meta["unit"],
            minimum=widget["min"],
            maximum=widget["max"],
            initial=widget["init"],
            step=widget["step"],
        )
        parameters[parameter.symbol] = parameter
    return Block(declared["name"], declared["group"], declared["description"], parameters)


def _sliders(widgets: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Find what can be set, in the order of the source."""
    found: list[Mapping[str, Any]] = []
    for widget in widgets:
        if "items" in widget:
            found += _sliders(widget["items"])
        elif "init" in widget:
            found.append(widget)
    return found


class Engine:
    """Processes stereo sound through layers.

    Parameters
    ----------
    rate_hz : int
        Sample rate, 8000 .. 192000.

    Raises
    ------
    EngineError
        The rate is out of range, or memory is short.

    """

    def __init__(self, rate_hz: int = 48_000) -> None:
        self._library = load("entrain")
        handle = ffi.new("entrain_engine **")
        check(self._library.entrain_create(rate_hz, handle), f"engine at {rate_hz} Hz")
        self._engine = handle[0]
        self._bypass = False

    @property
    def native(self) -> Any:
        """The C pointer, for back ends; valid until `close`."""
        return self._engine

    def close(self) -> None:
        """Free the engine.  No device may use it any more."""
        self._library.entrain_destroy(self._engine)
        self._engine = ffi.NULL

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def rate_hz(self) -> int:
        """Sample rate; setting it rebuilds what depends on it."""
        return int(self._library.entrain_rate(self._engine))

    @rate_hz.setter
    def rate_hz(self, rate_hz: int) -> None:
        check(self._library.entrain_set_rate(self._engine, rate_hz), f"rate of {rate_hz} Hz")

    @property
    def latency_frames(self) -> int:
        """Delay from input to output, also in bypass."""
        return int(self._library.entrain_latency_frames(self._engine))

    def add_layer(self, kind: str, values: Mapping[str, float] | None = None) -> int:
        """Build a layer that is not heard yet.

        Returns
        -------
        int
            Its number, for the other methods.

        Raises
        ------
        EngineError
            Unknown kind or parameter, value out of range.

        """
        number = ffi.new("uint32_t *")
        check(self._library.entrain_add_layer(self._engine, kind.encode(), number), kind)
        for symbol, value in (values or {}).items():
            self.set_parameter(number[0], symbol, value)
        return int(number[0])

    def set_parameter(self, layer: int, symbol: str, value: float, over_s: float = 0.0) -> None:
        """Move a parameter to `value` within `over_s` seconds (0: 20 ms).

        Raises
        ------
        EngineError
            Unknown layer or parameter, value out of range.

        """
        set_parameter = self._library.entrain_set_parameter
        check(set_parameter(self._engine, layer, symbol.encode(), value, over_s), symbol)

    def parameter(self, layer: int, symbol: str, *, target: bool = True) -> float:
        """Where a parameter is going or, with `target` false, where it is."""
        value = ffi.new("float *")
        get_parameter = self._library.entrain_get_parameter
        check(get_parameter(self._engine, layer, symbol.encode(), target, value), symbol)
        return float(value[0])

    def route(self, layers: Sequence[int]) -> None:
        """Say which layers are heard; the others fade out and are gone.

        Raises
        ------
        EngineError
            A number is unknown or named twice; then nothing has changed.

        """
        check(self._library.entrain_route(self._engine, list(layers), len(layers)), "layers")

    @property
    def bypass(self) -> bool:
        """Whether the programme passes untouched; setting it cross-fades."""
        return self._bypass

    @bypass.setter
    def bypass(self, bypass: bool) -> None:
        self._bypass = bypass
        self._library.entrain_set_bypass(self._engine, bypass)

    def set_playing(self, playing: bool) -> None:
        """Say whether a programme plays: generators fade out when it ends."""
        self._library.entrain_set_playing(self._engine, playing)

    def stats(self) -> Stats:
        """Read the callback's counters."""
        raw = ffi.new("entrain_stats *")
        self._library.entrain_read_stats(self._engine, raw)
        return Stats(*(getattr(raw, name) for name in Stats.__slots__))

    def reset_worst(self) -> None:
        """Forget the longest callback so far."""
        self._library.entrain_reset_worst(self._engine)

    def levels(self) -> Levels:
        """Read the meters; they stand still while nothing is processed."""
        raw = ffi.new("entrain_levels *")
        self._library.entrain_read_levels(self._engine, raw)
        return Levels(*(tuple(getattr(raw, name)) for name in Levels.__slots__))

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
        import numpy as np  # the running app never gets here, and stays small

        if block.ndim != 2 or block.shape[0] != 2 or block.dtype != np.float32:
            raise ValueError(f"need (2, frames) float32, not {block.shape} {block.dtype}")
        if not block.flags.c_contiguous:
            raise ValueError("the block must be C-contiguous")
        out = np.empty_like(block)
        frames = block.shape[1]
        source = ffi.new("const float *[2]", [_pointer(block[channel]) for channel in (0, 1)])
        sink = ffi.new("float *[2]", [_pointer(out[channel]) for channel in (0, 1)])
        self._library.entrain_process(self._engine, source, sink, frames)
        return out

    def read_tap(self, first: int, frames: int) -> "npt.NDArray[np.float32]":
        """Copy `frames` frames of the output, from frame number `first` on.

        Returns
        -------
        (2, frames) float32 ndarray

        Raises
        ------
        EngineError
            They are not kept any more, or not there yet.

        """
        import numpy as np

        samples = np.empty((frames, 2), np.float32)
        status = self._library.entrain_read_tap(self._engine, first, _pointer(samples), frames)
        check(status, "tap")
        return samples.T


def _pointer(samples: "npt.NDArray[np.float32]") -> Any:
    return ffi.cast("float *", samples.ctypes.data)
