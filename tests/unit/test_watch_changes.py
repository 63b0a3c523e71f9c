"""A client that watches for changes soon receives each one, and causes no work in between."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from raw_client import raw

from entrain.vdevice.api import messages
from entrain.vdevice.api.client import Client

INTERVAL_S = 0.1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "r" / "control.sock"


class App:
    def __init__(self, status: messages.Status) -> None:
        self.status = status

    def respond(self, request: messages.Request) -> messages.Status:
        if isinstance(request, messages.On):
            self.status = self.status.model_copy(update={"on": True})
        return self.status


@pytest.fixture
def app(idle: messages.Status) -> App:
    return App(idle)


def looks(running: Any) -> int:
    """Return the number of requests for the status."""
    return sum(isinstance(each, messages.GetStatus) for each in running.requests)


def settled(running: Any) -> int:
    """Wait until the server has stopped looking at the status; return the number of looks."""
    before = -1
    for _ in range(100):
        if before == (before := looks(running)):
            return before
        time.sleep(5 * INTERVAL_S)
    raise AssertionError("the server looks all the time")


def following(client: Client) -> Iterator[Any]:
    found = client.watch(INTERVAL_S, changes_only=True)
    assert next(found)["on"] is False
    return found


def test_while_nothing_changes_nobody_looks(path, app, serve):
    running = serve(path, app.respond)
    with Client(path) as client:
        following(client)

        assert settled(running) <= 3


def test_what_a_request_changes_is_told(path, app, serve):
    running = serve(path, app.respond)
    with Client(path) as client, Client(path) as other:
        status = following(client)
        settled(running)

        other.ask("on")

        assert next(status)["on"] is True


def test_what_changes_by_itself_is_told_when_it_is_noticed(path, app, serve):
    running = serve(path, app.respond)
    with Client(path) as client:
        status = following(client)
        settled(running)

        app.status = app.status.model_copy(update={"reason": "unplugged"})
        running.notify()

        assert next(status)["reason"] == "unplugged"


def test_news_without_a_change_is_not_told(path, app, serve):
    running = serve(path, app.respond)
    with Client(path) as client:
        status = following(client)
        for _ in range(3):
            before = settled(running)
            running.notify()
            while looks(running) == before:
                time.sleep(0.01)
        app.status = app.status.model_copy(update={"reason": "unplugged"})
        running.notify()

        assert next(status)["reason"] == "unplugged"


def test_what_moves_is_followed_and_never_more_often_than_was_asked(path, app, serve, idle):
    """The app does not notify: a counter moves at each look."""
    count = 0

    def respond(request: messages.Request) -> messages.Status:
        nonlocal count
        count += 1
        return idle.model_copy(update={"xruns": count})

    running = serve(path, respond)
    with Client(path) as client:
        status = following(client)
        began_s = time.monotonic()
        found = [next(status)["xruns"] for _ in range(5)]
        lasted_s = time.monotonic() - began_s
        for _ in range(50):
            running.notify()

    assert found == [2, 3, 4, 5, 6]
    assert lasted_s >= 4 * INTERVAL_S  # other load can only make it longer


def test_a_watch_for_changes_ends_with_entrain_and_when_it_is_hung_up(path, app, serve):
    running = serve(path, app.respond)
    with Client(path) as client:
        status = following(client)
        threading.Timer(0.2, client.hang_up).start()
        assert list(status) == []
    with Client(path) as client:
        status = following(client)
        running.close()
        assert list(status) == []


def test_a_client_that_sends_something_ends_its_watch_and_is_answered(path, app, serve):
    running = serve(path, app.respond)
    with raw(path) as (client, answers):
        client.sendall(b'{"command": "watch", "interval_s": 1, "changes_only": true}\n')
        assert json.loads(answers.readline())["ok"]
        settled(running)

        client.sendall(b'{"command": "on"}\n')
        assert json.loads(answers.readline())["result"]["on"] is True
