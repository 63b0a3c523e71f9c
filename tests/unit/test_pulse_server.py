"""Calls of a server that speaks PulseAudio's protocol, over connections that tests make up."""

from contextlib import contextmanager
from types import SimpleNamespace
from typing import ClassVar

import pytest

from entrain.platform import pulse_connection
from entrain.platform.pulse_server import PulseServer

SINKS = [SimpleNamespace(index=number, name=name) for number, name in enumerate(("a", "b"))]


class Connection:
    """A connection that believes in the default of the time at which it was made."""

    default = "a"
    made: ClassVar[list["Connection"]] = []

    def __init__(self) -> None:
        self._believed = Connection.default
        self.moves: list[tuple[int, int]] = []
        self.closed = False
        Connection.made.append(self)

    @contextmanager
    def call(self):
        assert not self.closed
        yield self

    def close(self) -> None:
        self.closed = True

    def server_info(self):
        return SimpleNamespace(
            server_name="PulseAudio (on PipeWire 0.3.65)",
            server_version="15",
            default_sink_name=self._believed,
        )

    def sink_list(self):
        return SINKS

    def sink_input_move(self, index: int, sink: int) -> None:
        self.moves.append((index, sink))

    def sink_input_info(self, index: int):
        return SimpleNamespace(proplist={})

    def stream_restore_list(self):
        return []


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(pulse_connection, "Connection", Connection)
    monkeypatch.setattr(Connection, "made", [])
    monkeypatch.setattr(Connection, "default", "a")
    server = PulseServer()
    yield server
    server.close()


def test_a_connection_that_missed_the_new_default_moves_no_stream(server):
    """PipeWire would take a move to the former default for a move to the present one."""
    (first,) = Connection.made
    server.move_stream(7, "b")
    assert first.moves == [(7, 1)]

    Connection.default = "b"
    server.move_stream(8, "a")

    movers = [each for each in Connection.made if each.moves]
    assert [each.moves for each in movers] == [[(7, 1)], [(8, 0)]]
    assert first.closed
    assert not movers[1].closed, "a request may be lost if its client leaves"
