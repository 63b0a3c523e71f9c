"""Several layers of noise sound independent, and a protocol sounds the same whatever was before."""

import itertools

import numpy as np
import pytest

from entrain.engine import Engine, blocks
from entrain.runner import Runner
from entrain.vdevice.protocol.spec import from_specs
from entrain.vdevice.session.chain import Chain

FRAMES = 1 << 16
BEGINNING = 4800
"""Frames in which layers fade in."""
RANDOM = ("noise", "pulse", "spin")
LOUD = {"floor_db": -20.0, "ceiling_db": -20.0}
STEADY = {"noise": {"tilt_db_per_octave": 0.0}, "pulse": {}, "spin": {"tilt_db_per_octave": 0.0}}


def alone(engine: Engine, numbers: list[int], heard: int) -> np.ndarray:
    """Return what one of the layers adds, from the session's first frame on."""
    for number in numbers:
        engine.set_parameter(number, "amount", float(number == heard))
    engine.route(numbers, restart=True)
    return engine.process(np.zeros((2, FRAMES), np.float32))


def layers_alone(kind: str, count: int) -> list[np.ndarray]:
    found = []
    for heard in range(count):
        with Engine() as engine:
            engine.set_standalone(True)
            numbers = [engine.add_layer(kind, LOUD | STEADY[kind]) for _ in range(count)]
            found.append(alone(engine, numbers, numbers[heard]))
    return found


@pytest.mark.parametrize("kind", RANDOM)
def test_layers_of_one_kind_are_independent(kind):
    """Equal layers have the correlation 1.  Pulses are short, so chance leaves them some."""
    heard = [sound[:, BEGINNING:].mean(0) for sound in layers_alone(kind, 8)]
    assert min(np.abs(each).max() for each in heard) > 0.01
    for one, other in itertools.combinations(heard, 2):
        assert abs(np.corrcoef(one, other)[0, 1]) < (0.25 if kind == "pulse" else 0.05)


def test_the_first_layer_is_the_block_itself():
    first = layers_alone("noise", 2)[0]
    block = Runner("noise", **LOUD, **STEADY["noise"]).process(np.zeros((2, FRAMES), np.float32))
    with Engine() as engine:
        late = engine.latency_frames
    np.testing.assert_allclose(
        first[:, BEGINNING:], block[:, BEGINNING - late : FRAMES - late], atol=1e-6
    )


def test_a_protocol_sounds_the_same_whatever_was_heard_before():
    two = from_specs(["a=noise:level_db=-12", "b=noise:level_db=-12"], blocks)
    two = two.model_copy(update={"standalone": True})
    others = from_specs(["x=noise", "y=noise", "z=spin"], blocks)

    def heard(*before: object) -> np.ndarray:
        with Engine() as engine:
            chain = Chain(engine)
            for protocol in before:
                chain.use(protocol)
            chain.use(two)
            return engine.process(np.zeros((2, FRAMES), np.float32))

    np.testing.assert_array_equal(heard(others, others), heard())


def test_a_layer_that_stays_keeps_its_noise_and_a_new_one_gets_another():
    """The first of two layers leaves: a third layer must not sound as the second."""
    with Engine() as engine:
        engine.set_standalone(True)
        one, other = (engine.add_layer("noise", LOUD | STEADY["noise"]) for _ in range(2))
        engine.route([one, other], restart=True)
        engine.route([other, engine.add_layer("noise", LOUD | STEADY["noise"])])
        heard = engine.process(np.zeros((2, FRAMES), np.float32))[:, BEGINNING:].mean(0)
    # Two equal ones would be 6 dB louder than one, two independent ones are 3 dB louder.
    (single,) = (sound[:, BEGINNING:].mean(0) for sound in layers_alone("noise", 1))
    gain_db = 20 * np.log10(heard.std() / single.std())
    assert gain_db == pytest.approx(3.0, abs=0.3)


def test_a_layer_keeps_its_noise_at_another_sample_rate():
    """A rate that changes before the first frame, too."""
    with Engine() as engine:
        engine.set_standalone(True)
        numbers = [engine.add_layer("noise", LOUD | STEADY["noise"]) for _ in range(2)]
        engine.route(numbers, restart=True)
        engine.rate_hz = 44_100
        both = engine.process(np.zeros((2, FRAMES), np.float32))[:, BEGINNING:].mean(0)
        engine.rate_hz = 48_000
        again = engine.process(np.zeros((2, FRAMES), np.float32))[:, BEGINNING:].mean(0)
    (single,) = (sound[:, BEGINNING:].mean(0) for sound in layers_alone("noise", 1))
    for heard in (both, again):
        assert 20 * np.log10(heard.std() / single.std()) == pytest.approx(3.0, abs=0.3)
