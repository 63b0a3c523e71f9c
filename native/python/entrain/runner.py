"""Runs one block by itself, for tests and notebooks.

`entrain.faust` has a class for each block, with its parameters as attributes.
"""

from typing import TYPE_CHECKING, Self

from entrain._native import channels, check, ffi, load

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from entrain.head import Head


class Runner:
    """Runs one block without an engine, fades or a limiter.

    Parameters
    ----------
    kind : str
        Name of the block.
    sample_rate_hz : int
        Within the limits that `entrain.engine.rates_hz` returns.
    **values : float
        Values of parameters by symbol; other parameters have their initial values.

    Raises
    ------
    EngineError
        Unknown kind or parameter, rate or value out of range.

    """

    def __init__(self, kind: str, sample_rate_hz: int = 48_000, **values: float) -> None:
        self.sample_rate_hz = sample_rate_hz
        self._library = load("entrain")
        handle = ffi.new("entrain_block **")
        status = self._library.entrain_block_create(kind.encode(), sample_rate_hz, handle)
        check(status, f"{kind} at {sample_rate_hz} Hz")
        self._block = ffi.gc(handle[0], self._library.entrain_block_destroy)
        self._values: dict[str, float] = {}
        for symbol, value in values.items():
            self.set(symbol, value)

    def set(self, symbol: str, value: float) -> Self:
        """Set a parameter, in its own unit, from the next frame on.

        Raises
        ------
        EngineError
            Unknown parameter, or value out of range.

        """
        status = self._library.entrain_block_set(self._block, symbol.encode(), value)
        check(status, f"{symbol} = {value:.10g}")
        self._values[symbol] = float(value)
        return self

    def use_head(self, head: "Head | None") -> Self:
        """Give a head to a block of the group ``space``; without one it changes nothing."""
        native = head.native if head else ffi.NULL
        check(self._library.entrain_block_use_head(self._block, native), "head")
        return self

    def get(self, symbol: str) -> float:
        """Return the value that a parameter was set to; raises `KeyError` if it was not."""
        return self._values[symbol]

    def process(self, block: "npt.NDArray[np.float32]") -> "npt.NDArray[np.float32]":
        """Process sound; the state is kept from one call to the next.

        Parameters
        ----------
        block : (2, frames) float32 ndarray
            Left and right samples, full scale = 1.0.  A generator derives its level from them,
            and returns only the sound that it adds.

        Returns
        -------
        (2, frames) float32 ndarray
            A new array.

        Raises
        ------
        ValueError
            Wrong shape.

        """
        import numpy as np

        source = np.ascontiguousarray(block, np.float32)
        if source.ndim != 2 or source.shape[0] != 2:
            raise ValueError(f"need (2, frames), not {source.shape}")
        out = np.empty_like(source)
        process = self._library.entrain_block_process
        process(self._block, channels(source), channels(out), source.shape[1])
        return out


class Value:
    """Descriptor that makes a block's parameter an attribute."""

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol

    def __get__(self, runner: Runner, _owner: type | None = None) -> float:
        return runner.get(self._symbol)

    def __set__(self, runner: Runner, value: float) -> None:
        runner.set(self._symbol, value)
