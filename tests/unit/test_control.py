"""The control socket: one Entrain at a time, and no client can hurt it."""

import asyncio
import contextlib
import fcntl
import gc
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from entrain.errors import EntrainError
from entrain.platform import folder_watch, local_socket
from entrain.platform.local_socket import AlreadyRunning, SocketError
from entrain.vdevice.api import answer_lines, control_server, messages, reachability
from entrain.vdevice.api import connection as connection_module
from entrain.vdevice.api.client import Client, ClientError, NotRunning
from entrain.vdevice.api.hub import Hub
from entrain.vdevice.protocol.model import Layer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "r" / "control.sock"


@contextlib.contextmanager
def raw(path: Path):
    """A client that can misbehave: send bytes, read lines."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        yield connection, connection.makefile("rb")


def fill(connection: socket.socket) -> None:
    """Ask and never read, until nobody takes it any more."""
    while True:
        connection.sendall(b'{"command": "status"}\n' * 100)


def is_well(path: Path) -> bool:
    with Client(path) as client:
        return client.ask("status")["state"] == "idle"


# ---- single instance -----------------------------------------------------------------------


def test_the_socket_is_private(path):
    claim = local_socket.claim(path, 32)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    claim.release()


def test_a_folder_that_others_can_enter_is_closed_to_them(path):
    path.parent.mkdir()
    path.parent.chmod(0o777)

    local_socket.claim(path, 32).release()

    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_another_user_is_not_used(path, monkeypatch):
    path.parent.mkdir()
    owner = path.parent.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)  # to give it away would take root

    with pytest.raises(SocketError, match="belongs to another user"):
        local_socket.claim(path, 32)
    with pytest.raises(SocketError, match="belongs to another user"):
        Client(path)


def test_a_second_one_is_told_that_the_first_runs(path, serve):
    serve(path)

    with pytest.raises(AlreadyRunning, match=r"^Entrain is already running"):
        local_socket.claim(path, 32)

    assert is_well(path)


def test_one_that_has_claimed_but_does_not_answer_yet_counts(path, monkeypatch):
    monkeypatch.setattr(local_socket, "CLAIM_TIMEOUT_S", 0.1)
    path.parent.mkdir()
    fd = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)

    with pytest.raises(AlreadyRunning):
        local_socket.claim(path, 32)
    os.close(fd)
    local_socket.claim(path, 32).release()


def test_what_a_killed_one_left_behind_does_not_hinder(path, serve):
    code = (
        "import os, sys, pathlib; from entrain.platform import local_socket;"
        "claim = local_socket.claim(pathlib.Path(sys.argv[1]), 32); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(path)], check=False, timeout=60)
    assert killed.returncode == -9
    assert path.is_socket()

    serve(path)

    assert is_well(path)


def test_of_many_that_start_at_once_one_wins(path):
    code = (
        "import sys, pathlib; from entrain.platform import local_socket\n"
        "sys.stdin.readline()\n"
        "try: local_socket.claim(pathlib.Path(sys.argv[1]), 32); print('won', flush=True)\n"
        "except local_socket.AlreadyRunning: print('lost', flush=True)\n"
        "sys.stdin.readline()"
    )
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for starter in starters:
        assert starter.stdin
        starter.stdin.write("\n")
        starter.stdin.flush()
    results = [starter.stdout.readline().strip() for starter in starters if starter.stdout]
    for starter in starters:
        starter.communicate("\n", timeout=60)

    assert sorted(results) == ["lost", "lost", "lost", "won"]


def test_a_file_that_is_no_socket_is_not_removed(path):
    path.parent.mkdir()
    path.write_text("precious")

    with pytest.raises(SocketError, match="is in the way"):
        local_socket.claim(path, 32)

    assert path.read_text() == "precious"


def test_a_path_too_long_for_a_socket_is_one_line(tmp_path):
    with pytest.raises(SocketError, match=r"cannot listen at .*path too long"):
        local_socket.claim(tmp_path / ("x" * 100) / "control.sock", 32)


def test_after_release_nothing_is_left_and_another_can_start(path):
    first = local_socket.claim(path, 32)
    first.release()
    first.release()

    assert os.listdir(path.parent) == []
    local_socket.claim(path, 32).release()


@pytest.mark.parametrize("removed", ["the socket", "the folder", "the session's folder"])
@pytest.mark.parametrize("tells", [True, False])
def test_what_somebody_removes_while_it_runs_is_there_again(
    path, serve, monkeypatch, removed, tells
):
    """Also where the system does not tell of it; meanwhile open connections go on."""
    monkeypatch.setattr(reachability, "RETRY_S", 0.2)
    if not tells:
        monkeypatch.setattr(folder_watch, "_inotify", lambda: -1)
    serve(path)
    with Client(path) as client:
        for _ in range(2):
            if removed == "the socket":
                path.unlink()
            elif removed == "the folder":
                shutil.rmtree(path.parent)
            else:
                path.parent.parent.rename(path.parent.parent.with_name("away"))
            until = time.monotonic() + 5
            while not path.exists() and time.monotonic() < until:
                time.sleep(0.02)
            assert is_well(path)
            assert client.ask("status")["state"] == "idle"
            with pytest.raises(AlreadyRunning):
                local_socket.claim(path, 32)
            shutil.rmtree(path.parent.parent.with_name("away"), ignore_errors=True)


def test_one_that_was_removed_leaves_the_socket_of_another_alone(path):
    first = local_socket.claim(path, 32)
    shutil.rmtree(path.parent)
    second = local_socket.claim(path, 32)

    with pytest.raises(AlreadyRunning):
        first.renew()
    first.release()
    with pytest.raises(AlreadyRunning):
        local_socket.claim(path, 32)
    second.release()


@pytest.mark.parametrize("steps", range(16))
@pytest.mark.parametrize("closes_first", [False, True])
def test_a_client_that_connects_while_we_close_is_hung_up_on(path, steps, closes_first):
    async def handle(request):
        return None

    async def main() -> None:
        hub = Hub(handle, lambda: None)
        server = control_server.ControlServer(local_socket.claim(path, 32), hub)
        await server.start()
        closing = asyncio.create_task(server.close()) if closes_first else None
        if closing is None:
            client.connect(str(path))
        for _ in range(steps):  # however far asyncio has got with the one or the other
            await asyncio.sleep(0)
        if closing is None:
            await server.close()
        else:
            client.connect(str(path))
            await closing

    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        with contextlib.suppress(FileNotFoundError, ConnectionError):
            asyncio.run(main())
            assert client.recv(1) == b""
        gc.collect()  # a connection left open would be a warning, which is an error here


def test_an_answer_under_way_is_finished_before_the_hang_up(path):
    async def main() -> bytes:
        async def handle(request):
            closing.append(asyncio.create_task(server.close()))
            await asyncio.sleep(0.05)

        closing: list[asyncio.Task[None]] = []
        hub = Hub(handle, lambda: None)
        server = control_server.ControlServer(local_socket.claim(path, 32), hub)
        await server.start()
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b'{"command": "on"}\n')
        received = await reader.read()  # up to the hang-up
        await closing[0]
        writer.close()
        await writer.wait_closed()
        return received

    assert json.loads(asyncio.run(main())) == {"ok": True, "result": None}


# ---- asking --------------------------------------------------------------------------------


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
        with contextlib.suppress(OSError):  # it hangs up while we still send
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
        clients[0].ask("status")  # so the second one is idle the longest
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
            client = stack.enter_context(Client(path))
            next(client.watch(60))
        for _ in range(2 * control_server.MAX_LATE_CLIENTS):
            late = stack.enter_context(Client(path))
            time.sleep(0.02)
        with pytest.raises(
            ClientError,
            match=r"^too many clients \(32\); close some of the programs that talk to Entrain$",
        ):
            late.ask("status")
        client.ask("status")  # which ends its watch
        time.sleep(2 * control_server.GRACE_S)
        assert is_well(path)


def test_off_and_stop_get_through_while_all_others_are_busy(path, serve):
    """Some ask and never read, some never finish a line, and more of both want to come in."""
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
            client.ask("status")  # in the place of one that does not finish its line
        with Client(path) as client:
            client.ask("stop")
            for _ in range(control_server.MAX_LATE_CLIENTS):
                with contextlib.suppress(ConnectionError, FileNotFoundError):  # it has ended
                    stack.enter_context(raw(path))  # none of these ends the wait for the end
            client.wait_closed()
        local_socket.claim(path, 32).release()
    commands = [request.command for request in server.requests]
    assert commands.count("off") == commands.count("stop") == 1


@pytest.mark.parametrize("what", ["half a line", "no line", "no reading"])
def test_off_and_stop_get_through_at_once_among_many_that_hold_a_place(path, serve, what):
    long = messages.Device(name="a", description="A" * 500_000, current=True, default=False)
    serve(path, lambda request: long)  # so that one answer fills what a client has not read
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            connection, _ = stack.enter_context(raw(path))
            connection.settimeout(0)
            with contextlib.suppress(BlockingIOError, ConnectionError):
                if what == "half a line":
                    connection.sendall(b'{"command"')
                elif what == "no reading":
                    connection.sendall(b'{"command": "off"}\n')
        time.sleep(1.0)  # until all are answered
        began_s = time.monotonic()
        for command in ("off", "stop"):
            with Client(path) as client:
                client.ask(command)
        assert time.monotonic() - began_s < connection_module.LINE_TIMEOUT_S / 2


def test_a_long_answer_is_as_json_makes_it(path, serve, idle):
    """The layers of a status are made once, also where texts look like them."""
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
