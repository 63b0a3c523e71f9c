"""`entrain osc` as a person and a shell meet it."""

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import entrain

from entrain.tray.commands import osc_command
from entrain.vdevice.api import messages
from entrain.vdevice.api.messages import OscStatus

NOT_RUNNING = "entrain: Entrain is not running; start it with `entrain run`\n"
ON = OscStatus(
    on=True,
    port=5510,
    feedback_port=5511,
    listen="127.0.0.1",
    listening=True,
    clients=1,
    packets=17,
    refused=2,
    refusal="/entrain/tone/nope: there is no such address",
)


@pytest.fixture(autouse=True)
def runtime(home: Path) -> Path:
    return home


@pytest.fixture
def answer(runtime: Path, serve: Any, idle: messages.Status) -> Any:
    """Answer each request with this state of OSC."""

    def use(osc: OscStatus) -> Any:
        status = idle.model_copy(update={"osc": osc})
        return serve(runtime / "entrain" / "control.sock", lambda request: status)

    return use


@pytest.mark.parametrize("action", ["on", "off", "status"])
def test_without_a_running_entrain_it_says_what_to_do(action):
    result = entrain("osc", action)

    assert (result.exit_code, result.stdout, result.stderr) == (1, "", NOT_RUNNING)


@pytest.mark.parametrize(
    ("arguments", "request_"),
    [
        (["on"], messages.Osc(on=True)),
        (
            ["on", "--port", "9001", "--feedback-port", "9002"],
            messages.Osc(on=True, port=9001, feedback_port=9002),
        ),
        (["on", "--listen", "0.0.0.0"], messages.Osc(on=True, listen="0.0.0.0")),
        (["on", "--listen", "::1"], messages.Osc(on=True, listen="::1")),
        (["off"], messages.Osc(on=False)),
        (["status"], messages.GetStatus()),
        ([], messages.GetStatus()),
    ],
)
def test_each_action_is_a_request(answer, arguments, request_):
    server = answer(ON)

    assert entrain("osc", *arguments).exit_code == 0

    assert server.requests[0] == request_


@pytest.mark.parametrize(
    "arguments", [["sideways"], ["off", "--port", "9001"], ["on", "--port", "80"]]
)
def test_what_cannot_be_meant_is_refused(answer, arguments):
    server = answer(ON)

    assert entrain("osc", *arguments).exit_code == 2

    assert server.requests == []


def test_an_address_must_be_one(answer):
    server = answer(ON)

    result = entrain("osc", "on", "--listen", "localhost")

    assert result.exit_code == 1
    assert "must" in result.stderr or "is not the IP address" in result.stderr
    assert server.requests == []


def test_on_says_where_it_listens(answer):
    answer(ON)
    result = entrain("osc", "on")
    told = "OSC is on; it listens on UDP port 5510 of this computer alone\n"
    assert (result.stdout, result.stderr) == (told, "")


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.0.10", "::"])
def test_on_warns_where_the_network_can_steer_entrain(answer, address):
    answer(ON.model_copy(update={"listen": address}))
    result = entrain("osc", "on", "--listen", address)
    assert "open to" in result.stdout
    assert result.stderr == (
        "warning: OSC knows no password: every device in your network can steer Entrain now\n"
    )


def test_on_says_what_is_wrong(answer):
    answer(ON.model_copy(update={"listening": False, "problem": "another app uses UDP port 5510"}))
    assert entrain("osc", "on").stdout.splitlines() == [
        "OSC is on; it does not listen yet on UDP port 5510 of this computer alone",
        "problem: another app uses UDP port 5510",
    ]


def test_on_waits_for_the_process_but_not_for_ever(answer, monkeypatch):
    monkeypatch.setattr(osc_command, "_START_TIMEOUT_S", 0.1)
    server = answer(ON.model_copy(update={"listening": False}))
    assert "it does not listen yet" in entrain("osc", "on").stdout
    assert len(server.requests) > 1


def test_status_is_a_table_or_json(answer):
    answer(ON)
    rows = dict(line.split("  ", 1) for line in entrain("osc").stdout.splitlines() if line)
    assert {name: text.strip() for name, text in rows.items()} == {
        "OSC": "on; it listens on UDP port 5510 of this computer alone",
        "answers": "go to UDP port 5511 of the other program",
        "clients": "1 with xmit",
        "packets": "17, 2 refused",
        "last refusal": "/entrain/tone/nope: there is no such address",
    }
    assert json.loads(entrain("osc", "status", "--json").stdout) == ON.model_dump(mode="json")


def test_off_is_said_in_one_line(answer):
    answer(OscStatus(port=5510, listen="127.0.0.1"))
    assert entrain("osc", "off").stdout == "OSC is off\n"


def test_the_whole_status_has_a_line_about_it(answer):
    answer(ON)
    assert "UDP port 5510 of 127.0.0.1, 17 packets, 2 refused" in entrain("status").stdout
