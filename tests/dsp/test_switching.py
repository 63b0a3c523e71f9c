"""No switch causes a click."""

import numpy as np
import pytest
from clicks import EVERY, RATE_HZ, SETTLED, bursts_db, noise, sines
from scipy.signal import butter, sosfilt

from entrain.engine import Engine, blocks
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.session.chain import Chain

SWITCHES = 500  # for each input
INTERMITTENT = {"bell", "pulse"}  # their own onsets are similar to clicks


def random_value(random, parameter):
    """Return a value in the range, but no tone in the range that is searched for clicks."""
    tone = parameter.symbol == "carrier_hz"
    value = random.uniform(parameter.minimum, 5_000 if tone else parameter.maximum)
    return float(round(value) if parameter.step == 1 else value)


def random_layer(random, kind, layer_id):
    parameters = blocks()[kind].parameters.values()
    # No amount, since it is a separate fade, and switches are tested here.
    values = {p.symbol: random_value(random, p) for p in parameters if p.symbol != "amount"}
    return Layer(kind=kind, id=layer_id, params=values)


def random_protocol(random, kinds):
    chosen = random.choice(kinds, size=random.integers(0, 4), replace=False)
    return Protocol(
        id="any",
        name="Any",
        layers=tuple(random_layer(random, str(kind), str(kind)) for kind in chosen),
    )


def test_between_two_soft_protocols_the_input_never_comes_through():
    """Both are at -40 dB, and the sound is not louder while switching."""
    source = np.repeat(noise(3 * EVERY).astype("f4")[None], 2, 0)

    def heard(block_frames):
        pieces = []
        with Engine(RATE_HZ) as engine:
            for at in range(0, 3 * EVERY, block_frames):
                if at in (0, EVERY):
                    engine.route([engine.add_layer("gain", {"gain_db": -40.0})])
                piece = np.ascontiguousarray(source[:, at : at + block_frames])
                pieces.append(engine.process(piece))
            late = engine.latency_frames
        return np.hstack(pieces)[:, late:], source[:, :-late]

    after, before = heard(EVERY)
    gain_db = 20 * np.log10(after / before)[:, SETTLED:]
    assert gain_db.max() == pytest.approx(-40.0, abs=0.01)
    assert gain_db[:, -EVERY:] == pytest.approx(-40.0, abs=0.01)
    np.testing.assert_array_equal(heard(40)[0], after)


def test_processors_that_change_places_do_not_click():
    """The random switches below once found a click 14 dB above the steady sound."""
    layers = [
        Layer(kind="selfbinaural", params={"beat_hz": -21, "low_hz": 819, "high_hz": 3804}),
        Layer(kind="phasemod", params={"rate_hz": 36, "swing_deg": 60}),
        Layer(kind="am"),
    ]
    source = np.repeat(sines(8 * EVERY).astype("f4")[None], 2, 0)
    pieces = []
    with Engine(RATE_HZ) as engine:
        chain = Chain(engine)
        for turn, order in enumerate([(0, 1, 2), (0, 1, 2), (1, 0, 2), (1, 2, 0), (0, 1, 2)]):
            chain.use(Protocol(id="x", name="X", layers=tuple(layers[place] for place in order)))
            piece = source[:, turn * EVERY : (turn + 1) * EVERY]
            pieces.append(engine.process(np.ascontiguousarray(piece)))
    heard = sosfilt(butter(8, 8_000, "highpass", fs=RATE_HZ, output="sos"), np.hstack(pieces))
    for turn in (2, 3, 4):
        assert bursts_db(heard, turn * EVERY) < 3.0


@pytest.mark.parametrize("make_input", [sines, noise])
def test_500_random_switches_never_click(make_input):
    """No switch exceeds the steady sound around it by more than 3 dB after a high-pass."""
    random = np.random.default_rng(7)
    kinds = sorted(
        kind
        for kind, block in blocks().items()
        if block.group in ("generator", "processor") and kind not in INTERMITTENT
    )
    source = np.repeat(make_input((SWITCHES + 2) * EVERY).astype("f4")[None], 2, 0)
    said, pieces = [], []
    with Engine(RATE_HZ) as engine:
        chain = Chain(engine)
        protocol = random_protocol(random, kinds)
        chain.use(protocol)
        for turn in range(SWITCHES + 2):
            if 0 < turn <= SWITCHES:
                switch = random.integers(3)
                if switch == 0 or not protocol.layers:
                    protocol = random_protocol(random, kinds)
                    chain.use(protocol)
                    said.append(protocol.layers)
                elif switch == 1:
                    engine.bypass_is_matched = bool(random.integers(2))
                    engine.bypass = not engine.bypass
                    said.append(f"bypass {engine.bypass} matched {engine.bypass_is_matched}")
                else:
                    layer = protocol.layers[random.integers(len(protocol.layers))]
                    parameter = random.choice(list(blocks()[layer.kind].parameters.values()))
                    value = random_value(random, parameter)
                    chain.set(f"{layer.id}.{parameter.symbol}", value, 0.0)
                    said.append(f"{layer.kind}.{parameter.symbol} = {value}, {protocol.layers}")
            piece = source[:, turn * EVERY : (turn + 1) * EVERY]
            pieces.append(engine.process(np.ascontiguousarray(piece)))
    heard = sosfilt(butter(8, 8_000, "highpass", fs=RATE_HZ, output="sos"), np.hstack(pieces))
    found = [(bursts_db(heard, turn * EVERY), said[turn - 1]) for turn in range(2, SWITCHES + 1)]
    worst = [item for item in found if item[0] > 3.0]
    assert not worst, "\n".join(f"{db:.1f} dB: {what}" for db, what in worst)
