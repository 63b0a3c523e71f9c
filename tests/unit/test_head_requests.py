"""Poses at the control socket: no answer, no trace in the state or in events; hostile clients."""

import asyncio
import contextlib
import json
import math
import time
from pathlib import Path

import pytest
from raw_client import raw
from unit.test_app_requests import new_app

from entrain.errors import EntrainError
from entrain.vdevice.api import connection, messages
from entrain.vdevice.api.client import Client
from entrain.vdevice.app import App
from entrain.vdevice.storage import saver
from entrain.vdevice.storage.store import Store

FRONT = b'{"command": "head", "w": 1, "x": 0, "y": 0, "z": 0}\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "r" / "control.sock"


def asked(path: Path, lines: bytes) -> list[dict]:
    """Send lines and a request for the status; return all answers but the last."""
    with raw(path) as (client, answers):
        client.sendall(lines + b'{"command": "devices"}\n')
        found = []
        while (answer := json.loads(answers.readline())) != {"ok": True, "result": []}:
            found.append(answer)
        return found


def test_a_pose_has_no_answer(path, serve):
    server = serve(path, lambda request: [])

    assert asked(path, FRONT * 3) == []
    poses = [each for each in server.requests if each.command == "head"]
    assert poses == [messages.TurnHead(w=1, x=0, y=0, z=0)] * 3


@pytest.mark.parametrize(
    ("numbers", "error"),
    [
        ('"w": NaN, "x": 0, "y": 0, "z": 0', "w = nan: must be a finite number"),
        ('"w": 1, "x": Infinity, "y": 0, "z": 0', "x = inf: must be a finite number"),
        ('"w": 1e999, "x": 0, "y": 0, "z": 0', "w = inf: must be a finite number"),
        ('"w": "1", "x": 0, "y": 0, "z": 0', "w = '1': must be a valid number"),
        ('"w": null, "x": 0, "y": 0, "z": 0', "w = None: must be a valid number"),
        ('"w": 1, "x": 0, "y": 0', "z is missing"),
        ('"w": 1, "x": 0, "y": 0, "z": 0, "q": 0', "q is not a field that belongs here"),
    ],
)
def test_a_pose_that_is_none_is_refused_in_one_line(path, serve, numbers, error):
    server = serve(path, lambda request: [])
    line = f'{{"command": "head", {numbers}}}\n'.encode()

    assert asked(path, FRONT + line + FRONT) == [{"ok": False, "error": error}]
    assert len([each for each in server.requests if each.command == "head"]) == 2


def test_zeros_are_no_pose(tmp_path):
    app = new_app(tmp_path)
    for zeros in (messages.TurnHead(w=0, x=0, y=0, z=0), messages.TurnHead(w=1e200, x=0, y=0, z=0)):
        with pytest.raises(EntrainError, match="not a rotation"):
            asyncio.run(app.hub.ask(zeros))
    assert app.status().head.yaw_deg is None
    app.engine.close()


def test_a_flood_of_poses_waits_and_others_do_not(path, serve):
    serve(path, lambda request: [])
    with raw(path) as (flood, _), Client(path) as other:
        flood.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < 64 << 20:
                sent += flood.send(FRONT * 1000)
        assert sent < 4 << 20  # the sender is held up
        busy_s = time.process_time()
        began_s = time.monotonic()
        for _ in range(10):
            asked_s = time.monotonic()
            assert other.ask("devices") == []
            assert time.monotonic() - asked_s < 0.5
            time.sleep(0.05)
        lasted_s = time.monotonic() - began_s
        assert time.process_time() - busy_s < lasted_s / 2


def test_a_tracker_of_100_poses_a_second_is_never_held_up(path, serve):
    server = serve(path, lambda request: [])
    with raw(path) as (client, _):
        began_s = time.monotonic()
        for number in range(150):
            time.sleep(max(0.0, began_s + number / 100 - time.monotonic()))
            client.sendall(FRONT)
        time.sleep(0.2)
        assert len([each for each in server.requests if each.command == "head"]) == 150
    assert connection.SIGNALS_PER_S > 100


