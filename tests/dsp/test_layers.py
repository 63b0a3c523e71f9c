"""Rules for all kinds of layer."""

import time

import numpy as np
import pytest
from measure import rms_db

from entrain.backend import Backend
from entrain.block import LAYER_GROUPS
from entrain.engine import Engine, blocks
from entrain.vdevice.protocol.spec import from_specs
from entrain.vdevice.session.chain import Chain

KINDS = sorted(kind for kind, block in blocks().items() if block.group in LAYER_GROUPS)
GENERATORS = [kind for kind in KINDS if blocks()[kind].group == "generator"]
ABSOLUTE = {"floor_db": -20.0, "ceiling_db": -20.0}
NOISE = 0.1 * np.random.default_rng(5).standard_normal((2, 48_000)).astype(np.float32)
SILENCE = np.zeros((2, 48_000), np.float32)


def processed(engine, source, sizes):
    """Process a source in blocks of these sizes in turn."""
    pieces, at, turn = [], 0, 0
    while at < source.shape[1]:
        size = sizes[turn % len(sizes)]
        pieces.append(engine.process(np.ascontiguousarray(source[:, at : at + size])))
        at, turn = at + size, turn + 1
    return np.hstack(pieces)


def test_with_all_layers_off_nothing_happens_to_the_input():
    """The output equals the input bit for bit, after the latency, with peaks below -1 dBTP."""
    with Engine() as engine:
        engine.route([engine.add_layer(kind, {"amount": 0.0}) for kind in KINDS])
        heard = processed(engine, NOISE, [480])
        late = engine.latency_frames
    np.testing.assert_array_equal(heard[:, late:], NOISE[:, :-late])


@pytest.mark.parametrize("kind", KINDS)
def test_block_sizes_cannot_be_heard(kind):
    def heard(sizes):
        with Engine() as engine:
            layer = engine.add_layer(kind)
            engine.route([layer])
            first = processed(engine, NOISE[:, :20_001], sizes)
            for symbol, parameter in blocks()[kind].parameters.items():
                middle = round((parameter.minimum + parameter.maximum) / 2)
                engine.set_parameter(layer, symbol, min(max(middle, parameter.minimum), 1e3), 0.1)
            return np.hstack([first, processed(engine, NOISE[:, 20_001:], sizes)])

    expected = heard([64])
    for sizes in ([8192], [17], [1000, 1, 63, 500]):
        np.testing.assert_array_equal(heard(sizes), expected)


@pytest.mark.parametrize("kind", GENERATORS)
def test_a_guest_leaves_its_neighbour_alone(kind):
    """Subtracting the guest, rendered by itself, leaves the resident within -100 dB."""

    def heard(resident, guest):
        with Engine() as engine:
            engine.set_standalone(True)
            stays = [engine.add_layer(kind, ABSOLUTE)] if resident else []
            engine.route(stays)
            pieces = [processed(engine, SILENCE[:, :12_007], [480])]
            comes = [engine.add_layer("binaural", ABSOLUTE)] if guest else []
            engine.route(comes + stays)
            pieces.append(processed(engine, SILENCE[:, :12_003], [480]))
            engine.route(stays)
            pieces.append(processed(engine, SILENCE[:, :24_000], [480]))
            return np.hstack(pieces).astype(np.float64)

    alone = heard(resident=True, guest=False)
    residual = heard(resident=True, guest=True) - heard(resident=False, guest=True) - alone
    assert rms_db(residual) - rms_db(alone) < -100


def test_a_tone_follows_the_input_up_and_down():
    def tone_db(gain):
        with Engine() as engine:
            values = {"carrier_hz": 400.0, "level_db": -6.0, "floor_db": -90.0}
            engine.route([engine.add_layer("binaural", values)])
            heard = processed(engine, gain * np.tile(NOISE, 15), [4800])[0, -48_000:]
        return 20 * np.log10(np.abs(np.fft.rfft(heard))[405])

    assert tone_db(1.0) - tone_db(0.1) == pytest.approx(20, abs=1)


def test_live_and_rendered_sound_are_identical():
    """The null back end's clock calls the engine with silence."""
    protocol = from_specs(
        [f"{kind}:floor_db=-30,ceiling_db=-30" for kind in GENERATORS] + ["am:depth=0.5"]
    ).model_copy(update={"standalone": True})
    frames = 24_000
    with Engine() as engine:
        Chain(engine).use(protocol)
        backend = Backend("null", engine)
        deadline = time.monotonic() + 10
        while engine.stats().frames < frames and time.monotonic() < deadline:
            time.sleep(0.01)
        live = engine.read_tap(0, frames)
        backend.close()
    with Engine() as engine:
        Chain(engine).use(protocol)
        rendered = engine.process(np.zeros((2, frames), np.float32))
    np.testing.assert_array_equal(live, rendered)
