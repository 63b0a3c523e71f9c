"""The request `tap`: samples behind a line of JSON, and clients that misuse it."""

import itertools
import json
import select
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
from entrain.readings import Samples
from entrain.vdevice.api import connection as connection_module
from entrain.vdevice.api import messages, sample_stream
from entrain.vdevice.api.answers import Status
from entrain.vdevice.api.client import Client, ClientError
from entrain.vdevice.api.messages.results import WithContent
from entrain.vdevice.api.sample_stream import QUIET_S
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
            return WithContent(told, tapped.content, tap)

        def tap(first: int, frames: int) -> Samples:
            served.looks += 1
            return engine.tap(first, frames)

        served = serve(path, respond)
        served.engine, served.looks = engine, 0
        yield served
        served.close()


def play(served: Any, frames: int) -> None:
    """Let the engine process the begin of `NOISE`."""
    served.engine.process(NOISE[:, :frames].copy())


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


def follow(client: Client, way: str) -> Iterator[Any]:
    match way:
        case "samples":
            return client.follow_samples(0.015)
        case "parts":
            return client.watch_parts(["state"], 0.05)
    return client.watch(0.05)


@pytest.mark.parametrize("way", ["samples", "parts", "status"])
def test_a_client_that_follows_refuses_further_requests(path, served, way):
    """It could not tell their answers from the stream."""
    with Client(path) as client:
        stream = follow(client, way)
        next(stream)
        for ask in (client.status, client.tap, lambda: client.set_values({"tone.beat_hz": 4})):
            with pytest.raises(ClientError, match="ask with another Client"):
                ask()
        with pytest.raises(ClientError, match="ask with another Client"):
            next(follow(client, "status"))
        with client.watching() as states:
            assert next(states).state == "idle"
        client.hang_up()
        list(stream)
        with pytest.raises(ClientError, match="ended without an answer"):
            client.ask("status")


def test_a_client_whose_wish_to_follow_is_refused_can_go_on(path, served):
    with Client(path) as client:
        with pytest.raises(ClientError, match="interval_s"):
            next(client.follow_samples(1e9))
        assert client.ask("status")["state"] == "idle"


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
        {"interval_s": 0},
        {"interval_s": 0.01},
        {"interval_s": 1},
        {"interval_s": float("nan")},
        {"interval_s": "0.1"},
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


# ---- with an interval ----------------------------------------------------------------------


def test_all_further_samples_come_by_themselves(path, served):
    with Client(path) as client:
        sounds = client.follow_samples(0.02, frames=1000)
        pieces, end = [next(sounds)], 100_000
        assert (pieces[0].first, pieces[0].frames) == (99_000, 1000)
        for _ in range(20):
            play(served, 5000)
            end += 5000
            while pieces[-1].first + pieces[-1].frames < end:
                pieces.append(next(sounds))

    for before, after in itertools.pairwise(pieces):
        assert before.first + before.frames == after.first
    heard = [np.frombuffer(each.content, "<f4").reshape(2, -1, 2)[0] for each in pieces[1:]]
    sent = np.concatenate([NOISE, *20 * [NOISE[:, :5000]]], axis=1)
    np.testing.assert_array_equal(np.concatenate(heard).T, sent[:, 99_930:-70])


def test_more_samples_than_one_answer_takes_come_in_several(path, served):
    with Client(path) as client:
        sounds = client.follow_samples(0.02)
        next(sounds)
        play(served, 40_000)
        assert [next(sounds).frames for _ in range(3)] == [MAX_TAP_FRAMES, MAX_TAP_FRAMES, 7232]


def test_while_no_sound_flows_nothing_is_sent_and_few_looks_are_taken(path, served, monkeypatch):
    monkeypatch.setattr(sample_stream, "QUIET_AFTER_S", 0.1)
    with raw(path) as (connection, answers):
        connection.sendall(b'{"command": "tap", "frames": 1, "interval_s": 0.015}\n')
        assert json.loads(answers.readline())["result"]["frames"] == 1
        assert len(answers.read(16)) == 16
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        looks, began_s = served.looks, time.monotonic()
        time.sleep(0.6)
        assert 1 <= served.looks - looks <= 2 + (time.monotonic() - began_s) / QUIET_S
        connection.settimeout(20)
        connection.sendall(b'{"command": "status"}\n')
        assert json.loads(answers.readline())["result"]["state"] == "idle"


def test_the_next_message_ends_it_and_is_answered(path, served):
    with raw(path) as (connection, answers):
        connection.sendall(b'{"command": "tap", "frames": 1, "interval_s": 0.02}\n')
        answers.readline()
        assert len(answers.read(16)) == 16
        connection.sendall(b'{"command": "status"}\n')
        assert json.loads(answers.readline())["result"]["state"] == "idle"
        play(served, 5000)
        connection.sendall(b'{"command": "tap", "first": 100000, "frames": 2}\n')
        assert json.loads(answers.readline())["result"]["frames"] == 2


def test_a_client_that_does_not_read_them_is_dropped(path, served, monkeypatch):
    monkeypatch.setattr(connection_module, "LINE_TIMEOUT_S", 0.2)
    with raw(path) as (connection, _):
        connection.sendall(b'{"command": "tap", "interval_s": 0.015}\n')
        hung_up = select.poll()
        hung_up.register(connection, 0)
        until_s = time.monotonic() + 20
        while not hung_up.poll(20) and time.monotonic() < until_s:
            play(served, 20_000)
        assert hung_up.poll(0)
        assert is_well(path)


def test_a_refusal_on_the_way_leaves_the_stream_going(path, serve):
    later = iter((None, 2))

    def more(first: int, frames: int) -> Samples:
        if (at := next(later, 4)) is None:
            raise EngineError("tap", 8, "the sound was overwritten")
        return Samples(at, 1, 48_000, bytearray(16))

    told = messages.Samples(first=0, frames=1, rate_hz=48_000, bytes=16)
    serve(path, lambda request: WithContent(told, bytearray(16), more))
    with Client(path) as client:
        sounds = client.follow_samples(0.02)
        assert [next(sounds).first for _ in range(3)] == [0, 2, 4]


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
