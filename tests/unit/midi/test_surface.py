"""Knobs, encoders and pads in front of a made-up Entrain."""

import math
import random
from itertools import pairwise

import pytest
from unit.midi.made_up_sound import KNOBS, Desk, MadeUpMirror, layer

from entrain.vdevice.bridge.midi.controls import Control
from entrain.vdevice.bridge.midi.mapping import ACTIONS, Mapping
from entrain.vdevice.bridge.midi.sound import Sound
from entrain.vdevice.bridge.midi.surface import SETTLE_S

CC = 0xB0


def refuse(_device: str, _messages: object) -> bool:
    return False


def cc(number: int, target: str, **more: object) -> Mapping:
    return Mapping(KNOBS, Control("cc", 0, number), target, **more)  # type: ignore[arg-type]


# ---- knobs -----------------------------------------------------------------------------------


def test_a_parameter_has_its_default_controller_on_any_device_and_channel():
    desk = Desk()
    for value in range(128):
        desk.send(CC | 9, 103, value, device="Some other box")
    assert desk.value("level_db") == -6


@pytest.mark.parametrize(("value_db", "end"), [(-20, "lower"), (-8, "upper")])
def test_a_value_beyond_the_knobs_end_is_met_at_this_end(value_db, end):
    desk = Desk(cc(7, "tone.level_db", low=-16.0, high=-12.0))
    desk.change(level_db=value_db)
    desk.send(CC, 7, 64)
    waits = f"waits for pick-up at {value_db}; turn it to its {end} end"
    assert desk.surface.reason(KNOBS, Control("cc", 0, 7)) == waits
    desk.change(level_db=-12.5)
    assert desk.surface.reason(KNOBS, Control("cc", 0, 7)) == "waits for pick-up at -12.5"


def test_fourteen_bits_reach_between_the_steps_of_seven():
    desk = Desk()
    desk.change(beat_hz=8.0)
    for fine in range(11000, 13000, 3):
        desk.send(CC, 20, fine >> 7, after_s=0.001)
        desk.send(CC, 52, fine & 127, after_s=0.001)
    values = [value for _, value in desk.path]
    ratios = [new / old for old, new in pairwise(values)]
    assert len(values) > 300
    assert max(ratios) < 1.005  # 7 bits: 1.056


def test_a_knob_32_numbers_above_another_one_does_not_move_its_value():
    desk = Desk(cc(52, "tone.level_db"))
    for value in range(64, 90):
        desk.send(CC, 20, value, after_s=0.02)
    desk.wait(1)
    before = desk.value("beat_hz")
    for value in range(64, 128):
        desk.send(CC, 52, value, after_s=0.02)
    desk.wait(1)
    assert desk.value("beat_hz") == before
    assert desk.value("level_db") == -6


def test_the_low_part_of_a_pair_that_is_mapped_is_a_knob_of_its_own():
    desk = Desk(cc(52, "next"))
    for value in range(32):  # both at the same time, as fast as a pair
        desk.send(CC, 20, 90 + value, after_s=0.001)
        desk.send(CC, 52, 64 + value, after_s=0.001)
    desk.wait(1)
    assert desk.value("beat_hz") == pytest.approx(0.05 * 1000 ** (121 / 127), abs=0.001)


def test_a_knob_that_turns_out_to_have_14_bits_does_not_let_go():
    desk = Desk(lag_s=0.2)
    desk.change(beat_hz=8.0)
    start = round(math.log(8 / 0.05) / math.log(1000) * 16383)
    for fine in range(start, start + 3000, 150):
        desk.send(CC, 20, fine >> 7, after_s=0.005)
        desk.send(CC, 52, fine & 127, after_s=0.001)
    desk.wait(2)
    assert desk.value("beat_hz") == pytest.approx(0.05 * 1000 ** (fine / 16383), abs=0.01)
    assert len(desk.surface._bindings) == 1


def test_a_users_mapping_replaces_the_default():
    desk = Desk(cc(20, "tone.level_db"))
    for value in range(128):
        desk.send(CC, 20, value)
    assert desk.value("level_db") == -6
    assert desk.value("beat_hz") == 10


def test_a_knob_of_another_protocol_does_nothing():
    desk = Desk(cc(7, "rain.level_db"))
    for value in range(128):
        assert desk.send(CC, 7, value) == []


