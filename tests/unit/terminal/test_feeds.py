"""The threads that talk to Entrain."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from entrain.errors import EntrainError
from entrain.tray.terminal import feeds as module
from entrain.tray.terminal.actions import Request
from entrain.tray.terminal.feeds import MAX_PENDING, WAITING, Connected, Done, Feeds, Lost
from entrain.vdevice.api import messages
from entrain.vdevice.api.client import News


class Listener:
    """Collects the messages of feeds."""

    def __init__(self, path: Any) -> None:
        self.woken = threading.Event()
        self.feeds = Feeds(path, "terminal-1", self.woken.set)
        self.seen: list[Any] = []

    def wait_for(self, matches: Callable[[Any], bool]) -> Any:
        deadline_s = time.monotonic() + 20
        while time.monotonic() < deadline_s:
            self.woken.wait(0.1)
            self.woken.clear()
            self.seen += self.feeds.messages()
            for each in self.seen:
                if matches(each):
                    return each
        raise AssertionError(self.seen)


@pytest.fixture
def respond(idle):
    """Return an app that can be bypassed, refuses `next`, and plays no sound."""
    status = idle

    def respond(request: messages.Request) -> Any:
        nonlocal status
        match request:
            case messages.ListBlocks():
                return messages.Blocks(blocks=[], place=[])
            case messages.ListProtocols():
                return messages.Protocols(protocols=[], recent=[], problems=[])
            case messages.Bypass():
                status = status.model_copy(update={"bypass": not status.bypass})
            case messages.Next():
                raise EntrainError("there is\nno next one")
        return status

    return respond


def test_news_come_with_their_cause_and_keys_with_their_outcome(tmp_path, serve, respond):
    path = tmp_path / "r" / "control.sock"
    serve(path, respond)
    listener = Listener(path)
    with listener.feeds:
        listener.wait_for(lambda each: isinstance(each, Connected))
        first = listener.wait_for(lambda each: isinstance(each, News))
        assert first.parts.keys() == {*module.PARTS}
        assert listener.feeds.ask(Request("bypass", {"on": True}))
        done = listener.wait_for(lambda each: isinstance(each, Done))
        assert done.status["bypass"]
        news = listener.wait_for(lambda each: isinstance(each, News) and each is not first)
        assert (news.parts["bypass"], news.caused_by) == (True, ["terminal-1"])
        listener.feeds.ask(Request("next"))
        refused = Done(Request("next"), error="there is no next one")
        listener.wait_for(lambda each: each == refused)


def test_an_entrain_that_ends_is_told_and_one_that_comes_back_too(
    tmp_path, serve, respond, monkeypatch
):
    monkeypatch.setattr(module, "RETRY_S", 0.05)
    path = tmp_path / "r" / "control.sock"
    first = serve(path, respond)
    listener = Listener(path)
    with listener.feeds:
        listener.wait_for(lambda each: isinstance(each, News))
        first.close()
        assert listener.wait_for(lambda each: isinstance(each, Lost)) == Lost(WAITING)
        listener.feeds.ask(Request("undo"))
        assert listener.wait_for(lambda each: isinstance(each, Done)).error.startswith(
            "Entrain is not"
        )
        listener.seen.clear()
        serve(path, respond)
        listener.wait_for(lambda each: isinstance(each, Connected))


def test_keys_that_come_too_fast_are_joined_or_refused():
    """The threads do not run, so all requests wait."""
    waiting = Feeds(None, "terminal-1", lambda: None)
    assert all(waiting.ask(Request("adjust", {"rate_steps": 1})) for _ in range(1_000))
    assert [waiting.ask(Request("undo")) for _ in range(MAX_PENDING + 1)].count(True) == 7


def test_a_screen_that_takes_no_messages_is_not_told_without_end(tmp_path, serve, respond):
    path = tmp_path / "r" / "control.sock"
    serve(path, respond)
    feeds = Feeds(path, "terminal-1", lambda: None)
    with feeds:
        deadline_s = time.monotonic() + 20
        while feeds._messages.qsize() < 2 and time.monotonic() < deadline_s:
            time.sleep(0.01)
        for _ in range(2 * module.MAX_MESSAGES):
            feeds.ask(Request("undo"))
    assert feeds._messages.qsize() <= module.MAX_MESSAGES
