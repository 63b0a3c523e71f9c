"""The control socket is private, belongs to one Entrain at a time, and goes when that one ends."""

import asyncio
import contextlib
import fcntl
import gc
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from entrain.platform import folder_watch, local_socket
from entrain.platform.local_socket import AlreadyRunning, SocketError
from entrain.vdevice.api import control_server, reachability
from entrain.vdevice.api.client import Client
from entrain.vdevice.api.hub import Hub


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "r" / "control.sock"


def is_well(path: Path) -> bool:
    with Client(path) as client:
        return client.ask("status")["state"] == "idle"


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
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)  # changing the owner would need root

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
    """Entrain notices it even if inotify fails; open connections go on meanwhile."""
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


def test_a_socket_that_is_removed_while_it_is_made_anew_is_made_once_more(path, monkeypatch):
    claim = local_socket.claim(path, 32)
    listen, former = local_socket._listen, claim.listener

    def removed_at_once(path: Path, backlog: int) -> socket.socket:
        listener = listen(path, backlog)
        path.unlink()
        return listener

    path.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(local_socket, "_listen", removed_at_once)
        with pytest.raises(SocketError, match="cannot listen"):
            claim.renew()
    claim.renew()
    former.close()  # as the server does

    assert claim.is_reachable()
    claim.release()


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
        for _ in range(steps):  # asyncio may have got any distance with either side
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
        gc.collect()  # an open connection would cause a warning, which fails the test


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
        received = await reader.read()  # until the server hangs up
        await closing[0]
        writer.close()
        await writer.wait_closed()
        return received

    assert json.loads(asyncio.run(main())) == {"ok": True, "result": None}


def test_one_client_more_does_not_end_learning(path, monkeypatch):
    """The client that lets MIDI learn waits, and so is idle for longest."""
    monkeypatch.setattr(control_server, "MAX_CLIENTS", 2)
    monkeypatch.setattr(control_server, "GRACE_S", 0.0)
    left: list[str] = []

    async def main() -> None:
        async def handle(request):
            return None

        server = control_server.ControlServer(
            local_socket.claim(path, 32),
            Hub(handle, lambda: None),
            learning_left=lambda: left.append("left"),
        )
        await server.start()
        reader, writer = await asyncio.open_unix_connection(path)
        learn = {"command": "midi_learn", "target": "bypass"}
        writer.write(json.dumps(learn).encode() + b"\n")
        await reader.readline()
        others = [await asyncio.open_unix_connection(path) for _ in range(3)]
        for other, _ in others[:2]:
            async with asyncio.timeout(20):
                assert b"too many clients" in await other.readline()
        assert left == []
        for each in (writer, *(other for _, other in others)):
            each.close()
            await each.wait_closed()
        await server.close()

    asyncio.run(main())


def test_learning_ends_with_the_connection_of_the_client_that_began_it_last(path):
    leaving: list[str] = []
    left: list[str] = []

    async def main() -> None:
        async def handle(request):
            return None

        async def ask(writer, reader, target):
            writer.write(json.dumps({"command": "midi_learn", "target": target}).encode() + b"\n")
            await reader.readline()

        async def hang_up(writer):
            writer.close()
            await writer.wait_closed()

        def leave() -> None:
            left.append(leaving[-1])

        server = control_server.ControlServer(
            local_socket.claim(path, 32), Hub(handle, lambda: None), learning_left=leave
        )
        await server.start()
        clients = [await asyncio.open_unix_connection(path) for _ in range(3)]
        for reader, writer in clients[:2]:
            await ask(writer, reader, "bypass")
        for name in ("first", "second"):  # only the second one still learns
            leaving.append(name)
            await hang_up(clients.pop(0)[1])
            async with asyncio.timeout(20):
                while len(server._clients) > len(clients):
                    await asyncio.sleep(0.01)
        reader, writer = clients[0]
        await ask(writer, reader, "bypass")
        await ask(writer, reader, None)  # it gives up by itself
        leaving.append("third")
        await hang_up(writer)
        await server.close()

    asyncio.run(main())
    assert left == ["second"]
