"""Encodings of endless knobs are told apart by the values that they send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrain.vdevice.bridge.midi.encoders import LARGEST_STEP, detect, steps

STEPS = st.integers(-LARGEST_STEP, LARGEST_STEP).filter(bool)


def written(encoding: str, step: int) -> int:
    if encoding == "twos":
        return step % 128
    if encoding == "offset":
        return 64 + step
    return step if step > 0 else 64 - step


@pytest.mark.parametrize("encoding", ["twos", "offset", "sign"])
@given(step=STEPS)
def test_a_step_is_read_as_it_was_written(encoding, step):
    assert steps(encoding, written(encoding, step)) == step


@pytest.mark.parametrize("encoding", ["twos", "offset", "sign"])
@given(up=st.integers(2, 9), down=st.integers(2, 9), size=st.integers(1, 4))
def test_an_encoder_that_turns_to_both_sides_is_told(encoding, up, down, size):
    values = [written(encoding, size)] * up + [written(encoding, -size)] * down
    assert detect(values, is_last=False) == encoding


@pytest.mark.parametrize(
    ("values", "likeliest"),
    [([1] * 6, "twos"), ([127] * 6, "twos"), ([65] * 6, "offset"), ([63] * 6, "offset")],
)
def test_one_direction_needs_more_messages_or_a_guess(values, likeliest):
    assert detect(values, is_last=False) is None
    assert detect(values, is_last=True) == likeliest


@given(start=st.integers(0, 120), count=st.integers(4, 30), step=st.sampled_from([1, 2, 3, -1, -2]))
def test_a_knob_with_an_end_is_told(start, count, step):
    values = [start + step * number for number in range(count)]
    values = [value for value in values if 0 <= value <= 127]
    if len(values) >= 4:
        assert detect(values, is_last=False) == "absolute"


@given(st.lists(st.integers(0, 127)), st.booleans())
def test_any_values_have_an_answer(values, is_last):
    found = detect(values, is_last)
    assert found is not None or not is_last or len(values) < 2
