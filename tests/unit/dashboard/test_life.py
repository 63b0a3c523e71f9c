"""The dashboard's process begins once per user, and ends with its pages or with Entrain."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dashboard_lab import Served, until
from websockets.exceptions import ConnectionClosed

from entrain.platform import local_socket
from entrain.platform.local_socket import AlreadyRunning
from entrain.tray.dashboard import life, presence
from entrain.tray.dashboard.names import RUNS_ALREADY, socket_path
from entrain.tray.dashboard.page_files import read_page
from entrain.tray.dashboard.status_feed import StatusFeed
from entrain.vdevice.api.client import NotRunning

SERVER = [sys.executable, "-P", "-m", "entrain.tray.dashboard"]


# ---- Entrain's end and return ------------------------------------------------------------------


def test_without_entrain_there_is_no_dashboard(app, tmp_path):
    app.stop()
    with pytest.raises(NotRunning):
        Served(tmp_path / "entrain", app.path)


def test_after_entrain_was_stopped_pages_learn_it_and_the_dashboard_ends(app, served, monkeypatch):
    monkeypatch.setattr(presence, "STOP_S", 0.3)
    with served.page() as page:
        app.stop()
        event = page.event("app", lambda each: not each["there"])
        assert event["reason"] == "Entrain has ended"
        with pytest.raises(ConnectionClosed) as closed:
            page.take(lambda each: False)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        assert closed.value.rcvd.reason == (
            "Entrain has ended; `entrain dashboard` opens this page again"
        )
    until(lambda: not served.is_running)
    assert not socket_path(served.folder.parent).exists()


def test_after_a_bug_pages_learn_it_and_the_dashboard_ends(serve, monkeypatch):
    async def run(self: StatusFeed) -> None:
        await self._is_wanted.wait()
        raise RuntimeError("oops")

    monkeypatch.setattr(StatusFeed, "run", run)
    served = serve()
    with served.page() as page:
        page.ask("subscribe", status=["bypass"])
        with pytest.raises(ConnectionClosed) as closed:
            page.take(lambda each: False)
        assert closed.value.rcvd is not None
        assert "the dashboard has failed: RuntimeError('oops')" in closed.value.rcvd.reason
    until(lambda: not served.is_running)


def test_after_a_crash_the_page_comes_back_with_entrain(app, served):
    with served.page() as page:
        page.ask("subscribe", status=["bypass"], samples=True)
        page.read_packets(3)
        app.die()
        page.event("app", lambda each: not each["there"])
        answer = page.ask("on")
        assert answer["error"] == "Entrain is not running; start it with `entrain run`"
        app.status["bypass"] = True
        app.frame = 5000  # a new Entrain counts anew
        app.start()
        page.event("app", lambda each: each["there"] and each.get("reason") == "")
        page.event("status", lambda each: each["status"] == {"bypass": True})
        page.packets.clear()
        page.read_packets(1)
        assert page.ask("on")["ok"]
    assert served.is_running


def test_entrain_may_be_stopped_and_started_at_once(app, served, monkeypatch):
    monkeypatch.setattr(presence, "STOP_S", 20.0)  # a busy machine needs longer
    with served.page() as page:
        page.event("app")
        app.stop()
        page.event("app", lambda each: not each["there"])
        app.start()
        page.event("app", lambda each: each["there"])
    assert served.is_running


def test_an_entrain_that_does_not_return_after_a_crash_ends_the_dashboard(app, served, monkeypatch):
    monkeypatch.setattr(presence, "CRASH_S", 0.5)
    app.die()
    until(lambda: not served.is_running)


def test_a_connection_that_gives_way_to_others_is_no_end_of_entrain(app, served, monkeypatch):
    monkeypatch.setattr(presence, "DISPLACED_S", 0.05)
    with served.page() as page:
        page.ask("subscribe", status=["bypass"], samples=True)
        assert page.ask("on")["ok"]  # on a connection that is idle from now on
        before = app.connections
        app.displace_all()
        until(lambda: app.connections >= before + 3, "new connections")
        app.change(bypass=True)
        assert page.event("status", lambda each: each["status"].get("bypass"))
        assert page.ask("on")["ok"]
        assert not any(each.get("there") is False for each in page.events)


# ---- its pages ---------------------------------------------------------------------------------


def test_it_ends_after_its_last_page(app, serve, monkeypatch):
    monkeypatch.setattr(life, "LOOK_S", 0.05)
    served = serve()
    with served.page():
        served.life._idle_s = 0.3
        time.sleep(0.8)
        assert served.is_running
    until(lambda: not served.is_running)


def test_it_ends_if_no_page_was_ever_opened(serve):
    served = serve(idle_s=0.2)
    until(lambda: not served.is_running)


def test_in_a_terminal_it_stays_without_pages(serve):
    served = serve(idle_s=0.1, lasts=True)
    time.sleep(0.5)
    assert served.is_running


def test_it_ends_if_its_socket_is_removed(served, monkeypatch):
    """An uninstallation removes the socket; then no command could reach this dashboard."""
    monkeypatch.setattr(life, "LOOK_S", 0.05)
    (served.folder / "dashboard.sock").unlink()
    until(lambda: not served.is_running)


# ---- the ways in -------------------------------------------------------------------------------


def test_the_way_through_a_file_is_for_this_user_alone_and_removed_after_use(served):
    file = Path(served.ask("file"))

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    text = file.read_text()
    assert "<script" not in text
    address = text.partition("url=")[2].partition('"')[0]
    assert address.startswith(f"{served.door.address}/enter?")
    assert served.get("/enter?" + address.partition("?")[2]).status == 200
    assert not file.exists()


def test_a_file_that_no_browser_reads_is_removed_later(serve, monkeypatch):
    monkeypatch.setattr(life, "FILE_S", 0.1)
    monkeypatch.setattr(life, "LOOK_S", 0.05)
    served = serve()
    file = Path(served.ask("file"))
    until(lambda: not file.exists())


def test_a_file_that_cannot_be_removed_does_not_keep_the_dashboard_running(serve, monkeypatch):
    monkeypatch.setattr(life, "FILE_S", 0.1)
    monkeypatch.setattr(life, "LOOK_S", 0.05)
    served = serve(idle_s=0.5)
    file = Path(served.ask("file"))
    file.unlink()
    file.mkdir()
    until(lambda: not served.is_running)
    assert file.is_dir()


def test_at_its_end_it_leaves_no_file(serve):
    served = serve()
    Path(served.ask("file"))
    served.life.stop()
    until(lambda: not served.is_running)
    assert list(served.folder.iterdir()) == []


def test_what_a_killed_process_left_is_removed(serve, tmp_path):
    folder = tmp_path / "entrain" / "dashboard"
    folder.mkdir(parents=True)
    (folder / "open-0123456789abcdef.html").write_text("leads nowhere any more")
    (folder / "of-another-app").touch()
    served = serve()
    assert {file.name for file in folder.iterdir()} == {"dashboard.sock", "of-another-app"}
    assert served.enter()


def test_a_held_key_is_valid_for_as_long_as_its_command_runs(serve, monkeypatch):
    monkeypatch.setattr(life, "LOOK_S", 0.05)
    served = serve()
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(served.folder / "dashboard.sock"))
        link.sendall(b'{"way": "held"}\n')
        key = json.loads(link.makefile().readline())["place"].partition("?")[2]
        served.life._idle_s = 0.3
        time.sleep(0.8)
        assert [served.get("/enter?" + key).status for _ in range(2)] == [200, 200]
        served.life._idle_s = 300.0
    until(lambda: served.get("/enter?" + key).status == 403)
    served.life._idle_s = 0.1
    until(lambda: not served.is_running)


@pytest.mark.parametrize("sent", [b"", b"\n", b"{", b"[]\n", b'{"way": 1}\n', b"x" * 9999 + b"\n"])
def test_noise_at_its_socket_harms_nothing(served, sent):
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(10)
        link.connect(str(served.folder / "dashboard.sock"))
        link.sendall(sent)
        link.shutdown(socket.SHUT_WR)
        assert b"place" not in link.recv(1000)
    assert served.enter()


# ---- the process -------------------------------------------------------------------------------


def test_a_second_process_says_that_the_first_runs(app, served, home):
    done = subprocess.run(SERVER, capture_output=True, text=True, timeout=30, check=False)

    assert done.stdout == f"{RUNS_ALREADY}\n"


@pytest.mark.parametrize("files", [8, 9])
def test_without_a_port_or_an_open_file_left_one_line_says_so(app, home, files):
    limited = ["prlimit", f"--nofile={files}", *SERVER, "--foreground"]
    done = subprocess.run(limited, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("entrain: ")
    assert done.stderr.endswith("Too many open files\n")
    assert done.stderr.count("\n") == 1


def test_a_user_has_one_dashboard(app, served):
    with pytest.raises(AlreadyRunning):
        local_socket.claim(served.folder / "dashboard.sock", 16)


def test_a_page_with_a_missing_part_is_named_in_one_line(app, home, tmp_path):
    for text in (None, '<script type="module" src="vendor/standalone.module.js"></script>'):
        folder = tmp_path / "page"
        folder.mkdir(exist_ok=True)
        if text:
            (folder / "index.html").write_text(text)
        command = [*SERVER, "--foreground", "--page", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr == (
            "entrain: this installation has no dashboard, since parts of its page are missing; "
            "build Entrain again with a network connection\n"
        )


def test_browsers_that_look_for_an_icon_find_the_pages_own():
    files = read_page()

    assert files["/favicon.ico"] == files["/icon.svg"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_process_in_order(app, home, number):
    process = subprocess.Popen(
        [*SERVER, "--foreground"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    process.send_signal(number)
    rest = process.communicate(timeout=20)
    assert (process.returncode, rest) == (0, ("", ""))
    assert os.listdir(home / "entrain" / "dashboard") == []


def test_neither_commands_that_wait_nor_deep_noise_write_into_the_terminal(app, home):
    process = subprocess.Popen(
        [*SERVER, "--foreground"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    with socket.socket(socket.AF_UNIX) as noise, socket.socket(socket.AF_UNIX) as held:
        for link, sent in ((noise, b"[" * 4000 + b"\n"), (held, b'{"way": "held"}\n')):
            link.settimeout(20)
            link.connect(str(home / "entrain" / "dashboard" / "dashboard.sock"))
            link.sendall(sent)
        assert noise.recv(1000) == b""
        assert b"place" in held.recv(1000)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20) == ("", "")
        assert held.recv(1000) == b""


def test_the_process_loads_no_heavy_module(app, home):
    """Its memory is less than half of the app's."""
    code = """
import asyncio, sys
import entrain.tray.dashboard.__main__ as program, entrain.tray.dashboard.life
heavy = {"numpy", "pydantic", "cffi", "click", "rich", "ctypes", "dbus_fast"} & set(sys.modules)
sys.exit(f"loaded: {heavy}" if heavy else 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
