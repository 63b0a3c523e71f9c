"""The control socket: requests, and clients that misbehave."""

import contextlib
import json
import random
import socket
import time
from pathlib import Path

import pytest
from raw_client import raw

from entrain.errors import EntrainError
from entrain.platform import local_socket
from entrain.vdevice.api import answer_lines, control_server, messages
from entrain.vdevice.api import connection as connection_module
from entrain.vdevice.api.client import Client, ClientError, NotRunning
from entrain.vdevice.protocol.model import Layer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "r" / "control.sock"


def fill(connection: socket.socket) -> None:
    """Send requests and never read, until the server takes no more."""
    while True:
        connection.sendall(b'{"command": "status"}\n' * 100)


def is_well(path: Path) -> bool:
    with Client(path) as client:
        return client.ask("status")["state"] == "idle"


# ---- requests ------------------------------------------------------------------------------


def test_a_request_reaches_the_handler_and_its_result_the_client(path, serve):
    server = serve(path)

    with Client(path) as client:
        assert client.ask("set", address="tone.beat_hz", value=4)["reason"] == "nothing plays"
        assert client.ask("bypass", on=True)["state"] == "idle"

    assert server.requests == [
        messages.Set(address="tone.beat_hz", value=4.0),
        messages.Bypass(on=True),
    ]


def test_a_list_of_models_is_a_result(path, serve):
    device = messages.Device(name="a", description="A", current=True, default=False)
    serve(path, lambda request: [device])

    with Client(path) as client:
        assert client.ask("devices") == [device.model_dump()]


def test_the_handlers_refusal_is_the_clients_error_in_one_line(path, serve):
    def refuse(request):
        raise EntrainError("there is no device 'x';\nthere is 'a'")

    serve(path, refuse)

    with Client(path) as client, pytest.raises(ClientError) as caught:
        client.ask("output", name="x")

    assert str(caught.value) == "there is no device 'x'; there is 'a'"


def test_a_bug_in_the_handler_shows_no_traceback_and_ends_nothing(path, serve, caplog):
    def fail(request):
        if request.command == "on":
            raise ZeroDivisionError("deep inside")
        return messages.Device(name="a", description="A", current=True, default=False)

    serve(path, fail)

    with Client(path) as client:
        with pytest.raises(ClientError, match=r"^internal error in on: ZeroDivisionError$"):
            client.ask("on")
        assert client.ask("status")["name"] == "a"
    assert "Traceback" not in caplog.text


def test_nobody_there_is_told_with_what_to_do(path):
    with pytest.raises(NotRunning, match=r"^Entrain is not running; start it with `entrain run`$"):
        Client(path)
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(NotRunning):
        Client(path)


def test_stop_is_answered_and_the_hang_up_means_that_another_can_start(path, serve):
    serve(path)

    with Client(path) as client:
        client.ask("stop")
        client.wait_closed()
    local_socket.claim(path, 32).release()


def test_watch_goes_on_until_the_client_leaves(path, serve):
    server = serve(path)

    with Client(path) as client:
        seen = [status["state"] for status, _ in zip(client.watch(0.05), range(3), strict=False)]

    assert seen == ["idle"] * 3
    assert is_well(path)
    assert {request.command for request in server.requests} == {"status"}


def test_watch_ends_with_the_server(path, serve):
    server = serve(path)

    with Client(path) as client:
        states = client.watch(0.05)
        next(states)
        server.close()
        assert all(status["state"] == "idle" for status in states)


def test_a_request_ends_a_watch(path, serve):
    serve(path)

    with raw(path) as (connection, lines):
        connection.sendall(b'{"command": "watch", "interval_s": 60}\n')
        assert json.loads(lines.readline())["ok"]
        connection.sendall(b'{"command": "nonsense"}\n')
        assert not json.loads(lines.readline())["ok"]


# ---- clients that misbehave ----------------------------------------------------------------


def test_garbage_gets_one_error_line_and_the_connection_lives_on(path, serve):
    serve(path)

    with raw(path) as (connection, lines):
        for garbage in (b"\xff\xfe", b"[" * 60_000, b"", b'{"command": NaN}', b"null"):
            connection.sendall(garbage + b"\n")
            answer = json.loads(lines.readline())
            assert answer.keys() == {"ok", "error"}
            assert answer["ok"] is False
            assert "\n" not in answer["error"]
        connection.sendall(b'{"command": "status"}\n')
        assert json.loads(lines.readline())["ok"] is True


