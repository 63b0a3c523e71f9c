"""Positions of a control and values of a parameter."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.midi.made_up_sound import SHAPES, parameter

from entrain.vdevice.bridge.midi.span import Span

LOG = parameter("beat_hz", 0.05, 50, 10, scale="log")
LINEAR = parameter("level_db", -24, -6, -15, 0.1)
POSITIONS = st.floats(0, 1)
PARAMETERS = st.sampled_from(
    [
        LOG,
        LINEAR,
        parameter("azimuth_deg", -360, 360, 0, 1, period=360.0),
        parameter("shape", 0, 2, 0, 1, choices=SHAPES),
    ]
)


def test_the_scale_is_the_parameters_own():
    assert Span.of(LOG).value(0.5) == pytest.approx(math.sqrt(0.05 * 50), abs=0.001)
    assert Span.of(LINEAR).value(0.5) == -15


def test_both_ends_are_reached():
    for each in (LOG, LINEAR):
        span = Span.of(each)
        assert (span.value(0), span.value(1)) == (each.minimum, each.maximum)


def test_a_control_may_have_a_part_of_the_range_and_run_backwards():
    assert [Span.of(LOG, 4, 8).value(each) for each in (0, 1)] == [4, 8]
    assert [Span.of(LINEAR, -6, -12).value(each) for each in (0, 0.5, 1)] == [-6, -9, -12]
    assert [Span.of(LINEAR, -999, 999).value(each) for each in (0, 1)] == [-24, -6]


def test_a_knob_has_the_way_that_its_parameter_declares():
    beat = parameter("beat_hz", -200, 200, 10, knob=(0.5, 40.0))
    span = Span.of(beat)
    assert [span.value(0), span.value(1)] == [0.5, 40]
    assert span.value(0.5) == pytest.approx(math.sqrt(0.5 * 40), abs=0.001)
    assert [Span.of(beat, -8, 4).value(each) for each in (0, 0.5, 1)] == [-8, -2, 4]
    assert [Span.whole(beat).value(each) for each in (0, 0.5, 1)] == [-200, 0, 200]


def test_a_direction_has_one_turn():
    span = Span.of(parameter("azimuth_deg", -360, 360, 0, 1, period=360.0))
    assert (span.value(0), span.value(1)) == (-180, 180)
    assert span.position(270) == span.position(-90) == 0.25


def test_choices_lie_at_even_distances():
    span = Span.of(parameter("shape", 0, 2, 0, 1, choices=SHAPES))
    assert [span.value(each / 10) for each in range(11)] == [0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2]
    assert [span.moved(0, 1), span.moved(1, 1), span.moved(2, 1), span.moved(2, -1)] == [1, 2, 2, 1]


@given(PARAMETERS, POSITIONS, st.floats(-400, 400), st.floats(-400, 400))
def test_a_value_is_allowed_and_has_its_own_position(described, position, low, high):
    span = Span.of(described, low, high)
    value = span.value(position)
    assert described.minimum <= value <= described.maximum
    assert 0 <= span.position(value) <= 1
    again = span.value(span.position(value))
    assert span.period or again == pytest.approx(value, abs=1e-6)


@given(PARAMETERS, POSITIONS, st.integers(-15, 15))
def test_steps_stay_in_the_range_and_go_the_right_way(described, position, steps):
    span = Span.of(described)
    value = span.value(position)
    moved = span.moved(value, steps)
    assert described.minimum <= moved <= described.maximum
    if not span.period:
        assert (moved - value) * steps >= 0


@given(st.floats(0.05, 50), st.sampled_from([1, -1]))
def test_every_step_of_an_encoder_has_an_effect(value, step):
    span = Span.of(LOG)
    value = span.value(span.position(value))
    is_at_the_end = value in (0.05, 50)
    assert span.moved(value, step) != value or is_at_the_end
