"""The command line, used by a person and by a script."""

import json
import logging
import math
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner
from command_line import entrain

from entrain.errors import EntrainError
from entrain.tray.commands.cli import cli
from entrain.tray.icon.tray_icon import TrayIcon
from entrain.vdevice.api import messages
from entrain.vdevice.api.messages import Latency, Status
from entrain.vdevice.offline.reports import Finding, RenderSummary
from entrain.vdevice.options import RunOptions
from entrain.vdevice.protocol.model import Layer

NOT_RUNNING = "entrain: Entrain is not running; start it with `entrain run`\n"

STATUS = Status(
    state="processing",
    reason="",
    on=True,
    bypass=False,
    backend="pipewire",
    sink="entrain",
    output=messages.Output(name="a", description="Ear\x1b[2J", rate_hz=48000, quantum_frames=256),
    latency=Latency(added_frames=70, added_ms=1.458),
    protocol=messages.ActiveProtocol(
        id="default",
        name="Alpha 10",
        elapsed_s=3725.0,
        layers=[Layer(kind="binaural", id="tone", params={"beat_hz": 10.0})],
    ),
    levels=messages.Levels(in_db=-18.25, out_db=None),
    volume=0.5,
    cpu_load=0.0123,
    version="0.1.0",
)


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set a private runtime folder; there is no sound server."""
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("ENTRAIN_PLATFORM", "null")
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    monkeypatch.setattr(TrayIcon, "start", lambda self, at_once=True: None)
    return tmp_path


@pytest.fixture
def server(runtime: Path, serve: Any) -> Any:
    return serve(runtime / "entrain" / "control.sock", lambda request: STATUS)


@pytest.fixture
def provide(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replace a module that does the work by functions of the test."""

    def put(module: str, **functions: object) -> None:
        fake = ModuleType(module)
        vars(fake).update(functions)
        monkeypatch.setitem(sys.modules, module, fake)

    return put


# ---- requests to the running Entrain -------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["status", "--json"],
        ["on"],
        ["off"],
        ["bypass"],
        ["toggle"],
        ["use", "default"],
        ["use", "binaural:beat_hz=4"],
        ["set", "tone.beat_hz", "-4"],
        ["output", "a"],
        ["watch"],
    ],
)
def test_without_a_running_entrain_a_command_says_what_to_do(arguments):
    result = entrain(*arguments)

    assert (result.exit_code, result.stdout, result.stderr) == (1, "", NOT_RUNNING)


@pytest.mark.parametrize(
    ("arguments", "request_"),
    [
        (["on"], messages.On()),
        (["off"], messages.Off()),
        (["bypass", "on"], messages.Bypass(on=True)),
        (["bypass", "off"], messages.Bypass(on=False)),
        (["bypass"], messages.Bypass(on=None)),
        (["toggle"], messages.Bypass(on=None)),
        (["bypass", "on", "--matched"], messages.Bypass(on=True, matched=True)),
        (["faster"], messages.Adjust(rate_steps=1)),
        (["slower", "3"], messages.Adjust(rate_steps=-3)),
        (["stronger", "2"], messages.Adjust(level_steps=2)),
        (["weaker"], messages.Adjust(level_steps=-1)),
        (["session", "pause"], messages.Session(runs=False)),
        (["session", "resume"], messages.Session(runs=True)),
        (["session", "restart"], messages.Session(runs=True, position_s=0.0)),
        (["session", "seek", "90"], messages.Session(position_s=90.0)),
        (["session", "seek", "12:30.5"], messages.Session(position_s=750.5)),
        (["session", "seek", "1:02:30"], messages.Session(position_s=3750.0)),
        (["use", "default"], messages.Use(protocol="default")),
        (["output", "a b"], messages.SetOutput(name="a b")),
        (["output", "auto"], messages.SetOutput(name=None)),
        (["set", "tone.level_db", "-20"], messages.Set(address="tone.level_db", value=-20.0)),
        (["set", "tone.beat_hz", "-1e-3"], messages.Set(address="tone.beat_hz", value=-0.001)),
        (["set", "rain.path", "orbit"], messages.Set(address="rain.path", value=1.0)),
        (["set", "pre.gate", "on"], messages.Set(address="pre.gate", value=1.0)),
        (
            ["set", "--over", "600", "tone.beat_hz", "-.5"],
            messages.Set(address="tone.beat_hz", value=-0.5, over_s=600.0),
        ),
        (
            ["set", "tone.beat_hz", "4", "--over=1.5"],
            messages.Set(address="tone.beat_hz", value=4.0, over_s=1.5),
        ),
    ],
)
def test_a_command_is_one_request(server, arguments, request_):
    result = entrain(*arguments)

    assert (result.exit_code, result.stderr) == (0, "")
    levels = "tone (binaural): beat_hz 10\n" if arguments[0] in ("stronger", "weaker") else ""
    assert result.stdout == "processing · Alpha 10 · Ear?[2J\n" + levels
    assert server.requests == [request_]