@pytest.mark.parametrize(
    ("encoding", "up", "down"), [("twos", 1, 127), ("offset", 65, 63), ("sign", 1, 65)]
)
def test_an_encoder_moves_the_value_from_where_it_is(encoding, up, down):
    desk = Desk(cc(7, "tone.beat_hz", encoding=encoding))
    desk.send(CC, 7, up)
    assert 10 < desk.value("beat_hz") < 10.5
    desk.send(CC, 7, down)
    assert desk.value("beat_hz") == pytest.approx(10, abs=0.01)
    for _ in range(300):
        desk.send(CC, 7, down)
    assert desk.value("beat_hz") == 0.05


def test_an_encoder_moves_a_value_beyond_its_way_without_a_jump():
    desk = Desk(cc(7, "tone.beat_hz", encoding="twos", low=1.0, high=8.0))
    desk.send(CC, 7, 127)
    assert 9.5 < desk.value("beat_hz") < 10
    for _ in range(300):
        desk.send(CC, 7, 127)
    assert desk.value("beat_hz") == 1


def test_steps_add_up_although_news_is_late():
    late, prompt = (
        Desk(cc(7, "tone.level_db", encoding="twos"), lag_s=lag_s) for lag_s in (0.2, 0.0)
    )
    for desk in (late, prompt):
        for _ in range(40):
            desk.send(CC, 7, 1, after_s=0.002)
        desk.wait(1)
    assert late.value("level_db") == prompt.value("level_db") > -13


# ---- pads ------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ACTIONS)
def test_a_pad_causes_an_action_once_for_each_press(action):
    desk = Desk(Mapping(KNOBS, Control("note", 9, 36), action))
    for _ in range(3):
        desk.send(0x99, 36, 100, after_s=0.2)
        desk.send(0x89, 36, 0, after_s=0.2)
    assert desk.acts == [ACTIONS[action]] * 3


def test_a_program_change_switches_to_a_protocol():
    desk = Desk(Mapping(KNOBS, Control("program", 0, 4), "use:focus-16"))
    desk.send(0xC0, 3)
    desk.send(0xC0, 4)
    assert desk.acts == [{"command": "use", "protocol": "focus-16"}]


@pytest.mark.parametrize(
    ("values", "presses"),
    [([127, 0, 127, 0], 2), ([127, 127, 127], 3), ([60, 64, 70, 90, 63, 64], 2), ([0, 10], 0)],
)
def test_a_button_is_pressed_when_it_goes_down(values, presses):
    desk = Desk(cc(41, "next"))
    for value in values:
        desk.send(CC, 41, value, after_s=0.2)
    assert len(desk.acts) == presses


def test_a_pad_that_bounces_acts_once():
    desk = Desk(cc(41, "bypass"))
    for value in (127, 0, 127, 0, 127):
        desk.send(CC, 41, value, after_s=0.003)
    assert len(desk.acts) == 1


# ---- feedback --------------------------------------------------------------------------------


def test_a_motor_fader_gets_the_value_that_was_changed_elsewhere():
    desk = Desk(cc(7, "tone.level_db"))
    assert desk.shown() == [[CC, 7, 64]]  # at once, when it is plugged in
    assert desk.shown() == []
    desk.change(level_db=-6.0)
    assert desk.shown() == [[CC, 7, 127]]
    assert desk.shown() == []


def test_a_device_gets_no_echo_of_its_own_messages():
    desk = Desk(cc(7, "tone.level_db"), lag_s=0.05)
    desk.shown()
    echoes = []
    for value in range(64, 120):
        desk.send(CC, 7, value, after_s=0.02)
        echoes += desk.shown()
    desk.wait(2)
    echoes += desk.shown()
    assert desk.value("level_db") == pytest.approx(-24 + 18 * 119 / 127, abs=0.05)
    assert echoes == []


def test_a_value_with_coarse_steps_makes_no_echo():
    """The value is rounded, so its position is not the fader's."""
    desk = Desk(cc(7, "tone.shape"))
    desk.shown()
    for value in (0, 20, 50, 70):
        desk.send(CC, 7, value)
    desk.wait(1)
    assert desk.value("shape") == 1
    assert desk.shown() == []


