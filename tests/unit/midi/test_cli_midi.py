"""`entrain midi` as a person and a shell meet it."""

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import entrain

from entrain.tray.commands import completion
from entrain.vdevice.api import messages
from entrain.vdevice.api.messages import MidiMappings, MidiStatus
from entrain.vdevice.remote.midi_settings import MidiMapping

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

    def use(midi: MidiStatus) -> Any:
        status = idle.model_copy(update={"midi": midi})

        def told(request: Any) -> Any:
            is_list = isinstance(request, messages.ListMidiMappings)
            return MidiMappings(mappings=[MAPPING]) if is_list else status

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
        (MidiStatus(on=True, problem="no JACK server"), "MIDI is on\nproblem: no JACK server\n"),
    ],
)
def test_on_says_what_is_heard(answer, midi, said):
    server = answer(midi)
    assert entrain("midi", "on", "--system", "alsa").stdout == said
    assert server.requests == [messages.Midi(on=True, system="alsa")]


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
    assert lines[1].split("  ")[0] == "tone.beat_hz"
    assert "controllers 21 and 53 (14 bits), channel 1, 4 … 12" in lines[1]
    assert any("space.azimuth_deg" in each and "controller 117" in each for each in lines)


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
