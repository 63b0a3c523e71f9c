"""Entries of the log."""

import itertools

import made_scene
import pytest

from entrain.tray.terminal.events import Steps, changes, person, troubles

STEP = "Beat of tone: 10 Hz → 11 Hz"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, {}, []),
        ({}, {"bypass": True}, ["bypass on"]),
        ({"on": True}, {"on": False}, ["off"]),
        ({}, {"mode": "manual"}, ["mode manual"]),
        ({}, {"sleep_left_s": 900.0}, ["off in 15:00"]),
        ({"sleep_left_s": 900.0}, {"sleep_left_s": 899.0}, []),
        ({"sleep_left_s": 900.0}, {"sleep_left_s": 1800.0}, ["off in 30:00"]),
        ({"sleep_left_s": 900.0}, {"sleep_left_s": None}, ["no sleep timer"]),
        ({}, {"output": {"name": "b", "description": "Head\x1bset"}}, ["plays on Head?set"]),
        ({}, {"output": None}, []),
        ({}, {"softened": "softer"}, ["speakers play 20 dB softer"]),
        ({}, {"muted": True}, ["muted"]),
        ({}, {"state": "idle"}, []),
    ],
)
def test_a_change_has_a_line(before, after, told):
    assert changes(made_scene.status(**before), made_scene.status(**after)) == told


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, {}, []),
        ({}, {"bypass": True}, []),
        ({}, {"state": "failed", "reason": "no\x1bserver"}, ["no?server"]),
        ({}, {"state": "waiting-for-device"}, ["waiting-for-device"]),
        ({"state": "failed"}, {"state": "idle"}, []),
        ({"errors": ["a"]}, {"errors": ["a", "b"]}, ["error: b"]),
        ({"xruns": 1}, {"xruns": 2}, ["1 gap in the sound"]),
        ({"xruns": 1}, {"xruns": 4}, ["3 gaps in the sound"]),
        ({"xruns": 4}, {"xruns": 0}, []),
    ],
)
def test_a_fault_has_a_line(before, after, told):
    assert troubles(made_scene.status(**before), made_scene.status(**after)) == told


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ([("", ""), ("", "")], []),
        ([("", ""), (STEP, "")], [STEP]),
        ([("", ""), (STEP, ""), ("", STEP)], [STEP, f"undone: {STEP}"]),
        ([("", STEP), (STEP, "")], [f"made again: {STEP}"]),
        ([(STEP, "x"), ("", "")], [f"back again: {STEP}"]),
        ([("", ""), ("A: 1 → 2", ""), ("A: 1 → 3", "")], ["A: 1 → 2", "A: 1 → 3"]),
        (
            [("B", ""), ("A: 1 → 2", ""), ("A: 1 → 3", ""), ("B", "")],
            ["A: 1 → 2", "A: 1 → 3", "back again: A: 1 → 3"],
        ),
        ([("x → y", ""), ("y → z", ""), ("x → y", "y → z")], ["y → z", "undone: y → z"]),
    ],
)
def test_steps_of_the_sound_have_lines(texts, told):
    statuses = [made_scene.status(undo_text=undo, redo_text=redo) for undo, redo in texts]
    steps = Steps()
    found = [steps.told(*pair) for pair in itertools.pairwise(statuses)]
    assert [line for lines in found for line in lines] == told


def test_the_session_has_lines():
    before, paused, ended = made_scene.status(), made_scene.status(), made_scene.status()
    paused["protocol"]["runs"] = False
    ended["protocol"]["ended"] = True
    assert changes(before, paused) == ["session paused"]
    assert changes(paused, before) == ["session goes on"]
    assert changes(before, ended) == ["Alpha 10 has ended"]


@pytest.mark.parametrize(
    ("client", "told"),
    [
        ("terminal-7", "you"),
        ("terminal-8", "a terminal"),
        ("client-3", "a program"),
        ("command line", "command line"),
        ("tray", "tray"),
        ("x\x1b[2J", "x?[2J"),
    ],
)
def test_who_has_changed_it_has_a_name(client, told):
    assert person(client, "terminal-7") == told
