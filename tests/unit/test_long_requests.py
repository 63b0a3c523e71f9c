"""While a long request is carried out, the loop goes on; the order of requests is kept."""

import asyncio
import gc
import json
import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from app_on_thread import AppOnThread

from entrain.vdevice.api.client import Client, ClientError
from entrain.vdevice.api.connection import MAX_LINE_BYTES
from entrain.vdevice.protocol.document import compact_protocol, parse_protocol

MOST_MS = 80.0
"""Limit for uninterrupted work of the loop, in processor time, so that other load does not count.

The measured time is below 10 ms on an idle machine.
"""


def document(points: int, protocol_id: str = "long", **point: object) -> dict[str, Any]:
    way = [{"at_s": 3 * i + 0.5, "value": 1 + i % 40 / 10} | point for i in range(points)]
    layer = {"kind": "binaural", "id": "tone", "automation": {"beat_hz": {"points": way}}}
    return {"id": protocol_id, "name": "Long", "layers": [layer]}


class RunningApp(AppOnThread):
    """An app that measures how long its loop is busy."""

    def __init__(self, folder: Path) -> None:
        self.longest_ms = 0.0
        super().__init__(folder)
        self.longest_ms = 0.0

    async def beside(self) -> None:
        before = time.thread_time()
        while True:
            await asyncio.sleep(0.001)
            now = time.thread_time()
            self.longest_ms = max(self.longest_ms, 1000 * (now - before))
            before = now


@pytest.fixture
def app(tmp_path: Path) -> Iterator[RunningApp]:
    running = RunningApp(tmp_path)
    # The garbage collector would look through all that earlier tests have loaded, for 100 ms.
    gc.collect()
    gc.freeze()
    running.longest_ms = 0.0
    yield running
    running.close()
    gc.unfreeze()


@pytest.fixture
def ask(app: RunningApp) -> Iterator[Callable[..., Any]]:
    with Client(app.path, 60) as client:
        yield client.ask


def test_a_protocol_as_long_as_can_be_holds_nobody_up(app, ask):
    status = ask("use", protocol=document(19_000))
    assert len(status["protocol"]["layers"][0]["automation"]["beat_hz"]["points"]) == 19_000
    ask("status")
    ask("set", address="tone.level_db", value=-20)
    ask("save", name="Long one")
    ask("use", protocol="default")
    ask("use", protocol="long-one")
    assert ask("protocols")["recent"][0] == "long-one"

    assert app.longest_ms < MOST_MS


@pytest.mark.parametrize(
    "hostile",
    [
        document(17_000, at_s="x", value=None, curve="round"),
        document(17_000, value=1e9),
        document(1) | {"layers": [{"kind": "am", "id": f"l{i}"} for i in range(30_000)]},
        document(1) | {"layers": [{"kind": "am", "params": {f"p{i}": 1.0 for i in range(60_000)}}]},
        document(1) | {"evidence": {f"e{i}": [] for i in range(60_000)}},
    ],
    ids=["wrong points", "points out of range", "layers", "parameters", "evidence"],
)
def test_a_long_request_that_is_refused_holds_nobody_up(app, ask, hostile):
    with pytest.raises(ClientError) as caught:
        ask("use", protocol=hostile)
    assert len(str(caught.value)) < 5000
    assert app.longest_ms < MOST_MS


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_a_message_that_is_nothing_but_brackets(app, ask, opening):
    with Client(app.path) as client:
        line = b'{"command": "use", "protocol": ' + opening.encode() * (900_000 // len(opening))
        client._socket.sendall(line[: MAX_LINE_BYTES - 1] + b"\n")
        assert not json.loads(client._line() or b"")["ok"]
    assert app.longest_ms < MOST_MS


def test_requests_of_one_client_are_carried_out_in_their_order(app):
    with Client(app.path, 60) as client:
        for request in (
            {"command": "use", "protocol": document(19_000, "first")},
            {"command": "set", "address": "tone.level_db", "value": -20},
            {"command": "use", "protocol": document(5, "second")},
            {"command": "use", "protocol": "default"},
            {"command": "status"},
        ):
            client._socket.sendall(json.dumps(request).encode() + b"\n")
        answers = [json.loads(client._line() or b"")["result"]["protocol"] for _ in range(5)]
    assert [each["id"] for each in answers] == ["first", "first", "second", "default", "default"]
    assert answers[1]["layers"][0]["params"]["level_db"] == -20


def test_others_are_answered_meanwhile(app, ask):
    """Short requests are answered while an earlier, long one is carried out."""
    answered = 0
    with Client(app.path, 60) as long:
        line = json.dumps({"command": "use", "protocol": document(19_000)}).encode() + b"\n"
        long._socket.sendall(line)
        # The server may read the first two requests before the last bytes of the long line.
        while not select.select([long._socket], [], [], 0)[0]:
            ask("bypass", on=True)
            answered += 1
        assert json.loads(long._line() or b"")["ok"]
    assert answered > 2


@pytest.mark.parametrize("points", [1, 499, 500, 501, 19_000])
def test_long_documents_are_written_as_they_are(points):
    whole = document(points) | {
        "description": '"layers":[] and "points":[] and "without_headphones":[]',
        "requires_headphones": True,
    }
    for others in (None, [], [whole["layers"][0], {"kind": "am"}]):
        text = json.dumps(whole | {"without_headphones": others}).encode()
        protocol = parse_protocol(text, "x")
        compact = compact_protocol(protocol)
        assert json.loads(compact) == protocol.model_dump(mode="json")
        assert parse_protocol(compact, "x") == protocol
