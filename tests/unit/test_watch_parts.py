"""Clients that watch parts of the status over the socket."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from entrain.vdevice.api import messages
from entrain.vdevice.api.client import Client, ClientError

INTERVAL_S = 0.05


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "r" / "control.sock"


@pytest.fixture
def served(path: Path, serve: Any, idle: messages.Status) -> Any:
    """Serve an app that can be switched on and bypassed."""
    status = idle

    def respond(request: messages.Request) -> Any:
        nonlocal status
        if isinstance(request, messages.On):
            status = status.model_copy(update={"on": True})
        if isinstance(request, messages.Bypass):
            status = status.model_copy(update={"bypass": not status.bypass})
        if isinstance(request, messages.Set):
            return messages.Values(values=request.values or {})
        return status if isinstance(request, messages.GetStatus) else None

    return serve(path, respond)


def test_first_all_parts_are_told_then_what_has_changed_and_by_whom(path, served):
    with Client(path) as client, Client(path) as other:
        news = client.watch_parts(["on", "bypass", "latency"], INTERVAL_S, "dashboard")
        latency = {"added_frames": 70, "added_ms": 1.46}
        assert next(news) == ({"on": False, "bypass": False, "latency": latency}, [])

        other.ask("bypass", client="tray")
        assert next(news) == ({"bypass": True}, ["tray"])
        other.ask("on")
        parts, causes = next(news)
        assert parts == {"on": True}
        assert len(causes) == 1
        assert causes[0].startswith("client-")


def test_who_asks_for_no_parts_is_told_the_whole_status_as_ever(path, served):
    with Client(path) as client, socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(20)
        raw.connect(str(path))
        lines = raw.makefile("rb")
        raw.sendall(b'{"command": "watch", "interval_s": 0.05, "changes_only": true}\n')
        first = json.loads(lines.readline())
        client.ask("on", client="tray")
        second = json.loads(lines.readline())

        assert first.keys() == second.keys() == {"ok", "result"}
        assert second["result"] == client.ask("status")
        assert first["result"] | {"on": True} == second["result"]


def test_a_part_that_is_none_is_refused_and_the_connection_goes_on(path, served):
    with Client(path) as client:
        with pytest.raises(ClientError, match="is not a field of the status"):
            next(client.watch_parts(["nonsense"], INTERVAL_S))
        assert client.ask("status")["state"] == "idle"


def test_values_are_answered_alone_and_in_order_to_who_does_not_wait(path, served):
    with Client(path) as client:
        assert client.set_values({"a.b": 1, "a.c": 2.5}, 3) == {"values": {"a.b": 1.0, "a.c": 2.5}}
        for beat in range(200):
            line = json.dumps({"command": "set", "values": {"a.b": beat}})
            client._socket.sendall(line.encode() + b"\n")
        answers = [json.loads(client._line() or b"") for _ in range(200)]
    assert [each["result"]["values"]["a.b"] for each in answers] == list(range(200))


def test_what_a_command_changes_is_told_before_a_long_interval_is_over(path, served):
    with Client(path) as client, Client(path) as other:
        news = client.watch_parts(["bypass"], 60, prompt=True)
        next(news)
        client._socket.settimeout(20)
        other.ask("bypass", client="tray")

        assert next(news) == ({"bypass": True}, ["tray"])
