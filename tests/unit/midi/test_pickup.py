"""A knob has no effect until it meets or crosses the value, which then comes to the knob."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.midi.made_up_sound import KNOBS, Desk

from entrain.vdevice.bridge.midi.controls import Control
from entrain.vdevice.bridge.midi.glide import GLIDE_S
from entrain.vdevice.bridge.midi.mapping import Mapping
from entrain.vdevice.bridge.midi.pickup import NEAR, Pickup
from entrain.vdevice.bridge.midi.span import Span

CC = 0xB0
LEVEL = Mapping(KNOBS, Control("cc", 0, 7), "tone.level_db")
POSITIONS = st.floats(0, 1)


@pytest.mark.parametrize("start", [0, 127])
def test_nothing_jumps_before_the_knob_meets_the_value(start):
    """Record the path of the value."""
    desk = Desk(LEVEL)
    before = [desk.value("level_db")]
    direction = 1 if start == 0 else -1
    for value in range(start, 127 - start + direction, direction):
        desk.send(CC, 7, value)
        before.append(desk.value("level_db"))
    span = Span(-24, -6)
    steps = [abs(span.position(one) - span.position(other)) for one, other in pairwise(before)]
    meeting = next(number for number, step in enumerate(steps) if step)
    assert before[: meeting + 1] == [-15.0] * (meeting + 1)
    # Then the value follows each of the knob's 127 steps, rounded to 0.1 dB.
    assert max(steps) <= 1 / 127 + 0.1 / 18
    assert before[-1] == (-6 if start == 0 else -24)


@given(st.lists(POSITIONS, min_size=1), POSITIONS)
def test_a_knob_on_one_side_of_the_value_never_holds_it(positions, value):
    pickup = Pickup()
    below = [each for each in positions if each < value - NEAR]
    assert not any(pickup.move(each, value) for each in below)


@given(POSITIONS, POSITIONS, POSITIONS)
def test_a_knob_that_crosses_the_value_holds_it(one, other, value):
    pickup = Pickup()
    pickup.move(one, value)
    if (one - value) * (other - value) < 0:
        assert pickup.move(other, value)


def test_a_knob_lets_go_when_the_value_is_changed_elsewhere():
    desk = Desk(LEVEL)
    desk.send(CC, 7, 64)
    desk.send(CC, 7, 66)
    desk.wait(1)
    assert desk.path
    desk.change(level_db=-23.0)
    assert desk.send(CC, 7, 67) == []
    assert desk.value("level_db") == -23.0
    for value in range(66, 6, -1):
        desk.send(CC, 7, value)
    desk.send(CC, 7, 5)
    desk.wait(1)
    assert desk.value("level_db") == pytest.approx(-24 + 18 * 5 / 127, abs=0.05)


def test_the_value_stays_where_the_knob_meets_it():
    desk = Desk(LEVEL)
    for value in (62, 63):  # 63 of 127 is 0.07 dB below the value
        desk.send(CC, 7, value)
    desk.wait(1)
    assert desk.path == []
    desk.send(CC, 7, 65)
    desk.wait(1)
    assert desk.value("level_db") == pytest.approx(-24 + 18 * 65 / 127, abs=0.05)


@pytest.mark.parametrize("lag_s", [0.0, 0.1])
def test_after_a_fast_turn_the_value_comes_to_the_knob_within_a_short_time(lag_s):
    desk = Desk(LEVEL, lag_s=lag_s)
    desk.send(CC, 7, 0)
    desk.send(CC, 7, 127)
    desk.wait(GLIDE_S + lag_s + 0.02)
    path = [-15.0, *(value for _, value in desk.path)]
    assert path[-1] == -6 == desk.value("level_db")
    assert max(other - one for one, other in pairwise(path)) < 9 * 0.05
    assert min(other - one for one, other in pairwise(path)) >= 0


def test_a_value_beyond_the_knob_comes_to_it_within_a_short_time():
    desk = Desk(Mapping(KNOBS, Control("cc", 0, 7), "tone.beat_hz", low=1.0, high=8.0))
    assert desk.send(CC, 7, 127) == []
    assert desk.path == []
    desk.send(CC, 7, 120)
    desk.wait(1)
    path = [10.0, *(value for _, value in desk.path)]
    assert path[-1] == pytest.approx(8 ** (120 / 127), abs=0.001)
    assert max(abs(other - one) for one, other in pairwise(path)) < 0.2


def test_a_change_elsewhere_ends_the_way_to_the_knob():
    desk = Desk(LEVEL)
    desk.send(CC, 7, 0)
    desk.send(CC, 7, 127)
    desk.wait(0.1)
    desk.surface.forget(KNOBS)
    count = len(desk.path)
    desk.wait(1)
    assert len(desk.path) == count


def test_old_news_does_not_make_a_moving_knob_let_go():
    """News comes back later than the next movement."""
    desk = Desk(LEVEL, lag_s=0.1)
    for value in range(64, 120):
        desk.send(CC, 7, value, after_s=0.005)
    assert len(desk.path) > 50
    desk.wait(1)
    assert desk.value("level_db") == pytest.approx(-24 + 18 * 119 / 127, abs=0.05)


def test_a_protocol_that_takes_over_is_picked_up_anew():
    desk = Desk(LEVEL)
    for value in range(60, 70):
        desk.send(CC, 7, value)
    desk.wait(1)
    desk.change(level_db=-7.0)
    assert desk.send(CC, 7, 71) == []


def test_a_knob_that_was_unplugged_is_picked_up_anew():
    desk = Desk(LEVEL)
    for value in range(60, 70):
        desk.send(CC, 7, value)
    assert desk.path
    desk.wait(1)
    desk.surface.forget(KNOBS)
    desk.wait(1)
    assert desk.send(CC, 7, 10) == []  # moved while it was unplugged
    assert desk.send(CC, 7, 12) == []


def test_a_motor_fader_holds_the_value_at_once():
    desk = Desk(Mapping(KNOBS, Control("cc", 0, 7), "tone.level_db", pickup=False))
    desk.send(CC, 7, 127)
    assert desk.value("level_db") == -6
