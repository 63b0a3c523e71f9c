"""`entrain midi` as a person and a shell meet it."""

import json
import re
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from command_line import entrain

from entrain.tray.commands import completion, request
from entrain.vdevice.api import messages
from entrain.vdevice.api.messages import MidiMappings, MidiStatus
from entrain.vdevice.bridge.midi import driver_calls
from entrain.vdevice.bridge.midi.library import NoMidi, load
from entrain.vdevice.protocol.model import Layer
from entrain.vdevice.remote.midi_settings import MidiMapping

TONE = Layer(kind="binaural", id="tone")
RUNNING = messages.ActiveProtocol(id="x", name="X", elapsed_s=1, layers=[TONE])
NOT_RUNNING = "entrain: Entrain is not running; start it with `entrain run`\n"
ON = MidiStatus(on=True, running="alsa", devices=("nano CTR", "Pad"), mappings=1, messages=17)
MAPPING = MidiMapping(
    device="nano CTR", kind="cc14", channel=1, number=21, target="tone.beat_hz", low=4, high=12
)


@pytest.fixture(autouse=True)
def runtime(home: Path) -> Path:
    return home


@pytest.fixture
def answer(runtime: Path, serve: Any, idle: messages.Status) -> Any:
    """Answer each request with this state of MIDI, and with one mapping."""

    def use(midi: Any, mapping: MidiMapping = MAPPING, **status: Any) -> Any:
        def told(request: Any) -> Any:
            if isinstance(request, messages.ListMidiMappings):
                return MidiMappings(mappings=[mapping])
            present = midi() if callable(midi) else midi
            return idle.model_copy(update={"midi": present, "protocol": RUNNING, **status})

        return serve(runtime / "entrain" / "control.sock", told)

    return use


@pytest.mark.parametrize(
    "action", [(), ("on",), ("off",), ("status",), ("list",), ("learn", "x.y")]
)
def test_without_a_running_entrain_it_says_what_to_do(action):
    result = entrain("midi", *action)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", NOT_RUNNING)


@pytest.mark.parametrize(
    ("midi", "said"),
    [
        (ON, "MIDI is on; it uses ALSA and hears nano CTR, Pad\n"),
        (
            ON.model_copy(update={"devices": ()}),
            "MIDI is on; it uses ALSA and hears no device yet\n",
        ),
    ],
)
def test_on_says_what_is_heard(answer, midi, said):
    server = answer(midi)
    assert entrain("midi", "on", "--system", "alsa").stdout == said
    assert server.requests == [messages.Midi(on=True, system="alsa")]


def test_on_fails_with_the_reason_if_midi_cannot_work(answer):
    server = answer(MidiStatus(on=True, problem="no JACK server answers; Entrain tries again"))
    result = entrain("midi", "on")
    assert (result.exit_code, result.stdout) == (1, "")
    said = "no JACK server answers; MIDI stays on, and Entrain tries again"
    assert result.stderr == f"entrain: {said}\n"
    assert server.requests == [messages.Midi(on=True), messages.GetStatus()]
    assert "no JACK server answers; Entrain tries again" in entrain("midi").stdout


def test_on_waits_for_the_first_report(answer, monkeypatch):
    monkeypatch.setattr(request, "MIDI_START_TIMEOUT_S", 0.2)
    server = answer(MidiStatus(on=True))
    result = entrain("midi", "on")
    assert result.exit_code == 1
    said = "the MIDI system does not answer yet; MIDI stays on, and Entrain tries again"
    assert result.stderr == f"entrain: {said}\n"
    assert messages.GetStatus() in server.requests


def test_on_waits_longer_than_a_driver_may_take_to_answer():
    process_start_s = 1.0
    assert driver_calls.LONGEST_CALL_S + process_start_s < request.MIDI_START_TIMEOUT_S


def test_missing_libraries_are_not_tried_again(answer, monkeypatch):
    monkeypatch.setitem(sys.modules, "mido", None)
    with pytest.raises(NoMidi) as missing:
        load()
    answer(MidiStatus(on=True, problem=str(missing.value)))
    assert entrain("midi", "on").stderr == f"entrain: {missing.value}\n"


def test_learn_says_at_once_that_no_device_is_connected(answer):
    silent = ON.model_copy(update={"devices": ()})
    waits = silent.model_copy(update={"learning": messages.MidiLearning(target="next", heard="")})
    midi = [silent, waits]
    answer(lambda: midi.pop(0) if midi else silent)
    result = entrain("midi", "learn", "next", "--timeout", "1")
    assert result.stdout.splitlines() == [
        "press a pad or a button now …",
        "no MIDI device is connected; waiting for one",
    ]
    assert "no control was learned within 1 s" in result.stderr


def test_off_says_so(answer):
    server = answer(MidiStatus())
    assert entrain("midi", "off").stdout == "MIDI is off\n"
    assert server.requests == [messages.Midi(on=False)]


def test_status_is_for_people_and_for_scripts(answer):
    answer(ON)
    shown = entrain("midi").stdout
    assert "nano CTR" in shown
    assert "17, 0 malformed" in shown
    assert json.loads(entrain("midi", "status", "--json").stdout)["devices"] == ["nano CTR", "Pad"]


def test_list_shows_mappings_then_the_controllers_of_the_running_layers(answer):
    answer(ON)
    lines = entrain("midi", "list").stdout.splitlines()
    assert cells(lines[0]) == ["target", "device", "control", "range", "pick-up"]
    control = "controllers 21 and 53 (14 bits), channel 1"
    assert cells(lines[1]) == ["tone.beat_hz", "nano CTR", control, "4 … 12 Hz", "yes"]
    row = ["tone.carrier_hz", "any device", "controller 21", "60 … 1000 Hz", "yes"]
    assert row in [cells(each) for each in lines]
    assert not any("space." in each for each in lines)


