"""Messages of a device become movements of its controls, and values become messages."""

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrain.vdevice.bridge.midi.controls import (
    FINE_TOP,
    RESERVED,
    Control,
    Controls,
    Movement,
    message_bytes,
    top_of,
)

CC = 0xB0


def read(*messages: list[int]) -> list[Movement]:
    controls = Controls()
    return [movement for each in messages for movement in controls.read(each)]


@pytest.mark.parametrize(
    ("message", "movement"),
    [
        ([CC | 3, 20, 127], Movement(Control("cc", 3, 20), 127)),
        ([0x95, 60, 100], Movement(Control("note", 5, 60), 100)),
        ([0x95, 60, 0], Movement(Control("note", 5, 60), 0)),
        ([0x85, 60, 64], Movement(Control("note", 5, 60), 0)),
        ([0xC0, 12], Movement(Control("program", 0, 12), 127)),
        ([0xE1, 0x7F, 0x7F], Movement(Control("bend", 1, 0), FINE_TOP, FINE_TOP)),
        ([0xE1, 0, 0], Movement(Control("bend", 1, 0), 0, FINE_TOP)),
    ],
)
def test_each_kind_of_message_is_read(message, movement):
    assert read(message) == [movement]


def fine_values(controls: Controls, *messages: list[int], after_s: float = 0.001) -> list[int]:
    found = [movement for each in messages for movement in controls.read(each, after_s)]
    return [each.value for each in found if each.control == FINE]


FINE = Control("cc14", 0, 21)
PAIRS = [[CC, number, 64] for _ in range(3) for number in (21, 53)]


def test_fourteen_bits_count_when_their_low_part_has_come():
    assert fine_values(Controls(), [CC, 21, 100], [CC, 53, 5]) == [100 * 128 + 5]


def test_a_device_may_send_low_parts_alone_once_its_control_is_mapped():
    """Some devices repeat the high part only when it has changed."""
    controls = Controls([FINE])
    lows = [[CC, 53, value] for value in range(100)]
    assert fine_values(controls, [CC, 21, 100], *lows, after_s=0.1) == [
        100 * 128 + value for value in range(100)
    ]


def test_two_knobs_are_no_pair():
    """A person turns one, then the other, then both in turn."""
    controls = Controls()
    turned = [[CC, 21, 1], [CC, 21, 2], *([CC, 53, value] for value in range(20))]
    assert fine_values(controls, *turned, after_s=0.02) == []
    both = [[CC, number, value] for value in range(20) for number in (21, 53)]
    assert fine_values(controls, *both, after_s=0.02) == []
    assert not controls.is_paired(FINE)


def test_three_pairs_in_a_row_make_a_pair_and_three_parts_alone_end_it():
    controls = Controls()
    fine_values(controls, *PAIRS[:4])
    assert not controls.is_paired(FINE)
    fine_values(controls, *PAIRS[4:])
    assert controls.is_paired(FINE)
    assert fine_values(controls, [CC, 53, 1], [CC, 53, 2]) == [64 * 128 + 1, 64 * 128 + 2]
    assert fine_values(controls, [CC, 53, 3], [CC, 53, 4]) == []
    assert not controls.is_paired(FINE)


def test_a_high_part_between_two_pairs_is_no_pair():
    controls = Controls()
    fine_values(controls, *PAIRS[:4], [CC, 21, 1], *PAIRS[:4])
    assert not controls.is_paired(FINE)


def test_a_message_between_both_parts_makes_them_no_pair():
    controls = Controls()
    fine_values(controls, *([CC, number, 64] for _ in range(5) for number in (21, 70, 53)))
    assert not controls.is_paired(FINE)


def test_a_high_part_counts_alone_when_the_device_stops_sending_low_parts():
    controls = Controls()
    fine_values(controls, *PAIRS)
    assert fine_values(controls, [CC, 21, 2], [CC, 21, 3]) == [3 * 128]
    fine_values(controls, [CC, 21, 4], [CC, 21, 5])
    assert not controls.is_paired(FINE)