def test_poses_are_neither_saved_nor_told_to_those_who_watch(tmp_path, monkeypatch):
    """No snapshot is taken for them, either."""
    monkeypatch.setattr(saver, "SAVE_AFTER_S", 0.01)
    app = new_app(tmp_path)
    looks = 0

    def look(status=app.status):
        nonlocal looks
        looks += 1
        return status()

    async def play() -> None:
        app.hub._look = look
        subscription = app.hub.subscribe(app.hub.status(), 0.05)
        news = asyncio.create_task(anext(subscription))  # type: ignore[arg-type]
        await asyncio.sleep(0.3)  # until it sleeps
        before = looks
        for _ in range(50):
            assert await app.hub.ask(messages.TurnHead(w=1, x=0, y=0, z=0)) is None
            await asyncio.sleep(0.002)
        await asyncio.sleep(0.2)
        assert looks == before
        assert not news.done()
        news.cancel()
        subscription.close()

    asyncio.run(play())
    assert not (tmp_path / "state.json").exists()
    assert app.status().head.yaw_deg == 0
    app.engine.close()


def with_output(app: App, name: str = "headset") -> App:
    """Play on an output, as the sound server would tell."""
    app.head.play_on(name)
    return app


def test_settings_are_kept_for_each_output(tmp_path):
    app = with_output(new_app(tmp_path))

    async def change() -> messages.Head:
        request = messages.parse_request(
            b'{"command": "tracking", "on": true, "preset": "nvsonic", "invert": ["yaw"], '
            b'"port": 9001, "follow": 0.5}'
        )
        status = await app.hub.ask(request)
        await app.saver.flush()
        assert isinstance(status, messages.Status)
        return status.head

    head = asyncio.run(change())
    app.engine.close()
    assert (head.on, head.lan, head.preset, head.invert) == (True, False, "nvsonic", ("yaw",))
    stored = Store(tmp_path / "state.json").load().tracking["headset"]
    assert (stored.port, stored.follow) == (9001, 0.5)

    again = new_app(tmp_path)
    assert not again.status().head.on
    assert with_output(again).status().head.on
    assert not with_output(again, "speakers").status().head.on
    again.engine.close()


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ('"preset": "supersonic"', "preset = 'supersonic'"),
        ('"port": 80', "port = 80: must be greater than or equal to 1024"),
        ('"port": 70000', "port = 70000: must be less than or equal to 65535"),
        ('"port": 9000.5', "port = 9000.5"),
        ('"invert": ["up"]', "invert[0] = 'up'"),
        ('"invert": ["yaw", "yaw", "yaw", "yaw"]', "invert has more than 3 entries"),
        ('"follow": 1.1', "follow = 1.1: must be less than or equal to 1"),
        ('"follow": NaN', "follow = nan"),
        ('"on": "yes"', "on = 'yes'"),
    ],
)
def test_settings_that_are_none_are_refused(fields, error):
    with pytest.raises(messages.RequestError) as caught:
        messages.parse_request(f'{{"command": "tracking", {fields}}}'.encode())
    assert str(caught.value).startswith(error)


def test_recentre_needs_a_pose(tmp_path):
    app = with_output(new_app(tmp_path))
    with pytest.raises(EntrainError, match="head tracking is off"):
        asyncio.run(app.hub.ask(messages.Recentre()))

    async def play() -> messages.Status:
        half = math.radians(20)
        await app.hub.ask(messages.TurnHead(w=math.cos(half), x=0, y=0, z=-math.sin(half)))
        assert app.status().head.yaw_deg == pytest.approx(40)
        status = await app.hub.ask(messages.Recentre())
        assert isinstance(status, messages.Status)
        return status

    assert asyncio.run(play()).head.yaw_deg == pytest.approx(0)
    app.engine.close()