def test_a_name_that_is_no_choice_is_refused_with_the_choices(server):
    refused = entrain("set", "rain.path", "oval")
    assert refused.exit_code == 2
    assert "'oval' is neither a number nor one of still, orbit, arc, eight" in refused.stderr
    assert server.requests == []


def test_not_a_number_is_left_to_the_one_who_knows_the_range(server):
    assert entrain("set", "tone.beat_hz", "-inf").exit_code == 0
    assert entrain("set", "tone.beat_hz", "nan").exit_code == 0
    assert server.requests[0].value == float("-inf")
    assert math.isnan(server.requests[1].value)


def test_a_file_is_read_here_and_sent_as_a_whole(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    document = {"id": "mine", "name": "Mine", "layers": [{"kind": "binaural"}]}
    Path("mine.json").write_text(json.dumps(document))

    assert entrain("use", "mine.json").exit_code == 0

    assert server.requests[0].protocol.id == "mine"


def test_specs_are_sent_as_they_are_typed(server):
    assert entrain("use", "a=binaural:beat_hz=4", "binaural:beat_hz=-8").exit_code == 0
    assert entrain("use", "default", "noise", "--standalone").exit_code == 0

    assert server.requests == [
        messages.Use(protocol="a=binaural:beat_hz=4", layers=("binaural:beat_hz=-8",)),
        messages.Use(protocol="default", layers=("noise",), standalone=True),
    ]


@pytest.mark.parametrize("protocol", ["./nosuch.json", "nosuch/", "Nosuch", "binaural beat_hz=4"])
def test_a_file_that_cannot_be_used_never_reaches_the_running_entrain(server, protocol):
    result = entrain("use", protocol)

    assert result.exit_code == 1
    assert result.stderr.startswith("entrain: cannot read ")
    assert result.stderr.endswith(": No such file or directory\n")
    assert result.stderr.count("\n") == 1
    assert server.requests == []


def test_a_refusal_is_one_line_and_exit_1(runtime, serve):
    def refuse(request):
        raise EntrainError("there is no device 'x'")

    serve(runtime / "entrain" / "control.sock", refuse)

    result = entrain("output", "x")

    assert (result.exit_code, result.stderr) == (1, "entrain: there is no device 'x'\n")


def test_status_as_json_is_the_whole_status(server):
    result = entrain("status", "--json")

    assert json.loads(result.stdout) == STATUS.model_dump(mode="json")


def test_status_in_a_pipe_is_plain_aligned_text(server):
    lines = entrain("status").stdout.splitlines()

    assert "state        processing" in lines
    assert "protocol     Alpha 10 (default), 1:02:05" in lines
    assert "             tone (binaural): beat_hz 10" in lines
    assert "output       Ear?[2J (a)" in lines  # a device's name cannot control the terminal
    assert "added delay  1.46 ms, 70 frames" in lines
    assert "levels       in -18.2 dB, out silent" in lines
    assert "volume       50%" in lines


def test_stop_waits_until_entrain_has_gone(server):
    assert entrain("stop").exit_code == 0

    assert entrain("status").stderr == NOT_RUNNING


def test_stop_without_a_running_entrain_does_not_advise_to_start_it():
    result = entrain("stop")

    assert (result.exit_code, result.stderr) == (1, "entrain: Entrain is not running\n")


@pytest.mark.parametrize(
    ("command", "line"),
    [("faster", "rate: 10.5 Hz"), ("weaker", "tone (binaural): beat_hz 10.5, level_db -15")],
)
def test_a_step_shows_the_new_value(runtime, serve, command, line):
    layer = Layer(kind="binaural", id="tone", params={"beat_hz": 10.5, "level_db": -15.0})
    protocol = STATUS.protocol.model_copy(update={"rate_hz": 10.5, "layers": [layer]})
    status = STATUS.model_copy(update={"protocol": protocol})
    serve(runtime / "entrain" / "control.sock", lambda request: status)

    assert entrain(command).stdout.splitlines()[1:] == [line]


def test_the_status_of_an_entrain_that_is_off_or_in_trouble_tells_all(runtime, serve):
    changes = {"state": "failed", "reason": "no server", "bypass": True, "retry_in_s": 0.2}
    status = STATUS.model_copy(update=changes)
    serve(runtime / "entrain" / "control.sock", lambda request: status)

    lines = entrain("status").stdout.splitlines()
    assert "next try     now" in lines
    assert "bypass       on (`entrain bypass off` lets Entrain process the sound)" in lines


def test_devices_works_without_a_running_entrain():
    result = entrain("devices", "--json")

    assert result.exit_code == 0
    for device in json.loads(result.stdout):
        assert messages.Device.model_validate(device).current is False


# ---- usage ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["nosuch"],
        ["set", "tone.beat_hz"],
        ["set", "tone.beat_hz", "four"],
        ["set", "tone.beat_hz", "4", "--ovr", "3"],
        ["set", "tone.beat_hz", "4", "--over", "-1"],
        ["use"],
        ["bypass", "maybe"],
        ["bypass", "off", "--matched"],
        ["run", "--backend", "nosuch"],
        ["run", "--sandbox=maybe"],
        ["run", "--latency", "2"],
        ["run", "--latency", "nan"],
        ["render", "in.wav"],
        ["completion", "tcsh"],
    ],
)
def test_wrong_usage_is_exit_2(arguments):
    result = entrain(*arguments)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage: entrain" in result.stderr


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_every_command_teaches_by_example(command):
    result = entrain(command, "--help")

    assert result.exit_code == 0
    assert "Example" in result.stdout
    assert result.stdout.count(f"entrain {command}") >= 2  # the usage line and an example


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_completion_script_is_the_shells(shell):
    assert "_ENTRAIN_COMPLETE" in entrain("completion", shell).stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [("entrain use def", "default"), ("entrain set to", "tone.beat_hz")],
)
def test_tab_offers_protocols_and_addresses(server, words, offered):
    result = CliRunner().invoke(
        cli,
        prog_name="entrain",
        env={
            "_ENTRAIN_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        },
    )

    assert result.stdout.splitlines() == [f"plain,{offered}"]


# ---- work in the command's own process -----------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], RunOptions()),
        (["run"], RunOptions()),
        (["run", "--sandbox"], RunOptions(sandbox="always")),
        (["run", "--sandbox", "--headless"], RunOptions(sandbox="always", headless=True)),
        (["run", "--sandbox=auto"], RunOptions(sandbox="auto")),
        (
            ["run", "--backend", "null", "--output", "a", "--verbose"],
            RunOptions(backend="null", output="a", verbose=True),
        ),
    ],
)
def test_run_hands_its_options_to_the_app(provide, arguments, expected):
    seen = []
    provide("entrain.vdevice.app", run=lambda options, ready: seen.append(options) or 7)

    assert entrain(*arguments).exit_code == 7
    assert seen == [expected]