def test_a_second_device_shows_what_the_first_one_does():
    other = Mapping("Other", Control("bend", 0, 0), "tone.level_db")
    desk = Desk(cc(7, "tone.level_db"), other)
    desk.shown()
    desk.shown("Other")
    for value in range(64, 128):
        desk.send(CC, 7, value)
    assert desk.shown("Other") == [[0xE0, 127, 127]]


def test_a_ring_shows_what_its_encoder_did():
    desk = Desk(cc(7, "tone.level_db", encoding="twos"))
    desk.shown()
    for _ in range(50):
        desk.send(CC, 7, 1)
    assert desk.shown() == []  # not while it moves
    desk.wait(1.01 * SETTLE_S)
    assert desk.shown() == [[CC, 7, round(127 * (desk.value("level_db") + 24) / 18)]]


def test_a_knob_that_does_not_hold_the_value_is_shown_it_afterwards():
    desk = Desk(cc(7, "tone.level_db"))
    desk.shown()
    desk.send(CC, 7, 3)
    assert desk.shown() == []
    desk.wait(1.01 * SETTLE_S)
    assert desk.shown() == [[CC, 7, 64]]


def test_a_lamp_shows_whether_entrain_is_bypassed():
    desk = Desk(Mapping(KNOBS, Control("note", 0, 36), "bypass"))
    assert desk.shown() == [[0x90, 36, 0]]
    desk.mirror.status["bypass"] = True
    assert desk.shown() == [[0x90, 36, 127]]


def test_a_device_without_an_output_gets_nothing():
    desk = Desk(cc(7, "tone.level_db"))
    assert not desk.surface.feedback((), desk.now_s, refuse)


def test_a_refused_message_is_sent_later():
    desk = Desk(Mapping(KNOBS, Control("cc14", 0, 20), "tone.level_db"))
    assert desk.surface.feedback({KNOBS}, desk.now_s, refuse)
    assert desk.shown() == [[CC, 20, 64], [CC, 52, 0]]
    assert desk.shown() == []


def test_only_a_device_that_uses_a_default_gets_its_value():
    """A synthesizer would take the message for its own."""
    desk = Desk()
    assert desk.shown() == []
    desk.send(CC, 103, 64)
    desk.wait(1)
    desk.change(level_db=-6.0)
    assert desk.shown() == [[CC, 103, 127]]
    assert desk.shown("Synthesizer") == []


# ---- all else --------------------------------------------------------------------------------


def test_mappings_that_stay_keep_their_state():
    level = cc(7, "tone.level_db")
    desk = Desk(level)
    for value in range(60, 70):
        desk.send(CC, 7, value)
    desk.surface.map([level, cc(8, "bypass")])
    assert desk.send(CC, 7, 71)
    desk.surface.map([])
    assert desk.send(CC, 7, 72) == []


def test_a_mapping_is_read_as_it_was_written():
    mapping = Mapping(KNOBS, Control("nrpn14", 15, 1000), "tone.beat_hz", "absolute", 4.0, 8.0)
    assert mapping.to_json()["channel"] == 16
    assert Mapping.from_json(mapping.to_json()) == mapping


def test_a_default_controller_moves_the_first_such_layer():
    mirror = MadeUpMirror(first=layer(), second=layer())
    sound = Sound(mirror)
    assert sound.controllers == {20: "first.beat_hz", 103: "first.level_db"}
    mirror.layers = {"second": layer()}
    assert sound.controllers == {20: "second.beat_hz", 103: "second.level_db"}


def test_a_value_that_moves_by_itself_is_picked_up_where_it_is_now():
    desk = Desk(cc(7, "tone.level_db"))
    desk.mirror.status["moving"] = {"tone.level_db": -15.0}
    assert desk.send(CC, 7, 64) == []  # this news is old
    assert desk.surface.wants_news
    desk.mirror.status["moving"] = {"tone.level_db": -7.0}
    desk.sound.moved_at_s = desk.now_s
    assert desk.send(CC, 7, 65) == []
    desk.send(CC, 7, 124)
    desk.wait(0.1)
    assert desk.path[0][1] == pytest.approx(-7, abs=0.05)


def test_many_controls_do_not_fill_the_memory():
    desk = Desk()
    chance = random.Random(1)
    for _ in range(6_000):
        desk.send(
            CC | chance.randrange(16), 20, chance.randrange(128), device=f"{chance.randrange(500)}"
        )
    assert len(desk.surface._bindings) <= 4096