def cells(line: str) -> list[str]:
    return re.split(r" {2,}", line.strip())


def test_list_shows_the_controllers_of_the_space_while_there_is_one(answer, idle):
    space = idle.space.model_copy(update={"mode": "scene"})
    answer(ON, space=space)
    listed = [cells(each) for each in entrain("midi", "list").stdout.splitlines()]
    row = ["space.azimuth_deg", "any device", "controller 117", "-180 … 180 deg", "yes"]
    assert row in listed


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"target": "next", "kind": "note"}, ["next", "note 21, channel 1"]),
        ({"pickup": False, "low": 8, "high": None}, ["8 … 40 Hz", "no"]),
        ({"encoding": "twos", "kind": "cc"}, ["endless (two's complement)", "4 … 12 Hz"]),
        ({"target": "rain.level_db", "low": None, "high": None}, ["whole", "yes"]),
        ({"target": "rain.level_db", "high": None}, ["4 … its end", "yes"]),
    ],
)
def test_list_shows_the_range_and_the_pick_up_of_a_mapping(answer, fields, shown):
    answer(ON, mapping=MidiMapping.model_validate({**MAPPING.model_dump(), **fields}))
    row = ", ".join(cells(entrain("midi", "list").stdout.splitlines()[1]))
    assert row.endswith(", ".join(shown[1:])), row
    assert shown[0] in row


def test_the_monitor_prints_lines_as_they_come_and_says_when_midi_is_off(runtime, answer, serve):
    midi = [ON, MidiStatus()]
    status = answer(lambda: midi.pop(0) if len(midi) > 1 else midi[0])
    lines = [
        {"device": "nano\x1b[2J", "message": "controller 7: 3", "target": "tone.beat_hz"},
        {"device": "Pad", "message": "note 36, channel 10: 99", "target": ""},
    ]
    effects = [("set tone.beat_hz 7.5", ""), ("", "Entrain is busy")]
    told = [
        {**line, "effect": effect, "refused": refused}
        for line, (effect, refused) in zip(lines, effects, strict=True)
    ]
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(runtime / "entrain" / "midi.sock"))
        listener.listen()
        thread = threading.Thread(target=say_once, args=(listener, [*told, {"skipped": 7}]))
        thread.start()
        result = entrain("midi", "monitor")
        thread.join()
    assert status.requests
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "MIDI is on; it uses ALSA and hears nano CTR, Pad",
        "Ctrl-C ends the list",
        "entrain: MIDI is off; `entrain midi on` switches it on",
    ]
    assert result.stdout.splitlines() == [
        "nano?[2J  controller 7: 3  tone.beat_hz  → set tone.beat_hz 7.5",
        "Pad  note 36, channel 10: 99  → refused: Entrain is busy",
        "… and 7 more in this second",
    ]


def say_once(listener: socket.socket, lines: list[dict[str, Any]]) -> None:
    """Send lines to the first client, and hang up."""
    client, _ = listener.accept()
    with client:
        client.sendall(b"".join(json.dumps(each).encode() + b"\n" for each in lines))


def test_the_list_can_be_mapped_again(answer, tmp_path):
    server = answer(ON)
    file = tmp_path / "knobs.json"
    file.write_text(entrain("midi", "list", "--json").stdout)
    assert entrain("midi", "map", str(file), "--replace").stdout == "mapped; mappings: 1\n"
    assert server.requests[-1] == messages.MidiMap(mappings=(MAPPING,), replace=True)


@pytest.mark.parametrize("content", ["", "{", "{}", '"x"', "[" * 100_000])
def test_a_file_that_is_no_list_is_refused_in_one_line(answer, tmp_path, content):
    answer(ON)
    file = tmp_path / "knobs.json"
    file.write_text(content)
    result = entrain("midi", "map", str(file))
    assert result.exit_code == 1
    assert "`entrain midi list --json` writes it" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_missing_file_is_named():
    result = entrain("midi", "map", "no-such-file.json")
    assert result.exit_code == 1
    assert "no-such-file.json" in result.stderr


def test_forget_needs_one_target_or_all(answer):
    server = answer(ON)
    assert entrain("midi", "forget").exit_code == 2
    assert entrain("midi", "forget", "next", "--all").exit_code == 2
    assert entrain("midi", "forget", "next").stdout == "forgotten; mappings left: 1\n"
    assert entrain("midi", "forget", "--all").exit_code == 0
    wanted = [messages.MidiForget(target="next"), messages.MidiForget(target=None)]
    assert server.requests == wanted


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("by", ["bypass"]), ("u", ["undo", "use:"]), ("use:calm-10", ["use:calm-10"])],
)
def test_the_shell_completes_actions_and_protocols(typed, offered):
    found = completion.midi_targets(None, None, typed)  # type: ignore[arg-type]
    assert [each.value for each in found] == offered


def test_the_shell_completes_targets_that_are_mapped(answer):
    answer(ON)
    found = completion.mapped_targets(None, None, "t")  # type: ignore[arg-type]
    assert [each.value for each in found] == ["tone.beat_hz"]


def test_a_device_cannot_write_control_characters_to_the_terminal(answer):
    answer(ON.model_copy(update={"devices": ("evil\x1b[2J",)}))
    assert "\x1b" not in entrain("midi", "on").stdout + entrain("midi").stdout
