"""Renders layers with the engine, offline and without its latency, for the tests."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from entrain.engine import Engine, blocks
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.spec import from_specs
from entrain.vdevice.session.chain import Chain

Move = tuple[float, str, float, float]
"""Time in s, address, value, and duration of the move in s."""


def _render(
    layers: Protocol | str | Sequence[str],
    source: npt.ArrayLike = 1.0,
    rate_hz: int = 48_000,
    block: int = 4096,
    moves: Sequence[Move] = (),
) -> npt.NDArray[np.float32]:
    """Process sound through layers and the limiter.

    Parameters
    ----------
    layers : Protocol, SPEC or sequence of SPEC
        None (an empty sequence) leaves the limiter alone.
    source : (frames, 2) array or seconds
        The input; a number means that many seconds of silence, in which SPECs are heard as well.
    rate_hz : int
        Sample rate.
    block : int
        Number of frames in a block.
    moves : sequence of Move
        Moves of parameters, in the order of time.

    Returns
    -------
    (frames, 2) float32 ndarray
        As long as the source, without the engine's latency.

    """
    if not isinstance(layers, Protocol):
        layers = from_specs([layers] if isinstance(layers, str) else layers, blocks)
        layers = layers.model_copy(update={"standalone": True})
    sound = np.asarray(source, np.float32)
    if sound.ndim == 0:
        sound = np.zeros((round(float(sound) * rate_hz), 2), np.float32)
    with Engine(rate_hz) as engine:
        chain = Chain(engine)
        chain.use(layers)
        latency = engine.latency_frames
        padded = np.pad(sound.T, ((0, 0), (0, latency)))
        rendered = []
        at = 0
        for second, address, value, over_s in [*moves, (np.inf, "", 0.0, 0.0)]:
            end = padded.shape[1] if second == np.inf else round(second * rate_hz)
            for start in range(at, end, block):
                piece = padded[:, start : min(start + block, end)]
                rendered.append(engine.process(np.ascontiguousarray(piece)))
            at = end
            if address:
                chain.set(address, value, over_s)
    return np.concatenate(rendered, 1)[:, latency:].T


@pytest.fixture
def render() -> Callable[..., npt.NDArray[np.float32]]:
    """Render layers over an input; see `_render`."""
    return _render