def test_random_messages_are_each_answered_with_one_line(path, serve):
    serve(path)
    chance = random.Random(2)
    seeds = [
        b'{"command": "set", "address": "tone.beat_hz", "value": 4, "over_s": 1}',
        b'{"command": "use", "protocol": {"id": "x", "name": "X", "layers": [{"kind": "am"}]}}',
        b'{"command": "bypass", "on": null}',
        b'{"command": "output", "name": "a"}',
        b'{"command": "tap", "first": 480000, "frames": 1600}',
        b'{"command": "protocol", "id": "focus-16"}',
        b'{"command": "rename", "id": "evening", "name": "Late evening"}',
        b'{"command": "delete", "id": "evening"}',
    ]

    with raw(path) as (connection, lines):
        for _ in range(500):
            message = bytearray(chance.choice([*seeds, chance.randbytes(chance.randrange(300))]))
            for _ in range(chance.randrange(6)):
                if message:
                    place = chance.randrange(len(message))
                    message[place : place + chance.randrange(4)] = chance.randbytes(
                        chance.randrange(3)
                    )
            connection.sendall(bytes(message).replace(b"\n", b" ") + b"\n")
            answer = json.loads(lines.readline())
            assert answer.keys() in ({"ok", "result"}, {"ok", "error"})
            assert "internal" not in answer.get("error", "")
    assert is_well(path)


def test_requests_sent_together_are_answered_in_order(path, serve):
    serve(path, lambda request: None)

    with raw(path) as (connection, lines):
        connection.sendall(b'{"command": "status"}\n{"command": "x"}\n{"command": "status"}\n')
        assert [json.loads(lines.readline())["ok"] for _ in range(3)] == [True, False, True]


@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_an_overlong_line_is_refused(path, serve, ending):
    serve(path)

    with raw(path) as (connection, lines):
        with contextlib.suppress(OSError):  # the server hangs up while the client still sends
            connection.sendall(b" " * (connection_module.MAX_LINE_BYTES * 3) + ending)
        assert json.loads(lines.readline())["error"] == "message is longer than 1048576 bytes"
    assert is_well(path)


def test_a_message_cut_short_is_refused(path, serve):
    server = serve(path)

    with raw(path) as (connection, lines):
        connection.sendall(b'{"command": "stop"}')
        connection.shutdown(socket.SHUT_WR)
        assert json.loads(lines.readline())["error"] == "message ends without a newline"
        assert lines.readline() == b""
    assert server.requests == []


def test_a_line_begun_but_not_finished_is_not_waited_for(path, serve, monkeypatch):
    monkeypatch.setattr(connection_module, "LINE_TIMEOUT_S", 0.2)
    serve(path)

    with raw(path) as (connection, lines):
        connection.sendall(b'{"command"')
        assert json.loads(lines.readline())["error"] == "message is not complete after 0.2 s"
        assert lines.readline() == b""


def test_a_client_that_says_nothing_may_stay(path, serve, monkeypatch):
    monkeypatch.setattr(connection_module, "LINE_TIMEOUT_S", 0.05)
    serve(path)

    with raw(path) as (connection, lines):
        time.sleep(0.3)
        connection.sendall(b'{"command": "status"}\n')
        assert json.loads(lines.readline())["ok"]


def test_a_client_that_leaves_before_its_answers_is_served_but_fills_no_log(path, serve, caplog):
    server = serve(path)

    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(b'{"command": "devices"}\n' * 2000)
    with raw(path) as (connection, lines):
        connection.sendall(b'{"command": "status"}\n')
        assert json.loads(lines.readline())["ok"]

    end_s = time.monotonic() + 20
    while len(server.requests) < 2001 and time.monotonic() < end_s:
        time.sleep(0.01)
    assert len(server.requests) == 2001
    assert is_well(path)
    assert caplog.messages == []


def test_a_client_that_never_reads_is_dropped(path, serve, monkeypatch):
    monkeypatch.setattr(connection_module, "LINE_TIMEOUT_S", 0.2)
    server = serve(path)

    with raw(path) as (connection, _), pytest.raises((BrokenPipeError, ConnectionResetError)):
        fill(connection)
    assert server.requests
    assert is_well(path)


def test_of_too_many_clients_the_longest_idle_one_gives_way(path, serve):
    serve(path)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(path)) for _ in range(control_server.MAX_CLIENTS)]
        for client in clients:
            client.ask("status")
        clients[0].ask("status")  # so the second client is idle the longest
        time.sleep(2 * control_server.GRACE_S)

        late = [stack.enter_context(Client(path)) for _ in range(3)]
        for client in late:
            assert client.ask("status")["state"] == "idle"

        for client in (clients[0], *clients[4:]):
            assert client.ask("status")["state"] == "idle"
        for client in clients[1:4]:
            with pytest.raises(
                ClientError, match=r"^too many clients \(32\), and this one was idle"
            ):
                client.ask("status")


