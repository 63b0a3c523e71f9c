"""Random and mutated messages: no crash, and no value that is not allowed."""

import random

from unit.midi.fuzz import messages, run
from unit.midi.made_up_sound import KNOBS, Desk

from entrain.vdevice.bridge.midi.controls import Control
from entrain.vdevice.bridge.midi.mapping import Mapping

MESSAGES = 20_000


def test_20_000_messages_break_nothing_and_set_only_values_that_are_allowed():
    values, acts = run(MESSAGES, seed=5)
    assert values > 500
    assert acts


def test_only_whole_messages_of_its_control_move_a_value():
    chance = random.Random(6)
    desk = Desk(Mapping(KNOBS, Control("cc", 0, 7), "tone.shape", pickup=False))
    for message in messages(chance, MESSAGES):
        is_whole = len(message) == 3 and message[:2] == [0xB0, 7] and 0 <= message[2] < 128
        if not is_whole:
            desk.send(*message)
    assert desk.path  # default controllers have moved other values
    assert [each for each in desk.path if each[0] == "tone.shape"] == []
