"""The request `tap`: samples behind a line of JSON, and clients that misuse it."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from raw_client import raw

from entrain.engine import Engine
from entrain.errors import EngineError
from entrain.vdevice.api import connection as connection_module
from entrain.vdevice.api import messages
from entrain.vdevice.api.answers import Status
from entrain.vdevice.api.client import Client, ClientError
from entrain.vdevice.api.messages.results import WithContent
from entrain.vdevice.limits import MAX_TAP_FRAMES

NOISE = np.random.default_rng(18).normal(0, 0.1, (2, 100_000)).astype(np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "r" / "control.sock"


@pytest.fixture
def served(path: Path, serve: Any, idle: messages.Status) -> Iterator[Any]:
    """Serve an engine that has processed `NOISE`."""
    with Engine() as engine:
        engine.process(NOISE)

        def respond(request: messages.Request) -> Any:
            if not isinstance(request, messages.GetSamples):
                return idle
            tapped = engine.tap(request.first, request.frames)
            told = messages.Samples(
                first=tapped.first,
                frames=tapped.frames,
                rate_hz=tapped.rate_hz,
                bytes=len(tapped.content),
            )
            return WithContent(told, tapped.content)

        served = serve(path, respond)
        yield served
        served.close()


def is_well(path: Path) -> bool:
    with Client(path) as client:
        return client.ask("status")["state"] == "idle"


def keep_sending(connection: socket.socket) -> None:
    """Send empty lines for 20 s."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        connection.sendall(b"\n")
        time.sleep(0.02)


def test_the_newest_samples_come_behind_the_line(path, served):
    with Client(path) as client:
        sound = client.tap()
        whole = client.tap(90_000, MAX_TAP_FRAMES)

    assert (sound.first, sound.frames, sound.rate_hz) == (98_400, 1600, 48_000)
    assert (whole.first, whole.frames) == (90_000, 10_000)
    after = np.frombuffer(whole.content, "<f4").reshape(2, 10_000, 2)[1].T
    late = 70
    np.testing.assert_array_equal(
        after[:, late:], NOISE[:, 90_000 : 100_000 - late]
    )  # nothing plays but the input


def test_by_its_numbers_of_frames_a_client_gets_all_the_sound(path, served):
    pieces, first = [], 99_000
    with Client(path) as client:
        while (sound := client.tap(first, 300)).frames:
            assert sound.first == first
            pieces.append(np.frombuffer(sound.content, "<f4").reshape(2, -1, 2)[0])
            first += sound.frames

    assert first == 100_000
    np.testing.assert_array_equal(np.concatenate(pieces).T, NOISE[:, 98_930:99_930])


def test_other_requests_around_it_are_answered_in_order(path, served):
    lines = (b'{"command": "status"}', b'{"command": "tap", "frames": 2}', b"x", b"{}")
    with raw(path) as (connection, answers):
        connection.sendall(b"\n".join((*lines, lines[1], lines[0], b"")))
        told = []
        for _ in range(6):
            answer = json.loads(answers.readline())
            told.append(answer["ok"])
            if answer["ok"] and "bytes" in answer["result"]:
                assert len(answers.read(answer["result"]["bytes"])) == 32

    assert told == [True, True, False, False, True, True]


@pytest.mark.parametrize(
    "fields",
    [
        {"frames": 0},
        {"frames": -1},
        {"frames": MAX_TAP_FRAMES + 1},
        {"frames": 10**30},
        {"frames": 1.5},
        {"frames": None},
        {"frames": "100"},
        {"first": -1},
        {"first": -(10**30)},
        {"first": 0.5},
        {"first": True},
        {"first": float("nan")},
        {"last": 1},
    ],
)
def test_a_request_for_impossible_samples_is_refused_in_one_line(path, served, fields):
    with Client(path) as client:
        with pytest.raises(ClientError) as caught:
            client.ask("tap", **fields)
        assert next(iter(fields)) in str(caught.value)
        assert client.tap(frames=5).frames == 5


def test_a_frame_of_the_far_future_is_none(path, served):
    with Client(path) as client:
        assert client.tap(10**40, 5) == (100_000, 0, 48_000, b"")


def test_what_the_engine_refuses_is_one_line(path, serve):
    def respond(request: messages.Request) -> Any:
        raise EngineError("tap", 8, "the sound was overwritten")

    serve(path, respond)
    with Client(path) as client, pytest.raises(ClientError, match=r"^tap: the sound was"):
        client.tap()


def test_a_client_that_does_not_read_the_samples_is_dropped(path, served, monkeypatch):
    monkeypatch.setattr(connection_module, "LINE_TIMEOUT_S", 0.2)
    request = b'{"command": "tap", "frames": %d}\n' % MAX_TAP_FRAMES

    with raw(path) as (connection, _):
        connection.sendall(100 * request)
        with pytest.raises(OSError):  # noqa: PT011 - the server has hung up
            keep_sending(connection)
        assert is_well(path)
    answered = sum(isinstance(each, messages.GetSamples) for each in served.requests)
    assert answered < 10  # no more than the socket's own buffer takes


def test_floods_of_large_requests_leave_the_others_answered(path, served):
    request = b'{"command": "tap", "frames": %d}\n' % MAX_TAP_FRAMES
    floods = [socket.socket(socket.AF_UNIX) for _ in range(4)]
    for flood in floods:
        flood.connect(str(path))
        flood.sendall(200 * request)

    for _ in range(20):
        assert is_well(path)
    for flood in floods:
        flood.close()
    assert is_well(path)


def test_the_samples_of_a_client_that_leaves_are_dropped(path, served, caplog):
    for _ in range(20):
        with raw(path) as (connection, _):
            connection.sendall(b'{"command": "tap", "frames": 16384}\n')

    assert is_well(path)
    assert caplog.text == ""


# ---- the whole app -------------------------------------------------------------------------


@pytest.fixture
def app(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Run Entrain without a sound server."""
    command = [sys.executable, "-m", "entrain.tray", "run", "--headless", "--backend", "null"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    with process:
        assert process.stdout.readline()
        yield process
        process.terminate()


def test_all_that_a_dashboard_asks_for_leaves_numpy_out_of_the_app(home, app):
    """The back end `null` processes silence."""
    with Client(home / "entrain" / "control.sock") as client:
        kinds = {each["kind"] for each in client.ask("blocks")["blocks"]}
        focus = client.ask("protocol", id="focus-16")
        until = time.monotonic() + 20
        while (sound := client.tap()).frames < 1600 and time.monotonic() < until:
            time.sleep(0.05)
        parts = sorted(Status.__annotations__)
        first = next(client.watch_parts(parts, 0.05))

    assert {"binaural", "am", "pre"} <= kinds
    assert (focus["document"]["id"], focus["own"]) == ("focus-16", False)
    assert len(sound.content) == 16 * 1600
    assert sorted(first.parts) == parts
    assert {"levels", "measured", "protocol", "state", "reason", "errors"} <= {*parts}
    mapped = Path(f"/proc/{app.pid}/maps").read_text()
    assert "libentrain" in mapped
    assert "numpy" not in mapped


def test_a_client_follows_the_sound_of_the_app_without_a_gap(home, app):
    """A machine that stops this test for a second causes a gap; then it counts anew."""
    with Client(home / "entrain" / "control.sock") as client:
        begin = end = 0
        until = time.monotonic() + 20
        while end - begin < 48_000 and time.monotonic() < until:
            sound = client.tap(end, MAX_TAP_FRAMES)
            if sound.first != end:
                begin = sound.first
            end = sound.first + sound.frames
            time.sleep(1 / 30)

    assert end - begin >= 48_000