def test_who_watches_is_not_idle_and_others_are_refused_politely(path, serve):
    serve(path)
    with contextlib.ExitStack() as stack:
        for _ in range(control_server.MAX_CLIENTS):
            client, _ = stack.enter_context(raw(path))
            client.sendall(b'{"command": "watch", "interval_s": 60}\n')
            client.recv(1)
        for _ in range(2 * control_server.MAX_LATE_CLIENTS):
            late = stack.enter_context(Client(path))
            time.sleep(0.02)
        with pytest.raises(
            ClientError,
            match=r"^too many clients \(32\); close some of the apps that talk to Entrain$",
        ):
            late.ask("status")
        client.sendall(b'{"command": "status"}\n')  # ends its watch
        time.sleep(2 * control_server.GRACE_S)
        assert is_well(path)


def test_off_and_stop_get_through_while_all_others_are_busy(path, serve):
    """Some clients never read, some never finish a line, and more of both kinds try to connect."""
    server = serve(path)
    with contextlib.ExitStack() as stack:
        for number in range(control_server.MAX_CLIENTS + 2 * control_server.MAX_LATE_CLIENTS):
            connection, _ = stack.enter_context(raw(path))
            connection.settimeout(0)
            with contextlib.suppress(BlockingIOError, ConnectionError, BrokenPipeError):
                if number % 2:
                    fill(connection)
                connection.sendall(b'{"command"')
        time.sleep(2 * control_server.GRACE_S)
        with Client(path) as client:
            client.ask("off")
            client.ask("status")  # takes the place of a client that does not finish its line
        with Client(path) as client:
            client.ask("stop")
            for _ in range(control_server.MAX_LATE_CLIENTS):
                with contextlib.suppress(ConnectionError, FileNotFoundError):  # server has ended
                    stack.enter_context(raw(path))  # a late client must not end `wait_closed`
            client.wait_closed()
        local_socket.claim(path, 32).release()
    commands = [request.command for request in server.requests]
    assert commands.count("off") == commands.count("stop") == 1


@pytest.mark.parametrize("what", ["half a line", "no line", "no reading"])
def test_off_and_stop_get_through_at_once_among_many_that_hold_a_place(path, serve, what):
    long = messages.Device(name="a", description="A" * 500_000, current=True, default=False)
    serve(path, lambda request: long)  # one answer fills the buffer of a client that never reads
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            connection, _ = stack.enter_context(raw(path))
            connection.settimeout(0)
            with contextlib.suppress(BlockingIOError, ConnectionError):
                if what == "half a line":
                    connection.sendall(b'{"command"')
                elif what == "no reading":
                    connection.sendall(b'{"command": "off"}\n')
        time.sleep(1.0)  # until all requests are answered
        began_s = time.monotonic()
        for command in ("off", "stop"):
            with Client(path) as client:
                client.ask(command)
        assert time.monotonic() - began_s < connection_module.LINE_TIMEOUT_S / 2


def test_a_long_answer_is_as_json_makes_it(path, serve, idle):
    """The layers are serialised only once, even if a text looks like layers."""
    points = [{"at_s": i, "value": i % 7 + 0.5} for i in range(3000)]
    layer = {"kind": "binaural", "id": "a", "automation": {"beat_hz": {"points": points}}}
    name = '"layers": [] "layers": ["é…'
    layers = [Layer.model_validate_json(json.dumps(each)) for each in (layer, {"kind": "am"})]
    statuses = []
    for some in (layers, [], layers[1:], layers, layers[:1]):
        active = messages.ActiveProtocol(id="x", name=name, elapsed_s=1, layers=some)
        statuses.append(idle.model_copy(update={"protocol": active, "reason": name}))
    answers = iter([each for each in statuses for _ in range(2)])
    serve(path, lambda request: next(answers))

    with Client(path) as client:
        for status in statuses:
            for _ in range(2):
                assert client.ask("status") == json.loads(status.model_dump_json())


def test_an_error_is_never_longer_than_a_screen(path, serve):
    def refuse(request):
        raise EntrainError("wrong; " * 1_000_000)

    serve(path, refuse)

    with Client(path) as client, pytest.raises(ClientError) as caught:
        client.ask("on")

    assert len(str(caught.value)) < answer_lines.MAX_ERROR_CHARS + 10


def test_a_protocol_too_long_for_the_socket_is_refused_by_the_client(path, serve):
    serve(path)

    with Client(path) as client, pytest.raises(ClientError, match="longer than 1048576 bytes"):
        client.ask("use", protocol="x" * 1_100_000)


def test_silence_is_null(path, serve):
    silence = messages.Levels(in_db=float("-inf"), out_db=None)
    serve(path, lambda request: silence)

    with Client(path) as client:
        levels = client.ask("status")
        assert levels["in_db"] is None
        assert levels["out_db"] is None
