"""`entrain osc` as a person and a shell meet it."""

import json

import pytest
from command_line import entrain

from entrain.platform import networks
from entrain.tray.commands import request
from entrain.vdevice.api import messages
from entrain.vdevice.api.messages import OscStatus

pytestmark = pytest.mark.usefixtures("home")

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


@pytest.mark.parametrize("action", ["on", "off", "status", "monitor"])
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
        (["on", "--listen", "localhost"], messages.Osc(on=True, listen="127.0.0.1")),
        (["off"], messages.Osc(on=False)),
        (["status"], messages.GetStatus()),
        ([], messages.GetStatus()),
    ],
)
def test_each_action_is_a_request(answer, arguments, request_):
    server = answer(osc=ON)

    assert entrain("osc", *arguments).exit_code == 0

    assert server.requests[0] == request_


@pytest.mark.parametrize(
    "arguments",
    [
        ["sideways"],
        ["off", "--port", "9001"],
        ["monitor", "--port", "9001"],
        ["on", "--port", "80"],
    ],
)
def test_what_cannot_be_meant_is_refused(answer, arguments):
    server = answer(osc=ON)

    assert entrain("osc", *arguments).exit_code == 2

    assert server.requests == []


@pytest.mark.parametrize("address", ["phone.local", "fe80::1", "255.255.255.255", "224.0.0.1"])
def test_an_address_must_be_one_of_one_computer(answer, address):
    server = answer(osc=ON)

    result = entrain("osc", "on", "--listen", address)

    assert result.exit_code == 1
    assert address in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert server.requests == []


def test_on_says_where_it_listens(answer):
    answer(osc=ON)
    result = entrain("osc", "on")
    told = "OSC is on; it listens on UDP port 5510 of this computer alone\n"
    assert (result.stdout, result.stderr) == (told, "")


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.0.10", "::"])
def test_on_warns_where_the_network_can_steer_entrain(answer, address):
    answer(osc=ON.model_copy(update={"listen": address}))
    result = entrain("osc", "on", "--listen", address)
    assert "open to" in result.stdout
    assert result.stderr == (
        "warning: OSC knows no password: every device in your network can steer Entrain now\n"
    )


def test_on_says_what_to_type_into_a_phone(answer, monkeypatch):
    monkeypatch.setattr(networks, "addresses", lambda: {"192.168.0.7": "wlan0", "10.0.0.2": ""})
    answer(osc=ON.model_copy(update={"listen": "0.0.0.0"}))
    assert entrain("osc", "on").stdout.splitlines()[1:] == [
        "on your phone: host 192.168.0.7 (wlan0), send to port 5510, receive at port 5511",
        "on your phone: host 10.0.0.2, send to port 5510, receive at port 5511",
    ]


def test_one_address_is_what_to_type_into_a_phone(answer):
    answer(osc=ON.model_copy(update={"listen": "192.168.0.10"}))
    assert "on your phone: host 192.168.0.10, send to port 5510" in entrain("osc", "on").stdout


def test_on_fails_in_one_line_where_it_cannot_listen(answer):
    problem = "another app uses UDP port 5510"
    answer(osc=ON.model_copy(update={"listening": False, "listen": "0.0.0.0", "problem": problem}))
    result = entrain("osc", "on")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "entrain: another app uses UDP port 5510; OSC stays on, and Entrain tries again; "
        "`entrain osc on --port N` takes another port\n"
    )
    assert json.loads(entrain("osc", "on", "--json").stdout)["problem"] == problem


def test_no_warning_while_it_does_not_listen(answer):
    answer(osc=ON.model_copy(update={"listening": False, "listen": "0.0.0.0"}))
    assert "warning" not in entrain("osc", "status").output


def test_on_waits_for_the_process_but_not_for_ever(answer, monkeypatch):
    monkeypatch.setattr(request, "START_TIMEOUT_S", 0.1)
    server = answer(osc=ON.model_copy(update={"listening": False}))
    result = entrain("osc", "on")
    assert result.exit_code == 1
    assert result.stderr.startswith("entrain: Entrain does not listen yet on UDP port 5510;")
    assert len(server.requests) > 1


def test_status_is_a_table_or_json(answer):
    answer(osc=ON)
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
    answer(osc=OscStatus(port=5510, listen="127.0.0.1"))
    assert entrain("osc", "off").stdout == "OSC is off\n"


def test_the_whole_status_has_a_line_about_it(answer):
    answer(osc=ON)
    assert "UDP port 5510 of 127.0.0.1, 17 packets, 2 refused" in entrain("status").stdout
