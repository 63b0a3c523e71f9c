"""The control that a person moves is found among all others, with its way to write values."""

from collections.abc import Iterable

import pytest

from entrain.vdevice.bridge.midi.controls import Control, Controls
from entrain.vdevice.bridge.midi.learning import Learned, Learner

CC = 0xB0


def learn(
    messages: Iterable[list[int]], is_action: bool = False, is_over: bool = False
) -> tuple[Learned | None, Learner]:
    controls, learner = Controls(), Learner(is_action)
    for message in messages:
        for movement in controls.read(message):
            if found := learner.take("Knobs", movement):
                return found, learner
    return (learner.last() if is_over else None), learner


def turned(number: int, values: Iterable[int]) -> list[list[int]]:
    return [[CC, number, value] for value in values]


def fine(number: int, values: Iterable[int]) -> list[list[int]]:
    return [
        [CC, number + 32 * low, value & 127 if low else value >> 7]
        for value in values
        for low in (0, 1)
    ]


def nrpn(values: Iterable[int]) -> list[list[int]]:
    found = []
    for value in values:
        found += [[CC, 99, 1], [CC, 98, 2], [CC, 6, value >> 7], [CC, 38, value & 127]]
    return found


UP_AND_DOWN = [1, 1, 1, 1, -1, -1, -1]


@pytest.mark.parametrize(
    ("messages", "kind", "number", "encoding"),
    [
        (turned(20, range(40, 60)), "cc", 20, "absolute"),
        (fine(20, range(6000, 7000, 20)), "cc14", 20, "absolute"),
        (fine(20, range(6000, 6020, 1)), "cc14", 20, "absolute"),  # its high part stays
        (nrpn(range(6000, 7000, 20)), "nrpn14", 130, "absolute"),
        ([[0xE0, value, 64] for value in range(9)], "bend", 0, "absolute"),
        (turned(20, (step % 128 for step in UP_AND_DOWN)), "cc", 20, "twos"),
        (turned(20, (64 + step for step in UP_AND_DOWN)), "cc", 20, "offset"),
        (turned(20, (1 if step > 0 else 65 for step in UP_AND_DOWN)), "cc", 20, "sign"),
    ],
)
def test_a_moved_control_is_found(messages, kind, number, encoding):
    found, _ = learn(messages)
    assert found == Learned("Knobs", Control(kind, 0, number), encoding)


@pytest.mark.parametrize("first", [20, 52])
def test_two_knobs_with_the_numbers_of_a_pair_are_told_apart(first):
    """The second one is moved a little, too, right after the first one."""
    second = 72 - first
    messages = [*turned(first, [1, 2]), *turned(second, [64]), *turned(first, range(3, 9))]
    found, _ = learn(messages, is_over=True)
    assert found == Learned("Knobs", Control("cc", 0, first), "absolute")
    found, _ = learn([*turned(second, [64]), *turned(first, range(9))], is_over=True)
    assert found == Learned("Knobs", Control("cc", 0, first), "absolute")


def test_a_device_that_repeats_its_high_part_only_when_it_has_changed_has_14_bits():
    messages = []
    for high in range(40, 44):
        messages += [*turned(20, [high]), *turned(52, range(0, 128, 16))]
    assert learn(messages)[0] == Learned("Knobs", Control("cc14", 0, 20), "absolute")


def test_a_short_way_of_a_control_with_14_bits_is_enough_in_the_end():
    found, _ = learn(fine(20, [6000, 6001]), is_over=True)
    assert found == Learned("Knobs", Control("cc14", 0, 20), "absolute")


def test_a_parameter_with_seven_bits_is_found():
    messages = []
    for value in range(40, 60):
        messages += [[CC, 99, 1], [CC, 98, 2], [CC, 6, value]]
    assert learn(messages)[0] == Learned("Knobs", Control("nrpn", 0, 130), "absolute")


def test_a_knob_that_moves_wins_over_a_knob_that_trembles():
    trembling = [[CC, 30, 64 + number % 2] for number in range(3)]
    messages = [trembling[0], *turned(20, [3, 5]), trembling[1], *turned(20, [7, 9, 12])]
    assert learn(messages)[0] == Learned("Knobs", Control("cc", 0, 20), "absolute")


def test_an_encoder_that_turns_to_one_side_is_guessed_in_the_end():
    messages = turned(20, [1] * 20)
    assert learn(messages)[0] is None
    assert learn(messages, is_over=True)[0] == Learned("Knobs", Control("cc", 0, 20), "twos")


def test_one_touch_is_not_enough():
    assert learn(turned(20, [64]), is_over=True)[0] is None


@pytest.mark.parametrize(
    ("message", "control"),
    [
        ([0x90, 36, 90], Control("note", 0, 36)),
        ([0xC0, 5], Control("program", 0, 5)),
        ([CC, 41, 127], Control("cc", 0, 41)),
    ],
)
def test_an_action_is_learned_from_one_press(message, control):
    assert learn([message], is_action=True)[0] == Learned("Knobs", control, "absolute")


def test_the_end_of_a_press_is_not_a_press():
    assert learn([[0x80, 36, 0], [0x90, 36, 0], [CC, 41, 0]], is_action=True)[0] is None


def test_a_pad_is_no_knob_and_learning_says_so():
    found, learner = learn([[0x90, 36, 90]] * 9)
    assert found is None
    assert learner.heard == "note 36, channel 1 on Knobs, which has no positions: move a knob"


def test_learning_says_what_it_hears():
    _, learner = learn(turned(20, [64]))
    assert learner.heard == "controller 20, channel 1 on Knobs: 64"
