"""All processors handle any values and any sound, and moves while they run."""

import numpy as np
import pytest
from measure import pink_noise
from scipy.signal import butter, sosfilt

from entrain.engine import blocks
from entrain.faust import Runner

RATE_HZ = 48_000
GRID = 16  # frames between changes of parameters by the engine
KINDS = ["am", "bilateral", "gain", "phasemod", "selfbinaural", "swell"]


def ranges(kind: str) -> dict[str, tuple[float, float]]:
    """Return the ranges of a block's own parameters, without `amount`, which the engine adds."""
    parameters = blocks()[kind].parameters
    return {s: (p.minimum, p.maximum) for s, p in parameters.items() if s != "amount"}


def moves() -> list[tuple[str, str]]:
    return [(kind, symbol) for kind in KINDS for symbol in ranges(kind)]


def draw(rng: np.random.Generator, kind: str) -> dict[str, float]:
    """Draw a value for each parameter; one in four is at an end of its range."""
    return {
        symbol: float(rng.choice([low, high]) if rng.random() < 0.25 else rng.uniform(low, high))
        for symbol, (low, high) in ranges(kind).items()
    }


# ---- any values, any sound ----------------------------------------------------------------


def hostile(rng: np.random.Generator, frames: int) -> np.ndarray:
    kinds = [
        lambda: rng.choice([-16.0, 16.0], (2, frames)),
        lambda: np.full((2, frames), rng.choice([-16.0, 16.0])),
        lambda: rng.normal(0, 4, (2, frames)).clip(-16, 16),
        lambda: 16 * np.sign(np.sin(np.arange(frames) * rng.uniform(0.001, 3) * np.ones((2, 1)))),
        lambda: rng.normal(0, 1e-39, (2, frames)),
        lambda: np.zeros((2, frames)),
        lambda: np.eye(2, frames) * 16,
    ]
    return kinds[rng.integers(len(kinds))]().astype(np.float32)


@pytest.mark.parametrize("rate_hz", [8_000, 48_000, 192_000])
@pytest.mark.parametrize("kind", KINDS)
def test_every_sample_is_finite_and_silence_becomes_silence(kind, rate_hz):
    rng = np.random.default_rng(1)
    block = Runner(kind, rate_hz)
    loudest = 0.0
    for _ in range(150):
        for symbol, value in draw(rng, kind).items():
            block.set(symbol, value)
        sound = block.process(hostile(rng, int(rng.choice([1, GRID, 100, 1000]))))
        assert np.isfinite(sound).all()
        loudest = max(loudest, float(np.abs(sound).max()))
    # The output is bounded by a few times the loudest input, since filters ring a little.
    assert 1 < loudest < 16 * 8
    tail = block.process(np.zeros((2, 2 * rate_hz), np.float32))
    assert np.abs(tail[:, rate_hz:]).max() < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_any_blocks_give_the_same_samples(kind):
    noise = pink_noise(0.5)
    whole = Runner(kind).process(noise)
    block = Runner(kind)
    cuts = np.cumsum(np.random.default_rng(1).integers(1, 1500, 40))
    parts = [block.process(each) for each in np.split(noise, cuts[cuts < noise.shape[1]], axis=1)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


# ---- moves --------------------------------------------------------------------------------


def moved(block: Runner, sound: np.ndarray, ends: dict[str, tuple[float, float]]) -> np.ndarray:
    """Process sound; in its middle, parameters move from one value to another within 20 ms."""
    for symbol, (first, _) in ends.items():
        block.set(symbol, first)
    at = sound.shape[1] // 2
    steps = round(0.02 * RATE_HZ / GRID)
    parts = [block.process(sound[:, :at])]
    for step in range(1, steps + 1):
        for symbol, (first, last) in ends.items():
            block.set(symbol, first + (last - first) * step / steps)
        parts.append(block.process(sound[:, at : at + GRID]))
        at += GRID
    return np.concatenate([*parts, block.process(sound[:, at:])], axis=1)


def steady(seconds: float = 0.6) -> np.ndarray:
    """Return five low tones and white noise, 50 dB softer, which is alone above 8 kHz."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    tones = sum(0.1 * np.sin(2 * np.pi * hz * time_s + hz) for hz in (90, 220, 440, 659, 1109))
    noise = np.random.default_rng(1).normal(0, 10 ** (-70 / 20), (2, len(time_s)))
    return (tones + noise).astype(np.float32)


def burst_db(sound: np.ndarray) -> float:
    """Return how far 2 ms around the move exceed the loudest other 2 ms, above 8 kHz."""
    sos = butter(8, 8_000, "high", fs=RATE_HZ, output="sos")
    high = sosfilt(sos, sound.astype(float))[:, RATE_HZ // 10 :]
    window = RATE_HZ // 500
    square = np.square(high[:, : high.shape[1] // window * window])
    levels = 10 * np.log10(square.reshape(2, -1, window).mean(axis=2))
    middle = (sound.shape[1] // 2 - RATE_HZ // 10) // window
    near = slice(middle - 1, middle + 13)
    return float(np.max(levels[:, near].max(axis=1) - np.delete(levels, near, axis=1).max(axis=1)))


@pytest.mark.parametrize(("kind", "symbol"), moves())
def test_a_parameter_that_goes_through_its_range_cannot_be_heard_to_click(kind, symbol):
    sound = steady()
    low, high = ranges(kind)[symbol]
    for ends in ((low, high), (high, low)):
        assert burst_db(moved(Runner(kind), sound, {symbol: ends})) < 3


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_that_move_together_cannot_be_heard_to_click(kind):
    rng = np.random.default_rng(2)
    sound = steady()
    for _ in range(10):
        first, last = draw(rng, kind), draw(rng, kind)
        ends = {symbol: (first[symbol], last[symbol]) for symbol in first}
        assert burst_db(moved(Runner(kind), sound, ends)) < 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_click_would_be_seen(kind):
    sound = moved(Runner(kind), steady(), {})
    sound[:, sound.shape[1] // 2 :] *= 0.5
    assert burst_db(sound) > 3
