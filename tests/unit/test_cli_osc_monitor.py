"""`entrain osc monitor` prints what the bridge shows, also in pipes, and connects again."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from command_line import entrain
from osc_desk import ODD_REFUSED

from entrain.platform import local_socket
from entrain.tray.commands import request
from entrain.vdevice.api import monitor_client
from entrain.vdevice.api.messages import OscStatus
from entrain.vdevice.limits import OSC_MONITOR_SOCKET

ON = OscStatus(on=True, port=5510, feedback_port=5511, listen="127.0.0.1", listening=True)
SET = {
    "sender": "192.168.0.7",
    "address": "/entrain/tone/beat_hz",
    "arguments": [7.5],
    "effect": "set tone.beat_hz 7.5",
    "refused": "",
}
LATE = {"sender": "", "address": "", "arguments": [], "effect": "", "refused": "it is gone"}


@pytest.fixture
def shown(home: Path, serve: Any, idle: Any, monkeypatch: Any) -> Any:
    """Show these lines to each of the monitors that come, and then switch OSC off."""
    monkeypatch.setattr(request, "_RETRY_S", 0.01)
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def use(*connections: list[dict[str, Any]]) -> None:
        def status(request: Any) -> Any:
            return idle.model_copy(update={"osc": OscStatus() if ended.is_set() else ON})

        serve(home / "entrain" / "control.sock", status)
        listener = local_socket.listen(home / "entrain" / OSC_MONITOR_SOCKET, 4)
        listener.settimeout(20)

        def run() -> None:
            with listener:
                for number, lines in enumerate(connections, 1):
                    watcher, _ = listener.accept()
                    with watcher:
                        if number == len(connections):
                            ended.set()
                        watcher.sendall(
                            b"".join(json.dumps(each).encode() + b"\n" for each in lines)
                        )

        threads.append(threading.Thread(target=run))
        threads[0].start()

    yield use
    for each in threads:
        each.join(20)


def test_lines_say_who_has_sent_what_and_what_became_of_it(shown):
    shown([SET, ODD_REFUSED, LATE, {"skipped": 120}])
    result = entrain("osc", "monitor")
    assert result.stdout.splitlines() == [
        "192.168.0.7  /entrain/tone/beat_hz 7.5  → set tone.beat_hz 7.5",
        '127.0.0.1  /entrain/?[2J "a?b" "nan"  → '
        "refused: a pattern sets parameters, or asks with get",
        "→ refused: it is gone",
        "… and 120 more in this second",
    ]
    assert result.stderr.splitlines() == [
        "OSC is on; it listens on UDP port 5510 of this computer alone",
        "Ctrl-C ends the list",
        "entrain: OSC is off; `entrain osc on` switches it on",
    ]
    assert result.exit_code == 1


def test_it_connects_again_when_the_bridge_starts_anew(shown):
    shown([SET], [LATE], [SET])
    assert len(entrain("osc", "monitor").stdout.splitlines()) == 3


def test_where_nothing_serves_the_monitor_it_says_what_to_do(home, serve, idle, monkeypatch):
    """One moment without its socket may pass: the part may just start anew."""
    monkeypatch.setattr(request, "_RETRY_S", 0.01)
    server = serve(home / "entrain" / "control.sock", lambda _: idle.model_copy(update={"osc": ON}))
    result = entrain("osc", "monitor")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1] == (
        "entrain: OSC works, but its socket for monitors is not there; "
        "`entrain osc off` and `entrain osc on` make it anew"
    )
    assert len(server.requests) == 2


@pytest.mark.parametrize("answer", [b"[1]\n", b"no JSON\n", b"\xff\n", b"[" * 60_000 + b"\n"])
def test_another_program_at_its_socket_is_named(home, serve, idle, answer):
    serve(home / "entrain" / "control.sock", lambda _: idle.model_copy(update={"osc": ON}))
    listener = local_socket.listen(home / "entrain" / OSC_MONITOR_SOCKET, 4)
    listener.settimeout(20)

    def run() -> None:
        watcher, _ = listener.accept()
        with watcher:
            watcher.sendall(answer)

    serving = threading.Thread(target=run)
    serving.start()
    result = entrain("osc", "monitor")
    serving.join()
    listener.close()
    assert result.exit_code == 1
    assert result.stderr.endswith("entrain: another program answers at the monitor's socket\n")


def test_a_bridge_that_is_killed_ends_its_lines(tmp_path):
    """The system resets a connection that the bridge had not accepted yet."""
    path = tmp_path / "x.sock"
    listener = local_socket.listen(path, 4)
    found = local_socket.connect(path, 5.0)
    assert found is not None
    listener.close()
    assert list(monitor_client._lines(found)) == []


def test_scripts_get_json(shown):
    shown([SET, {"skipped": 120}])
    lines = entrain("osc", "monitor", "--json").stdout.splitlines()
    assert [json.loads(each) for each in lines] == [SET, {"skipped": 120}]


def test_one_monitor_too_many_learns_why(shown):
    shown([{"problem": "4 monitors run already"}])
    result = entrain("osc", "monitor")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1] == "entrain: 4 monitors run already"
