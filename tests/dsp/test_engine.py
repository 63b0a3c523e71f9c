"""The engine's Python interface: descriptions of blocks, refusals, and processing."""

import numpy as np
import pytest

from entrain.block import OWN_GROUPS, ROUTED_GROUPS
from entrain.engine import TAP_FRAMES, Engine, blocks
from entrain.errors import EngineError, EntrainError
from entrain.readings import Samples

NOISE = np.random.default_rng(1).normal(0, 0.1, (2, 70_000)).astype(np.float32)


@pytest.fixture
def engine():
    with Engine() as engine:
        yield engine


# ---- descriptions of blocks ---------------------------------------------------------------


@pytest.mark.parametrize("block", blocks().values(), ids=blocks().keys())
def test_every_block_and_parameter_describes_itself(block):
    assert block.group in (*ROUTED_GROUPS, *OWN_GROUPS)
    assert len(block.description) > 10
    assert block.parameters
    for symbol, parameter in block.parameters.items():
        assert parameter.symbol == symbol
        assert symbol.isidentifier()
        assert symbol == symbol.lower()
        assert parameter.name
        assert parameter.unit
        assert parameter.minimum <= parameter.initial <= parameter.maximum
        assert 0 < parameter.step <= parameter.maximum - parameter.minimum


@pytest.mark.parametrize("block", blocks().values(), ids=blocks().keys())
def test_a_symbol_ends_in_the_unit_it_is_measured_in(block):
    endings = {
        "1": "",
        "1/min": "_per_minute",
        "Hz": "_hz",
        "LUFS": "_lufs",
        "dB": "_db",
        "dB/octave": "_db_per_octave",
        "dBTP": "_db",
        "cm": "_cm",
        "deg": "_deg",
        "m": "_m",
        "ms": "_ms",
        "s": "_s",
        "us": "_us",
    }
    for parameter in block.parameters.values():
        assert parameter.symbol.endswith(endings[parameter.unit])


@pytest.mark.parametrize("kind", [k for k, b in blocks().items() if b.group in ROUTED_GROUPS])
def test_a_new_layer_has_its_initial_values(engine, kind):
    layer = engine.add_layer(kind)
    for symbol, parameter in blocks()[kind].parameters.items():
        assert engine.parameter(layer, symbol) == pytest.approx(parameter.initial, rel=1e-6)


# ---- refusals -----------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [0, 7_999, 192_001])
def test_a_rate_out_of_range_is_named(engine, rate_hz):
    with pytest.raises(EngineError, match=rf"^engine at {rate_hz} Hz: \S"):
        Engine(rate_hz)
    with pytest.raises(EngineError, match=rf"^rate of {rate_hz} Hz: \S"):
        engine.rate_hz = rate_hz
    assert engine.rate_hz == 48_000


@pytest.mark.parametrize(
    ("attempt", "named", "status"),
    [
        (lambda e, layer: e.add_layer("nonsense"), "nonsense", 3),
        (lambda e, layer: e.add_layer("limiter"), "limiter", 3),
        (lambda e, layer: e.set_parameter(layer + 1, "beat_hz", 1), "beat_hz", 4),
        (lambda e, layer: e.set_parameter(layer, "nonsense", 1), "nonsense", 5),
        (lambda e, layer: e.parameter(layer, "nonsense"), "nonsense", 5),
        (lambda e, layer: e.set_parameter(layer, "beat_hz", 201), "beat_hz", 6),
        (lambda e, layer: e.set_parameter(layer, "beat_hz", np.nan), "beat_hz", 6),
        (lambda e, layer: e.set_parameter(layer, "beat_hz", 1, -1), "beat_hz", 6),
        (lambda e, layer: e.route([layer, layer]), "layers", 4),
        (lambda e, layer: e.read_tap(0, 1), "tap", 8),
    ],
)
def test_a_refusal_is_one_line_that_names_what_was_asked_for(engine, attempt, named, status):
    layer = engine.add_layer("binaural", {"beat_hz": 10})
    engine.route([layer])
    with pytest.raises(EngineError) as refused:
        attempt(engine, layer)
    what, _, reason = str(refused.value).partition(": ")
    assert what == named
    assert len(reason) > 10
    assert "\n" not in reason
    assert refused.value.status == status
    assert isinstance(refused.value, EntrainError)
    assert engine.parameter(layer, "beat_hz") == 10


@pytest.mark.parametrize(
    "block",
    [
        np.zeros((2, 64)),
        np.zeros((64, 2), np.float32),
        np.zeros(64, np.float32),
        np.zeros((1, 64), np.float32),
        np.zeros((2, 64, 1), np.float32),
        np.zeros((64, 2), np.float32).T,
        np.zeros((2, 128), np.float32)[:, ::2],
    ],
    ids=["double", "interleaved", "flat", "mono", "3-D", "Fortran order", "strided"],
)
def test_a_block_of_another_shape_type_or_order_is_refused(engine, block):
    with pytest.raises(ValueError, match=r"float32|contiguous"):
        engine.process(block)
    assert engine.stats().frames == 0