def test_run_with_layers_runs_them(provide):
    seen = []
    provide("entrain.vdevice.app", run=lambda options, ready: seen.append(options) or 0)

    entrain("run", "--protocol", "default", "--layer", "binaural:beat_hz=-4")

    assert [layer.id for layer in seen[0].protocol.layers] == ["tone", "binaural"]


def test_run_does_not_start_with_a_bad_layer(provide):
    provide("entrain.vdevice.app", run=lambda options, ready: pytest.fail("started"))

    result = entrain("run", "--layer", "binaural:beat_hz=260")

    assert result.exit_code == 1
    assert result.stderr == "entrain: binaural: beat_hz = 260 is outside -200 … 200 Hz\n"


def test_run_says_when_the_device_is_there_and_how_to_reach_a_sandbox(provide):
    def run(options, ready):
        ready("Entrain is there", {"PULSE_SERVER": "unix:/x"})
        return 0

    provide("entrain.vdevice.app", run=run)

    lines = entrain("run").stdout.splitlines()

    assert lines[0] == "Entrain is there"
    assert "PULSE_SERVER=unix:/x" in lines[-1]


@pytest.mark.parametrize(("options", "icons"), [([], 1), (["--headless"], 0)])
def test_run_has_an_icon_unless_told_otherwise(provide, monkeypatch, options, icons):
    seen = []
    monkeypatch.setattr(TrayIcon, "start", lambda self, at_once=True: seen.append("started"))
    monkeypatch.setattr(TrayIcon, "show", lambda self: seen.append("shown"))
    monkeypatch.setattr(TrayIcon, "stop", lambda self: seen.append("stopped"))
    provide("entrain.vdevice.app", run=lambda options, ready: ready("It is there", {}) or 0)

    assert entrain("run", *options).exit_code == 0
    assert seen == ["started", "shown", "stopped"] * icons


