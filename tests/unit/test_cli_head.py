"""`entrain head` as a person and a shell meet it."""

import json

import pytest
from click.testing import CliRunner
from command_line import entrain

from entrain.tray.commands import request
from entrain.tray.commands.cli import cli
from entrain.vdevice.api import messages
from entrain.vdevice.api.messages import Head

pytestmark = pytest.mark.usefixtures("home")

NOT_RUNNING = "entrain: Entrain is not running; start it with `entrain run`\n"
TRACKED = Head(
    on=True,
    listening=(4242, 9000),
    port=9000,
    source="/ypr from 127.0.0.1",
    packets_per_s=99.8,
    age_s=0.012,
    yaw_deg=30.2,
    pitch_deg=-10.4,
    roll_deg=0.2,
    ignored=3,
    malformed=2,
)


@pytest.mark.parametrize("action", ["on", "off", "recentre", "status"])
def test_without_a_running_entrain_it_says_what_to_do(action):
    result = entrain("head", action)

    assert (result.exit_code, result.stdout, result.stderr) == (1, "", NOT_RUNNING)


@pytest.mark.parametrize(
    ("arguments", "request_"),
    [
        (["on"], messages.Tracking(on=True)),
        (["on", "--lan"], messages.Tracking(on=True, lan=True)),
        (["on", "--no-lan"], messages.Tracking(on=True, lan=False)),
        (["on", "--preset", "nvsonic"], messages.Tracking(on=True, preset="nvsonic")),
        (
            ["on", "--invert", "yaw", "--invert", "roll", "--invert", "yaw"],
            messages.Tracking(on=True, invert=("yaw", "roll")),
        ),
        (["on", "--invert", "none"], messages.Tracking(on=True, invert=())),
        (
            ["on", "--port", "9001", "--follow", "0.5"],
            messages.Tracking(on=True, port=9001, follow=0.5),
        ),
        (["off"], messages.Tracking(on=False)),
        (["recentre"], messages.Recentre()),
        (["status"], messages.GetStatus()),
        ([], messages.GetStatus()),
    ],
)
def test_each_action_is_a_request(answer, arguments, request_):
    server = answer(head=TRACKED)

    assert entrain("head", *arguments).exit_code == 0

    assert server.requests[0] == request_


@pytest.mark.parametrize(
    "arguments",
    [
        ["sideways"],
        ["off", "--lan"],
        ["status", "--preset", "nvsonic"],
        ["on", "--preset", "supersonic"],
        ["on", "--invert", "up"],
        ["on", "--port", "80"],
        ["on", "--follow", "nan"],
    ],
)
def test_what_cannot_be_meant_is_refused(answer, arguments):
    server = answer(head=TRACKED)

    assert entrain("head", *arguments).exit_code == 2

    assert server.requests == []


def test_on_says_who_is_heard(answer):
    answer(head=TRACKED)
    assert entrain("head", "on").stdout == (
        "head tracking is on; it listens on UDP port 9000 (OSC) and 4242 (opentrack) of this "
        "computer alone\n"
    )


def test_on_says_that_the_network_is_heard(answer):
    answer(head=TRACKED.model_copy(update={"lan": True}))
    assert "of this computer and its whole network" in entrain("head", "on", "--lan").stdout


def test_on_says_what_is_wrong(answer):
    problem = "another app uses UDP port 9000"
    answer(head=Head(on=True, problem=problem))
    assert entrain("head", "on").stdout.splitlines() == [
        "head tracking is on; it does not listen yet",
        f"problem: {problem}",
    ]


def test_on_waits_for_the_process_but_not_for_ever(answer, monkeypatch):
    monkeypatch.setattr(request, "START_TIMEOUT_S", 0.1)
    server = answer(head=Head(on=True))
    assert "it does not listen yet" in entrain("head", "on").stdout
    assert len(server.requests) > 1


def test_status_is_a_table(answer):
    answer(head=TRACKED)
    rows = dict(
        line.split("  ", 1) for line in entrain("head", "status").stdout.splitlines() if line
    )
    assert {name: text.strip() for name, text in rows.items()} == {
        "tracking": "on; it listens on UDP port 9000 (OSC) and 4242 (opentrack) of this computer "
        "alone",
        "source": "/ypr from 127.0.0.1",
        "packets": "99.8 a second",
        "last pose": "0.01 s ago",
        "head": "30° left, 10° down",
        "other packets": "2 malformed, 3 without a pose of this sender",
        "preset": "standard",
    }


def test_recentre_says_that_it_did(answer):
    answer(head=TRACKED)
    told = entrain("head", "recentre").stdout
    assert told == "recentred: how your head is turned now is straight ahead\n"


def test_a_pose_from_before_the_present_settings_is_not_denied(answer):
    answer(head=TRACKED.model_copy(update={"source": "", "age_s": 1.1}))
    told = entrain("head", "status").stdout
    assert "no tracker sends with the present settings" in told
    assert "1.10 s ago" in told


def test_status_of_a_head_that_is_not_tracked_is_short(answer):
    answer(head=Head())
    assert entrain("head", "status").stdout.splitlines()[0].split() == ["tracking", "off"]
    assert entrain("head", "off").stdout == "head tracking is off\n"


def test_scripts_get_json(answer):
    answer(head=TRACKED)
    assert json.loads(entrain("head", "status", "--json").stdout) == json.loads(
        TRACKED.model_dump_json()
    )


def test_the_whole_status_shows_the_tracker(answer):
    answer(head=TRACKED)
    assert "/ypr from 127.0.0.1, 99.8 packets a second" in entrain("status").stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("entrain he", ["head"]),
        ("entrain head ", ["on", "off", "recentre", "status"]),
        ("entrain head re", ["recentre"]),
        (
            "entrain head on --preset ",
            ["standard", "supperware", "nvsonic", "opentrack", "librepods"],
        ),
        ("entrain head on --invert ", ["yaw", "pitch", "roll", "none"]),
        ("entrain head on --l", ["--lan"]),
    ],
)
def test_the_shell_completes_it(words, offered):
    environment = {
        "_ENTRAIN_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    result = CliRunner().invoke(cli, prog_name="entrain", env=environment)

    assert [line.split(",")[1] for line in result.stdout.splitlines()] == offered
