"""`entrain.faust`: a class for each block, written by the build."""

import inspect

import numpy as np
import pytest

from entrain import faust
from entrain.engine import blocks
from entrain.errors import EngineError

NOISE = 0.1 * np.random.default_rng(2).standard_normal((2, 4800)).astype(np.float32)


@pytest.mark.parametrize("block", blocks().values(), ids=blocks().keys())
def test_every_block_has_a_class_with_its_parameters(block):
    cls = getattr(faust, block.kind.capitalize())
    own = {s: p for s, p in block.parameters.items() if s != "amount"}  # added by the engine

    runner = cls(44_100)

    assert {s: getattr(runner, s) for s in own} == {s: p.initial for s, p in own.items()}
    signature = inspect.signature(cls).parameters
    assert list(signature)[1:] == list(own)
    assert block.description in cls.__doc__
    for symbol, parameter in own.items():
        assert signature[symbol].annotation is float
        setattr(runner, symbol, parameter.maximum)
        assert getattr(runner, symbol) == parameter.maximum
        with pytest.raises(EngineError, match=symbol):
            setattr(runner, symbol, parameter.maximum + 1)
    assert runner.process(NOISE).shape == NOISE.shape


def test_state_goes_on_from_call_to_call():
    whole = faust.Am(depth=0.8).process(NOISE)
    halves = faust.Am(depth=0.8)
    parts = [halves.process(NOISE[:, :2400]), halves.process(NOISE[:, 2400:])]
    np.testing.assert_array_equal(np.hstack(parts), whole)


def test_a_block_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"need \(2, frames\), not \(3, 8\)"):
        faust.Am().process(np.zeros((3, 8), np.float32))
    with pytest.raises(EngineError, match="nonsense"):
        faust.Runner("nonsense")
    with pytest.raises(EngineError, match="7999 Hz"):
        faust.Am(7999)