def test_ctrl_c_is_no_traceback(provide):
    def interrupted(options, ready):
        raise KeyboardInterrupt

    provide("entrain.vdevice.app", run=interrupted)

    result = entrain("run")

    assert (result.exit_code, result.stderr) == (130, "\n")


SUMMARY = RenderSummary(
    frames=96000, rate_hz=48000, seconds=2.0, in_db=-18.0, out_db=-17.9, speed=150.0
)


@pytest.mark.parametrize(
    ("options", "protocol_id", "layer_id"),
    [
        ([], "default", "tone"),
        (["--layer", "binaural"], "custom", "binaural"),
        (["--protocol", "default"], "default", "tone"),
    ],
)
def test_render_hands_over_what_to_render(provide, options, protocol_id, layer_id):
    seen = []

    def render(source, destination, protocol, **options):
        seen.append((source, destination, protocol))
        return SUMMARY

    provide("entrain.vdevice.notebook", render=render)

    result = entrain("render", "in.wav", "out.flac", *options)

    assert result.stdout == "out.flac: 2.0 s at 48000 Hz, 150 times as fast as listening\n"
    source, destination, protocol = seen[0]
    assert (source, destination) == ("in.wav", "out.flac")
    assert (protocol.id, protocol.layers[0].id) == (protocol_id, layer_id)


def test_render_as_json_prints_the_summary(provide):
    provide("entrain.vdevice.notebook", render=lambda *_, **options: SUMMARY)

    result = entrain("render", "in.wav", "out.wav", "--json")

    assert json.loads(result.stdout) == SUMMARY.model_dump(mode="json")


def test_render_says_what_is_wrong_with_the_file_and_its_json_stays_json(provide):
    damaged = SUMMARY.model_copy(update={"warnings": ("the file is cut off",)})
    provide("entrain.vdevice.notebook", render=lambda *_, **options: damaged)

    for options in ([], ["--json"]):
        result = entrain("render", "in.wav", "out.wav", *options)
        assert result.stderr == "entrain: in.wav: the file is cut off\n"
        assert result.exit_code == 0
    assert json.loads(result.stdout)["warnings"] == ["the file is cut off"]


def test_doctor_fails_only_when_something_is_wrong(provide):
    good = [Finding("server", True, "PipeWire 1.4"), Finding("icon", None, "no display")]
    provide("entrain.vdevice.offline.doctor", examine=lambda: good)
    assert entrain("doctor").exit_code == 0

    bad = [*good, Finding("library", False, "not there", "apt install libpipewire-0.3-0")]
    provide("entrain.vdevice.offline.doctor", examine=lambda: bad)
    result = entrain("doctor")
    assert result.exit_code == 1
    assert result.stderr == "entrain: problems found: library\n"
    assert "library  problem  not there" in result.stdout
    assert "-> apt install libpipewire-0.3-0" in result.stdout
    assert json.loads(entrain("doctor", "--json").stdout)[2]["ok"] is False


# ---- light at rest -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["status"], {"asyncio", "numpy", "soundfile", "rich", "pydantic", "cffi", "pulsectl"}),
        (["toggle"], {"asyncio", "numpy", "soundfile", "rich", "pydantic", "cffi", "pulsectl"}),
        (["run", "--layer", "binaural"], {"numpy", "soundfile", "rich", "scipy"}),
    ],
)
def test_a_command_imports_only_what_it_needs(arguments, unwanted):
    code = f"""
import sys, types
app = types.ModuleType("entrain.vdevice.app")
app.run = lambda options, ready: 0
sys.modules[app.__name__] = app
from entrain.tray.commands.cli import main
sys.argv = ["entrain", *{arguments!r}]
try:
    main()
except SystemExit:
    print(*(name for name in sys.modules if name in {unwanted!r}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.split() == []
    assert "Traceback" not in done.stderr
