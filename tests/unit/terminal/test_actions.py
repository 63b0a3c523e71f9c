"""The effect of each key."""

import json

import made_scene
import pytest

from entrain.tray.terminal.actions import Request, outcome, press
from entrain.tray.terminal.scene import MAX_SLOTS, Scene, slots
from entrain.vdevice.api import messages
from entrain.vdevice.api.messages import parse_request


@pytest.mark.parametrize(
    ("key", "request_"),
    [
        ("right", messages.Adjust(rate_steps=1)),
        ("left", messages.Adjust(rate_steps=-1)),
        ("up", messages.Adjust(level_steps=1)),
        ("down", messages.Adjust(level_steps=-1)),
        ("space", messages.Bypass(on=True, matched=True)),
        ("n", messages.Next()),
        ("u", messages.Undo()),
        ("r", messages.Redo()),
        ("t", messages.Sleep(minutes=15)),
        ("T", messages.Sleep(minutes=None)),
        ("o", messages.Off()),
        ("m", messages.Set(address="tone.amount", value=0)),
        ("1", messages.Use(protocol="default")),
        ("2", messages.Use(protocol="focus-16")),
    ],
)
def test_a_key_makes_a_request_that_entrain_understands(key, request_):
    made = press(key, made_scene.scene())
    assert made is not None
    assert parse_request(json.dumps({"command": made.command, **made.fields}).encode()) == request_


@pytest.mark.parametrize("key", ["x", "0", "9", "tab", "back-tab"])
def test_a_key_without_a_request_says_why_or_what(key):
    scene = made_scene.scene()
    assert press(key, scene) is None
    assert scene.message
    assert scene.is_error == (key in "x09")


@pytest.mark.parametrize("key", ["right", "space", "1", "m", "u", "x"])
def test_without_an_entrain_a_key_says_so(key):
    scene = Scene()
    assert press(key, scene) is None
    assert (scene.message, scene.is_error) == ("Entrain is not running; q quits", True)


def test_an_entrain_that_is_off_is_switched_on():
    made = press("o", made_scene.scene(on=False, state="off"))
    assert made == Request("on")
    assert outcome(made, made_scene.status(), {}) == "Entrain is on"


def test_a_key_after_bypass_ends_it():
    made = press("space", made_scene.scene(bypass=True))
    assert made is not None
    assert made.fields["on"] is False


@pytest.mark.parametrize(("left_s", "minutes"), [(600.0, 25.0), (1430 * 60.0, 1440.0)])
def test_the_timer_gets_a_quarter_of_an_hour_more(left_s, minutes):
    made = press("t", made_scene.scene(sleep_left_s=left_s))
    assert made is not None
    assert made.fields == {"minutes": minutes}


def test_help_comes_and_goes():
    scene = made_scene.scene()
    for key, shown in (
        ("?", True),
        ("?", False),
        ("?", True),
        ("escape", False),
        ("escape", False),
    ):
        assert press(key, scene) is None
        assert scene.shows_help is shown


def test_tab_goes_round_the_layers_and_m_mutes_the_chosen_one():
    scene = made_scene.scene()
    scene.status["protocol"]["layers"] = [
        made_scene.layer("a"),
        made_scene.layer("b", amount=0.4),
        made_scene.layer("c", amount=0.0),
    ]
    for wanted in ("a", "b", "c", "a", "b"):
        press("tab", scene)
        assert scene.selected == wanted
    made = press("m", scene)
    assert made is not None
    assert made.fields == {"address": "b.amount", "value": 0.0}
    scene.status["protocol"]["layers"][1]["params"]["amount"] = 0.0
    made = press("m", scene)
    assert made is not None
    assert made.fields == {"address": "b.amount", "value": 0.4}
    press("tab", scene)
    made = press("m", scene)
    assert made is not None
    assert made.fields == {"address": "c.amount", "value": 1.0}
    press("back-tab", scene)
    assert scene.selected == "b"


@pytest.mark.parametrize("protocol", [None, {"layers": []}])
def test_without_a_layer_there_is_no_layer_to_mute(protocol):
    scene = made_scene.scene(protocol=protocol)
    for key in ("m", "tab"):
        assert press(key, scene) is None
        assert scene.is_error


@pytest.mark.parametrize(
    ("key", "changes", "told"),
    [
        ("right", {}, "Faster: 10 Hz"),
        ("down", {}, "Weaker: Level -15 dB of tone"),
        ("u", {"redo_text": "Beat: 10 → 11"}, "Undone: Beat: 10 → 11"),
        ("r", {"undo_text": "Beat: 10 → 11"}, "Made again: Beat: 10 → 11"),
        ("space", {"bypass": True}, "Bypass on: you hear your music untouched, equally loud"),
        ("space", {"bypass": False}, "Bypass off: Entrain processes your music again"),
        ("t", {"sleep_left_s": 1799.9}, "Entrain switches off in 30:00"),
        ("T", {"sleep_left_s": None}, "No sleep timer"),
        ("n", {}, "Protocol: Alpha 10"),
        ("n", {"protocol": None}, "No protocol"),
        ("2", {}, "Protocol: Alpha 10"),
        ("m", {}, "Layer tone is muted"),
        ("o", {"on": False}, "Entrain is off; o switches it on"),
    ],
)
def test_each_key_has_an_outcome_in_one_line(key, changes, told):
    made = press(key, made_scene.scene())
    assert made is not None
    assert outcome(made, made_scene.status(**changes), made_scene.scene().blocks) == told


def test_a_held_key_makes_one_request():
    faster, slower = Request("adjust", {"rate_steps": 1}), Request("adjust", {"rate_steps": -1})
    assert faster.joined(faster) == Request("adjust", {"rate_steps": 2})
    assert Request("adjust", {"rate_steps": 20}).joined(faster).fields == {"rate_steps": 20}
    assert faster.joined(Request("adjust", {"level_steps": 1})) is None
    assert faster.joined(Request("undo")) is None
    assert Request("adjust", {"rate_steps": 1}, "Faster").joined(slower) is None


def test_the_keys_one_to_nine_are_used_protocols_then_own_ones_then_one_of_each_category():
    def listed(id_: str, category: str, own: bool = False) -> dict[str, object]:
        return {"id": id_, "name": id_.upper(), "category": category, "own": own}

    library = {
        "protocols": [
            *(listed(f"calm-{number}", "calm") for number in range(9)),
            *(listed(f"sleep-{number}", "sleep") for number in range(9)),
            listed("mine", "own", own=True),
        ],
        "recent": ["sleep-5", "gone", "calm-0"],
        "problems": [],
    }
    ids = [each.id for each in slots(library)]  # type: ignore[arg-type]
    assert ids[:7] == ["sleep-5", "calm-0", "mine", "sleep-0", "calm-1", "sleep-1", "calm-2"]
    assert len(ids) == MAX_SLOTS
    assert slots(library)[0].name == "SLEEP-5"  # type: ignore[arg-type]
