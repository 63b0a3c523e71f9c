"""The tray's words for each state, and the requests that clicks send."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from entrain.tray.icon.menu import describe, left
from entrain.tray.icon.menu_items import MAX_LABEL, Ask, Do, Item, MenuDescription
from entrain.vdevice.api.messages import (
    COMMANDS,
    ActiveProtocol,
    Device,
    Head,
    Interaural,
    Latency,
    Levels,
    ListedProtocol,
    Measured,
    Modulation,
    Output,
    Protocols,
    Space,
    Status,
    Tones,
    parse_request,
)
from entrain.vdevice.protocol.model import Layer

PROTOCOL = ActiveProtocol(
    id="focus-16",
    name="Focus 16",
    elapsed_s=60,
    left_s=700,
    rate_hz=16.0,
    layers=[Layer(kind="am", params={"rate_hz": 16.0})],
)
STATUS = Status(
    state="processing",
    reason="",
    on=True,
    bypass=False,
    backend="null",
    sink="entrain",
    output=Output(name="a", description="Phones", rate_hz=48000, quantum_frames=256),
    outputs=[
        Device(name="a", description="Phones", current=True, default=False),
        Device(name="usb", description="", current=False, default=True),
    ],
    latency=Latency(added_frames=70, added_ms=1.5),
    protocol=PROTOCOL,
    levels=Levels(out_db=-20.0),
    version="1.2.3",
)


def listed(protocol_id: str, name: str, category: str, outcome: str | None) -> ListedProtocol:
    return ListedProtocol.model_validate(
        {
            "id": protocol_id,
            "name": name,
            "category": category,
            "own": category == "own",
            "following": outcome,
            "outcome": outcome,
            "requires_headphones": False,
        }
    )


LIBRARY = Protocols(
    protocols=[
        listed("focus-16", "Focus 16", "focus", "moderate"),
        listed("smr-14", "SMR 14", "focus", "tradition"),
        listed("deep-3", "Deep 3", "sleep", "none"),
        listed("mine", "Mine", "own", None),
    ],
    recent=["deep-3", "focus-16"],
)


def described(autostart: bool | None = False, **changes: Any) -> MenuDescription:
    status = STATUS.model_copy(update=changes)
    return describe(json.loads(status.model_dump_json()), LIBRARY.model_dump(), autostart)


def protocol(**changes: Any) -> ActiveProtocol:
    return PROTOCOL.model_copy(update=changes)


def walk(items: tuple[Item | None, ...]) -> Iterator[Item]:
    for item in items:
        if item is not None:
            yield item
            yield from walk(item.items)


def item(description: MenuDescription, key: str) -> Item:
    return next(each for each in walk(description.items) if each.key == key)


def labels(found: Item) -> list[str | None]:
    return [each.label if each else None for each in found.items]


# ---- the state in words ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "icon", "line"),
    [
        ({}, "on", "Focus 16 · 16 Hz · 12 min left"),
        ({"state": "idle"}, "on", "Focus 16 · 16 Hz · 12 min left · no app is playing"),
        ({"state": "bypassed"}, "bypassed", "Bypassed: Focus 16 · 16 Hz · 12 min left"),
        ({"state": "off", "on": False}, "off", "Off"),
        (
            {"state": "off", "reason": "the sleep timer is over"},
            "off",
            "Off (the sleep timer is over)",
        ),
        ({"state": "waiting-for-device"}, "waiting", "Waiting for headphones or speakers"),
        ({"state": "failed", "reason": "no answer"}, "trouble", "Trouble: no answer"),
        (
            {"state": "failed", "reason": "gone; is it on? (entrain x)"},
            "trouble",
            "Trouble: gone; is it on?",
        ),
        ({"state": "failed"}, "trouble", "Trouble: no sound server answers"),
        ({"protocol": protocol(left_s=None, rate_hz=None)}, "on", "Focus 16"),
        ({"protocol": protocol(left_s=None, runs=False)}, "on", "Focus 16 · 16 Hz · paused"),
        ({"protocol": protocol(left_s=None, rate_hz=0.0917)}, "on", "Focus 16 · 5.5 a minute"),
        ({"protocol": protocol(ended=True, note="x")}, "on", "Focus 16 has ended"),
        ({"protocol": None}, "on", "On, without a protocol"),
    ],
)
def test_the_first_line_says_what_entrain_does(changes, icon, line):
    found = described(**changes)

    assert (found.icon, item(found, "state").label) == (icon, line)
    assert not item(found, "state").enabled


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({}, "Entrain: on\nFocus 16 · 16 Hz · 12 min left"),
        ({"on": False}, "Entrain: in use, though not on\nFocus 16 · 16 Hz · 12 min left"),
        ({"state": "idle"}, "Entrain: on, no app is playing\nFocus 16 · 16 Hz · 12 min left"),
        ({"state": "bypassed"}, "Entrain: bypassed\nFocus 16 · 16 Hz · 12 min left"),
        ({"state": "off", "on": False}, "Entrain: off"),
        ({"state": "off", "reason": "it was unplugged"}, "Entrain: off\nit was unplugged"),
        ({"state": "failed", "reason": "gone"}, "Entrain: trouble\nTrouble: gone"),
        ({"state": "waiting-for-device"}, "Entrain: waiting\nWaiting for headphones or speakers"),
        ({"protocol": protocol(ended=True, note="x")}, "Entrain: on\nFocus 16 has ended"),
        ({"protocol": None}, "Entrain: on"),
    ],
)
def test_the_tooltip_has_name_state_protocol_and_time_left(changes, title):
    assert described(**changes).title == title


def test_without_entrain_the_menu_still_says_so_and_can_be_left():
    found = describe(None, None, True)

    assert found.icon == "off"
    assert "not running" in item(found, "state").label
    assert item(found, "quit").act == Do("quit")
    assert not [each for each in walk(found.items) if isinstance(each.act, Ask)]


def test_the_listener_is_told_what_the_protocol_has_to_say():
    note = "Alpha 10 needs headphones; on loudspeakers it is silent"

    found = described(protocol=protocol(note=note))

    assert item(found, "note").label == note
    assert note in found.title


def test_a_volume_that_another_app_keeps_changing_is_told_with_what_to_do():
    what, advice = "another app keeps changing the volume", "set it to 100 %"

    found = described(muffled=f"{what}; {advice}", protocol=protocol(note="needs headphones"))

    assert item(found, "note").label == what
    assert item(found, "advice").label == advice
    assert f"{what}\n{advice}" in found.title


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "under 1 min left"),
        (60, "under 1 min left"),
        (61, "2 min left"),
        (3600, "1 h left"),
        (3601, "1 h 1 min left"),
    ],
)
def test_time_left_is_said_as_people_do(seconds, words):
    assert left(seconds) == words


def test_the_menu_does_not_change_while_nothing_worth_reading_does():
    """Each change costs a message to the panel, so the menu shows neither seconds nor meters."""
    later = described(
        protocol=protocol(left_s=661.2, elapsed_s=98.8),
        levels=Levels(out_db=-21.5, in_db=-3.0),
        cpu_load=0.5,
        xruns=3,
    )

    assert later == described()


# ---- clicks ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "changes", "act"),
    [
        ("on", {}, Ask("off")),
        ("on", {"on": False}, Ask("on")),
        ("bypass", {}, Ask("bypass", {"on": True, "matched": True})),
        ("bypass", {"bypass": True}, Ask("bypass", {"on": False, "matched": True})),
        ("protocol smr-14", {}, Ask("use", {"protocol": "smr-14"})),
        ("next", {}, Ask("next")),
        ("faster", {}, Ask("adjust", {"rate_steps": 1})),
        ("slower", {}, Ask("adjust", {"rate_steps": -1})),
        ("undo", {}, Ask("undo")),
        ("redo", {}, Ask("redo")),
        ("level 1", {}, Ask("adjust", {"level_steps": 1})),
        ("sleep 45", {}, Ask("sleep", {"minutes": 45})),
        ("sleep off", {}, Ask("sleep", {"minutes": None})),
        ("output usb", {}, Ask("output", {"name": "usb"})),
        ("automatic output", {}, Ask("output", {"name": None})),
        ("autostart", {}, Do("autostart-on")),
        ("autostart", {"autostart": True}, Do("autostart-off")),
        ("dashboard", {}, Do("dashboard")),
        ("help", {}, Do("help")),
        ("about", {}, Do("about")),
        ("quit", {}, Ask("stop")),
    ],
)
def test_a_line_does_what_it_says(key, changes, act):
    assert item(described(**changes), key).act == act


def test_every_request_is_one_that_entrain_understands():
    asked = {
        each.act.command
        for each in walk(described().items)
        if isinstance(each.act, Ask)
        and parse_request(json.dumps({"command": each.act.command, **each.act.fields}).encode())
    }
    assert asked <= set(COMMANDS)
    assert asked >= {"on", "off", "bypass", "use", "adjust", "sleep", "output", "stop"} - {"on"}


def test_the_menu_says_what_would_be_undone():
    step = "Beat of tone: 10 Hz → 6.5 Hz"
    undo = item(described(undo_text=step), "undo")
    redo = item(described(undo_text=step), "redo")

    assert (undo.label, undo.enabled) == (f"Undo: {step}", True)
    assert (redo.label, redo.enabled) == ("Redo", False)


def test_the_menu_says_that_a_restart_brings_another_version():
    keys = [each.key for each in walk(described().items)]
    assert "upgrade" not in keys

    line = item(described(upgrade="2.0"), "upgrade")

    assert (line.label, line.enabled) == ("Restart to use Entrain 2.0", False)


def test_a_click_on_the_icon_means_bypass_and_nothing_else():
    assert [each.key for each in walk(described().items) if each.default] == ["bypass"]


# ---- marks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "checked"),
    [
        ({}, {"on"}),
        ({"on": False}, set()),
        ({"bypass": True}, {"on", "bypass"}),
        ({"autostart": True}, {"on", "autostart"}),
        ({"head": Head(on=True)}, {"on", "head tracking"}),
    ],
)
def test_what_is_switched_on_is_checked(changes, checked):
    marked = [each for each in walk(described(**changes).items) if each.mark == "check"]

    assert {each.key for each in marked if each.checked} == checked
    assert {each.key for each in marked} == {"on", "bypass", "autostart", "head tracking"}


def test_the_running_protocol_is_marked_wherever_it_is():
    running = [
        each.label
        for each in walk(item(described(), "protocols").items)
        if each.mark == "radio" and each.checked
    ]
    assert running == ["Focus 16 (moderate evidence)"] * 2  # among the recent ones and in Focus


def test_the_protocols_are_those_used_last_then_categories_with_grades_in_words():
    found = item(described(), "protocols")

    assert labels(found) == [
        *("Deep 3 (no evidence)", "Focus 16 (moderate evidence)", None),
        *("Focus (running)", "Sleep", "Your own", None),
        "Next of the same category",
    ]
    assert labels(item(described(), "category focus")) == [
        "Focus 16 (moderate evidence)",
        "SMR 14 (tradition only)",
    ]
    assert labels(item(described(), "category own")) == ["Mine"]


@pytest.mark.parametrize("chosen", ["", "usb", "gone"])
def test_what_is_heard_is_in_the_label_and_what_was_chosen_is_marked(chosen):
    found = item(described(chosen_output=chosen), "output")

    assert found.label == "Output device: Phones"
    assert [(each.label, each.checked) for each in found.items if each] == [
        ("Automatic: the desktop's choice", not chosen),
        ("Phones", False),
        ("usb", chosen == "usb"),  # a device without a description shows its name
        ("When headphones are disconnected", False),
    ]


@pytest.mark.parametrize("setting", ["softer", "silent", "same"])
def test_what_speakers_do_without_the_headphones_is_chosen_below_the_outputs(setting):
    found = item(described(unplugged=setting), "unplugged")

    assert [each.checked for each in found.items] == [
        setting == "softer",
        setting == "silent",
        setting == "same",
    ]
    assert [each.act.fields["unplugged"] for each in found.items] == ["softer", "silent", "same"]


@pytest.mark.parametrize("chosen", ["", "usb"])
def test_where_speakers_are_softer_one_click_ends_that_and_changes_nothing_else(chosen):
    found = item(described(softened="softer", chosen_output=chosen), "softened")

    assert found.label == "Headphones disconnected: play at the former volume"
    assert found.act == Ask("output", {"name": chosen or None})
    assert "softened" not in [each.key for each in described().items if each]


def test_a_preferred_output_counts_before_the_desktops_choice():
    found = item(described(preferred_outputs=["usb"]), "output")

    assert found.items[0].label == "Automatic: a preferred device, else the desktop's choice"
    assert found.items[0].checked


# ---- labels with details ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measured", "text"),
    [
        (None, "Measured: no rhythm found"),
        (
            Measured(
                text="",
                tones=Tones(
                    left_hz=205,
                    right_hz=195,
                    left_db=-40,
                    right_db=-40,
                    beat_hz=-9.9996,
                    beat_error_hz=0.001,
                ),
            ),
            "Measured: beat 10.0 Hz",
        ),
        (
            Measured(
                text="",
                modulation=Modulation(rate_hz=16.02, left_index=0.4, right_index=0.5, floor=0),
                interaural=Interaural(hz=-5, coherence=1),
            ),
            "Measured: swelling 16.0 Hz, depth 45%; turning 5.0 Hz",
        ),
    ],
)
def test_it_says_what_is_measured(measured, text):
    assert item(described(measured=measured), "measured").label == text


def test_while_it_waits_nothing_is_heard_though_a_server_lets_programs_play_on():
    tones = Tones(left_hz=205, right_hz=195, left_db=-40, right_db=-40, beat_hz=10, beat_error_hz=0)
    found = described(state="waiting-for-device", measured=Measured(text="", tones=tones))
    assert item(found, "measured").label == "Measured: no output"


def test_while_nothing_plays_there_is_nothing_to_measure():
    assert item(described(levels=Levels()), "measured").label == "Measured: silence"


def test_the_rate_and_the_sleep_timer_say_where_they_stand():
    found = described(sleep_left_s=1500.0)

    assert item(found, "rate").label == "Rate: 16 Hz"
    assert item(found, "sleep").label == "Sleep timer: 25 min left"
    assert item(found, "sleep off").enabled
    assert not item(described(), "sleep off").enabled


def test_what_makes_no_sense_now_cannot_be_clicked():
    found = described(protocol=protocol(rate_hz=None, layers=[]), outputs=[], autostart=None)

    assert not item(found, "rate").enabled
    assert not item(found, "level").enabled
    assert not item(found, "output").enabled
    assert "autostart" not in {each.key for each in walk(found.items)}


# ---- every line ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "description",
    [described(), described(state="failed"), described(protocol=None), describe(None)],
)
def test_every_line_has_words_and_a_key_of_its_own(description):
    for group in (description.items, *(each.items for each in walk(description.items))):
        keys = [each.key for each in group if each]
        assert len(set(keys)) == len(keys)
    for each in walk(description.items):
        assert sum(char.isalpha() for char in each.label) >= 2


def test_foreign_names_neither_break_the_menu_nor_make_it_too_wide():
    name = "Head\x1b[2J\nset " + 200 * "x"
    found = described(
        outputs=[Device(name="a", description=name, current=True, default=True)],
        output=Output(name="a", description=name, rate_hz=0, quantum_frames=0),
    )

    for each in walk(found.items):
        assert each.label.isprintable()
        assert len(each.label) <= MAX_LABEL


def test_a_line_of_the_menu_has_up_to_eighty_characters():
    def label(name: str) -> str:
        found = described(outputs=[Device(name="a", description=name, current=True, default=False)])
        return next(each.label for each in walk(found.items) if each.label.startswith("xxx"))

    assert label(80 * "x") == 80 * "x"
    assert label(81 * "x") == 79 * "x" + "…"


# ---- the space -------------------------------------------------------------------------------


def test_the_space_can_be_chosen_with_its_head_and_head_tracking():
    space = Space(mode="speakers", setting="speakers", hrtf="mine", hrtf_in_use="mine")
    status = STATUS.model_copy(update={"space": space, "head": Head(on=True, yaw_deg=3.0)})
    heads = (("kemar", "MIT KEMAR"), ("mine", "My Ears"))
    found = describe(json.loads(status.model_dump_json()), None, None, heads)

    assert item(found, "space").label == "Space: speakers"
    checked = [each.key for each in walk((item(found, "space"),)) if each.checked]
    assert checked == ["space speakers", "head tracking", "hrtf mine"]
    assert item(found, "space scene").act == Ask("settings", {"space": {"mode": "scene"}})
    assert item(found, "head tracking").act == Ask("tracking", {"on": False})
    assert item(found, "recentre").act == Ask("recentre")
    assert item(found, "recentre").enabled
    assert item(found, "hrtf").label == "HRTF: mine"
    assert item(found, "hrtf kemar").act == Ask("settings", {"hrtf": "kemar"})


def test_a_space_that_is_not_heard_is_explained_in_the_menu():
    space = Space(setting="scene", note="Rain has its own space")
    found = described(space=space)
    assert item(found, "space").label == "Space: off"
    assert item(found, "space scene").checked
    assert not item(found, "space note").enabled
    assert item(found, "space note").label == "Rain has its own space"
    assert not item(found, "recentre").enabled  # no tracker sends
    assert not item(found, "hrtf").enabled  # no head is known
    assert not item(described(output=None), "space").enabled
