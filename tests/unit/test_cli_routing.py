"""The commands that decide which apps play through Entrain."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from entrain.tray.commands.cli import cli
from entrain.vdevice.api.messages import (
    ActiveProtocol,
    GetStatus,
    Output,
    SetOutput,
    Settings,
    Status,
    Use,
)
from entrain.vdevice.device.applications.rules import ApplicationRules

RULES = ApplicationRules(exclude=("Zoom",), notifications_pass=False)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Any, idle: Status) -> Any:
    """Serve an Entrain that leaves Zoom alone and accepts requests."""
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))

    def respond(request: object) -> object:
        rules = request.applications if isinstance(request, Settings) else None
        preferred = request.preferred_outputs if isinstance(request, Settings) else None
        changed = {"applications": rules or RULES, "preferred_outputs": list(preferred or ())}
        return idle.model_copy(update=changed)

    return serve(tmp_path / "entrain" / "control.sock", respond)


def entrain(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="entrain")


@pytest.mark.parametrize(
    ("mode", "included", "words"),
    [
        ("manual", (), "only sound that you send to it"),
        ("manual", ("Spotify",), "Spotify"),
        ("default", ("Zoom",), "all other apps, and all sound of Zoom"),
        ("default", (), "all other apps"),
        ("smart", ("Zoom",), "all other apps, and all sound of Zoom"),
    ],
)
def test_which_apps_are_processed_depends_on_the_mode(
    serve, tmp_path, monkeypatch, idle, mode, included, words
):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    rules = ApplicationRules(include=included)
    status = idle.model_copy(update={"mode": mode, "applications": rules})
    serve(tmp_path / "entrain" / "control.sock", lambda request: status)

    lines = entrain("apps").stdout.splitlines()
    assert f"through Entrain   {words}" in lines
    assert (lines[0] == "In smart mode, these rules do not apply.") == (mode == "smart")


def test_the_rules_are_said_in_words(server):
    result = entrain("apps")

    assert result.stdout.splitlines() == [
        "through Entrain   all other apps",
        "past Entrain      Zoom",
        "calls             past Entrain",
        "notifications     through Entrain",
    ]
    assert [type(request) for request in server.requests] == [GetStatus]


@pytest.mark.parametrize(
    ("arguments", "rules"),
    [
        (["--exclude", "Firefox"], {"exclude": ["Zoom", "Firefox"]}),
        (["--include", "zoom"], {"include": ["zoom"], "exclude": []}),
        (["--forget", "ZOOM"], {"exclude": []}),
        (["--calls", "process"], {"calls_pass": False}),
        (["--notifications", "pass"], {"notifications_pass": True}),
    ],
)
def test_a_change_leaves_the_rest_as_it_is(server, arguments, rules):
    result = entrain("apps", *arguments, "--json")

    assert json.loads(result.stdout) == json.loads(RULES.model_dump_json()) | rules
    assert server.requests[-1].applications.model_dump(mode="json") == json.loads(result.stdout)


def test_what_is_so_already_is_not_sent(server):
    entrain("apps", "--exclude", "Zoom")

    assert [type(request) for request in server.requests] == [GetStatus]


def test_the_mode_is_said_and_changed(server):
    assert entrain("mode").stdout == "default\n"
    entrain("mode", "manual")

    assert server.requests[-1] == Settings(mode="manual")
    assert entrain("mode", "nonsense").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "here"), [([], None), (["--here"], True), (["--forget"], False)]
)
def test_a_protocol_can_be_for_this_output_only(server, arguments, here):
    entrain("use", "none", *arguments)

    assert server.requests == [Use(protocol="none", here=here)]


@pytest.mark.parametrize(
    ("arguments", "is_own", "said"),
    [([], True, True), ([], False, False), (["--here"], True, False), (["--forget"], False, False)],
)
def test_a_replaced_protocol_of_this_output_is_told(home, serve, idle, arguments, is_own, said):
    output = Output(name="a", description="My ears", rate_hz=48_000, quantum_frames=256)
    protocol = ActiveProtocol(id="none", name="None", elapsed_s=0, layers=[], here=is_own)
    status = idle.model_copy(update={"output": output, "protocol": protocol})
    serve(home / "entrain" / "control.sock", lambda request: status)

    lines = entrain("use", "none", *arguments).stdout.splitlines()

    told = "The protocol of My ears was replaced; other outputs keep theirs."
    assert (told in lines) == said


def test_outputs_are_preferred_whether_they_are_connected_or_not(server, idle):
    connected = [device.name for device in idle.outputs]
    result = entrain("output", "--prefer", "a", "headset")

    assert server.requests == [Settings(preferred_outputs=("a", "headset"))]
    assert result.exit_code == 0
    noted = [line.split()[0] for line in result.stdout.splitlines() if "is not connected" in line]
    assert noted == [name for name in ("a", "headset") if name not in connected]


def test_without_a_name_the_chosen_output_stays_and_is_confirmed(server):
    assert entrain("output").exit_code == 0
    assert server.requests == [GetStatus(), SetOutput(name=None)]


def test_what_speakers_do_without_the_headphones_is_a_setting(server):
    assert entrain("output", "--unplugged", "silent").exit_code == 0
    assert server.requests == [Settings(unplugged="silent")]
    assert "when unplugged: speakers play 20 dB softer" in entrain("status").stdout
    assert entrain("output", "--unplugged", "loud").exit_code == 2


def test_one_output_is_chosen_at_a_time(server):
    result = entrain("output", "a", "b")

    assert result.exit_code == 2
    assert "one NAME" in result.stderr


def test_without_a_name_none_is_preferred(server):
    assert entrain("output", "--prefer").exit_code == 0
    assert server.requests == [Settings(preferred_outputs=())]


def test_one_program_has_one_rule_and_what_has_none_cannot_be_forgotten(server):
    for arguments in (
        ("--exclude", "X", "--include", "x"),
        ("--forget", "zoom", "--include", "ZOOM"),
    ):
        result = entrain("apps", *arguments)
        assert result.exit_code == 2
        assert "only one of --include, --exclude and --forget" in result.stderr

    result = CliRunner().invoke(cli, ("apps", "--forget", "nosuch"), prog_name="entrain")
    assert result.exit_code == 1
    assert "there is no rule for 'nosuch'; apps with a rule: Zoom" in result.output
    assert server.requests == [GetStatus()]


@pytest.mark.parametrize("mode", ["default", "manual", "smart"])
def test_the_status_says_the_mode(server, idle, mode, monkeypatch):
    told = idle.model_copy(update={"mode": mode})
    monkeypatch.setattr(server, "_respond", lambda request: told)

    lines = entrain("status").stdout.splitlines()

    assert any(line.split()[:1] == ["mode"] and mode in line for line in lines)
