"""The monitors of OSC and MIDI say in plain words what a request does."""

import pytest

from entrain.vdevice.bridge.effect import effect_of
from entrain.vdevice.bridge.midi.mapping import ACTIONS, action_request
from entrain.vdevice.bridge.osc.words import WORDS


@pytest.mark.parametrize(
    ("name", "argument", "effect"),
    [
        ("on", 1.0, "switches Entrain on"),
        ("on", 0.0, "switches Entrain off"),
        ("bypass", None, "toggles bypass"),
        ("bypass", 1.0, "switches bypass on"),
        ("bypass", 0.0, "switches bypass off"),
        ("use", "focus-16", "uses focus-16"),
        ("next", None, "uses the next protocol"),
        ("sleep", 0.0, "cancels the sleep timer"),
        ("sleep", 20.0, "sets the sleep timer to 20 min"),
        ("rate", -1.0, "rate: 1 step slower"),
        ("rate", 3.0, "rate: 3 steps faster"),
        ("level", 1.0, "level: 1 step stronger"),
        ("level", -2.0, "level: 2 steps weaker"),
        ("position", 90.0, "moves the session to 90 s"),
        ("undo", None, "undoes the last change"),
        ("redo", None, "makes the undone change again"),
    ],
)
def test_the_effect_of_each_word_of_osc(name, argument, effect):
    assert effect_of(WORDS[name].request(argument)) == effect


def test_no_word_of_osc_is_left_out():
    (listed,) = test_the_effect_of_each_word_of_osc.pytestmark
    assert {name for name, _, _ in listed.args[1]} == WORDS.keys()


def test_each_action_of_midi_has_an_effect_of_its_own():
    effects = {name: effect_of(request) for name, request in ACTIONS.items()}
    assert effects["bypass"] == "toggles bypass"
    assert effects["slower"] == "rate: 1 step slower"
    assert not [each for each in effects.values() if "asks for" in each or "=" in each]
    assert len(set(effects.values())) == len(ACTIONS)
    assert effect_of(action_request("use:calm-10")) == "uses calm-10"


def test_a_long_protocol_is_cut():
    assert len(effect_of({"command": "use", "protocol": "x" * 5000})) < 200