def test_a_low_part_without_a_high_part_is_a_control_of_its_own():
    assert read([CC, 53, 5]) == [Movement(Control("cc", 0, 53), 5)]


def test_a_parameter_of_nrpn_is_selected_then_moved():
    select = [[CC, 99, 2], [CC, 98, 7]]
    number = 2 * 128 + 7
    assert read(*select, [CC, 6, 64]) == [Movement(Control("nrpn", 0, number), 64)]
    assert read(*select, [CC, 6, 64], [CC, 38, 1])[1:] == [
        Movement(Control("nrpn14", 0, number), 64 * 128 + 1, FINE_TOP)
    ]
    assert read(*select, [CC, 96, 0], [CC, 97, 0]) == [
        Movement(Control("nrpn_inc", 0, number), 1),
        Movement(Control("nrpn_inc", 0, number), 127),
    ]


@pytest.mark.parametrize(
    "before",
    [
        [],
        [[CC, 99, 2], [CC, 98, 7], [CC, 99, 127], [CC, 98, 127]],  # none is selected
        [[CC, 99, 2], [CC, 98, 7], [CC, 101, 0], [CC, 100, 0]],  # a registered one is selected
        [[CC | 1, 99, 2], [CC | 1, 98, 7]],  # on another channel
    ],
)
def test_data_for_no_selected_parameter_is_nothing(before):
    assert read(*before, [CC, 6, 64], [CC, 38, 3], [CC, 96, 1]) == []


@pytest.mark.parametrize("number", sorted(RESERVED - {6, 38, 96, 97}))
def test_a_controller_with_another_meaning_is_no_knob(number):
    assert read([CC, number, 64]) == []


@pytest.mark.parametrize(
    "message", [[], [CC], [CC, 20], [CC, 20, 128], [CC, 300, 1], [20, 20], [CC, 20, -1], ["a", 1]]
)
def test_a_malformed_message_is_counted(message):
    controls = Controls()
    assert controls.read(message) == []
    assert controls.malformed == 1


@pytest.mark.parametrize("message", [[0xF0, *[1] * 5000, 0xF7], [0xF8], [0xFE], [0xD0, 3]])
def test_a_message_about_something_else_is_passed_over(message):
    controls = Controls()
    assert controls.read(message) == []
    assert controls.malformed == 0


def test_a_hostile_device_cannot_fill_the_memory():
    controls = Controls()
    for number in range(5000):
        for each in ([CC, 99, number >> 7 & 127], [CC, 98, number & 127], [CC, 6, 1], [CC, 38, 1]):
            controls.read(each)
    assert len(controls._pairs) <= 512


CONTROLS = st.one_of(
    st.builds(
        Control,
        st.sampled_from(["cc", "note"]),
        st.integers(0, 15),
        st.sampled_from(sorted(set(range(120)) - RESERVED)),
    ),
    st.builds(Control, st.just("cc14"), st.integers(0, 15), st.sampled_from([1, 20, 31])),
    st.builds(
        Control, st.sampled_from(["nrpn", "nrpn14"]), st.integers(0, 15), st.integers(0, 16382)
    ),
    st.builds(Control, st.just("bend"), st.integers(0, 15), st.just(0)),
)


@settings(deadline=None)
@given(CONTROLS, st.floats(0, 1))
def test_a_device_that_sends_back_what_it_got_sends_the_same_position(control, position):
    messages = message_bytes(control, position)
    found = [each for each in read(*messages) if each.control == control]
    assert found[-1].value == round(position * top_of(control.kind))


@settings(deadline=None)
@given(CONTROLS, st.floats(0, 1))
def test_a_device_gets_valid_messages_only(control, position):
    for each in message_bytes(control, position):
        assert mido.Message.from_bytes(each).bytes() == each


def test_a_program_shows_nothing():
    assert message_bytes(Control("program", 0, 3), 1.0) == []