# ---- sound in, sound out ------------------------------------------------------------------


def test_a_block_is_not_changed_and_the_answer_is_a_new_one(engine):
    before = NOISE.copy()
    out = engine.process(NOISE)
    np.testing.assert_array_equal(NOISE, before)
    assert (out.shape, out.dtype) == (NOISE.shape, NOISE.dtype)
    assert not np.shares_memory(out, NOISE)


def test_an_empty_block_does_nothing(engine):
    assert engine.process(np.zeros((2, 0), np.float32)).shape == (2, 0)
    assert engine.stats().cycles == 0


def test_the_tap_gives_back_what_went_out(engine):
    out = engine.process(NOISE)
    tapped = engine.read_tap(NOISE.shape[1] - 1000, 1000)
    assert tapped.dtype == np.float32
    np.testing.assert_array_equal(tapped, out[:, -1000:])


def sound(tapped: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Return the frames of the input and of the output, each of shape (2, frames)."""
    samples = np.frombuffer(tapped.content, "<f4").reshape(2, tapped.frames, 2)
    return samples[0].T, samples[1].T


def test_a_tap_has_frames_of_the_same_numbers_of_input_and_output(engine):
    out = engine.process(NOISE)
    end, late = NOISE.shape[1], engine.latency_frames

    newest, older = engine.tap(None, 1000), engine.tap(end - 3000, 1000)

    assert (newest.first, newest.frames, newest.rate_hz) == (end - 1000, 1000, engine.rate_hz)
    assert (older.first, older.frames) == (end - 3000, 1000)
    for tapped in (newest, older):
        frames = slice(tapped.first, tapped.first + 1000)
        before, after = sound(tapped)
        np.testing.assert_array_equal(after, out[:, frames])
        np.testing.assert_array_equal(before, NOISE[:, frames.start - late : frames.stop - late])


@pytest.mark.parametrize(
    ("first", "begins", "frames"),
    [
        (0, 70_000 - TAP_FRAMES, 16_384),  # older frames are not kept
        (70_000 - 10, 70_000 - 10, 10),
        (70_000, 70_000, 0),
        (10**30, 70_000, 0),  # of another engine
    ],
)
def test_a_tap_says_where_its_frames_begin(engine, first, begins, frames):
    engine.process(NOISE)

    found = engine.tap(first, 16_384)

    assert (found.first, found.frames, len(found.content)) == (begins, frames, 16 * frames)


def test_a_tap_before_any_sound_is_empty(engine):
    assert engine.tap(None, 16_384) == Samples(0, 0, engine.rate_hz, bytearray())
    engine.process(NOISE[:, :100].copy())
    assert engine.tap(None, 16_384).frames == 100


def test_a_tap_tries_again_if_its_frames_were_overwritten(engine, monkeypatch):
    """As if this thread had been stopped in between for more than a second."""
    stats = engine.stats
    engine.process(NOISE)
    before = stats()
    engine.process(NOISE)
    seen = iter([before, before])
    monkeypatch.setattr(engine, "stats", lambda: next(seen, stats()))

    assert engine.tap(None, 100).first == 140_000 - 100

    monkeypatch.setattr(engine, "stats", lambda: before)
    with pytest.raises(EngineError, match=r"^tap: "):
        engine.tap(None, 100)


@pytest.mark.parametrize("first", [0, 70_000 - 65_537, 70_000 - 999])
def test_the_tap_refuses_frames_that_are_gone_or_to_come(engine, first):
    engine.process(NOISE)
    with pytest.raises(EngineError, match=r"^tap: "):
        engine.read_tap(first, 1000)


def test_counters_and_meters_tell_what_went_through(engine):
    """The meters with 300 ms have settled to exp(-5), 0.06 dB, after 1.5 s."""
    out = engine.process(np.ascontiguousarray(NOISE))
    assert engine.stats().frames == NOISE.shape[1]
    levels = engine.levels()
    for measured, sound in ((levels.in_rms, NOISE), (levels.out_rms, out)):
        expected = np.sqrt(np.mean(np.square(sound, dtype=float), axis=1))
        assert measured == pytest.approx(expected, rel=0.05)
    # A peak falls by 20 dB/s, and a high one occurs every few milliseconds.
    assert levels.in_peak == pytest.approx(np.abs(NOISE).max(axis=1), rel=0.5)


def test_the_time_of_the_callback_is_counted(engine):
    for frames in (64, 128, 256, 512):
        engine.process(NOISE[:, :frames].copy())

    durations = engine.durations()

    assert sum(durations.counts) == engine.stats().cycles
    assert 0 < durations.quantile_us(0.5) <= durations.quantile_us(1.0)
    longest_us = durations.longest_ns / 1000
    assert longest_us <= durations.quantile_us(1.0) <= 1.125 * longest_us
    assert durations.longest_share > 0
