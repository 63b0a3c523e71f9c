"""The threads that talk to Entrain."""

import threading
import time
from collections.abc import Callable, Iterator
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


def test_an_entrain_that_hangs_up_but_runs_has_not_ended(tmp_path, serve, respond, monkeypatch):
    """It hangs up on a client that does not read, such as one stopped with Ctrl-Z."""
    monkeypatch.setattr(module, "RETRY_S", 0.05)
    path = tmp_path / "r" / "control.sock"
    serve(path, respond)
    listener = Listener(path)
    with listener.feeds:
        listener.wait_for(lambda each: isinstance(each, News))
        listener.seen.clear()
        for client in list(listener.feeds._clients):
            client.hang_up()
        lost = listener.wait_for(lambda each: isinstance(each, Lost))
        assert lost == Lost("the connection to Entrain was lost")
        listener.wait_for(lambda each: isinstance(each, News))


def test_keys_that_come_too_fast_are_joined_or_refused():
    """The threads do not run, so all requests wait."""
    waiting = Feeds(None, "terminal-1", lambda: None)
    assert all(waiting.ask(Request("adjust", {"rate_steps": 1})) for _ in range(1_000))
    assert [waiting.ask(Request("undo")) for _ in range(MAX_PENDING + 1)].count(True) == 7


def test_a_screen_that_takes_no_messages_holds_the_thread_up_and_loses_none(tmp_path, monkeypatch):
    told, wanted = [], 3 * module.MAX_MESSAGES
    is_told = threading.Event()

    class Chatty:
        """An Entrain that has many news at once, and then none."""

        def __init__(self, path: Any) -> None:
            self._ends = threading.Event()

        def __enter__(self) -> "Chatty":
            return self

        def __exit__(self, *_: object) -> None: ...

        def ask(self, command: str, **_: object) -> Any:
            return {}

        def hang_up(self) -> None:
            self._ends.set()

        def watch_parts(self, *_: object, **_options: object) -> Iterator[News]:
            for number in range(wanted):
                told.append(number)
                yield News({"number": number}, [])
            is_told.set()
            self._ends.wait(20)

        def follow_samples(self, *_: object) -> Iterator[Any]:
            self._ends.wait(20)
            yield from ()

    monkeypatch.setattr(module, "Client", Chatty)
    feeds = Feeds(tmp_path, "terminal-1", lambda: None)
    numbers: list[int] = []
    with feeds:
        deadline_s = time.monotonic() + 20
        while feeds._messages.qsize() < module.MAX_MESSAGES and time.monotonic() < deadline_s:
            time.sleep(0.01)
        assert not is_told.wait(0.5)  # as long as several attempts to add one more
        assert len(told) == module.MAX_MESSAGES  # the first message is `Connected`
        while len(numbers) < wanted and time.monotonic() < deadline_s:
            for each in feeds.messages():
                numbers += [each.parts["number"]] if isinstance(each, News) else []
    assert numbers == list(range(wanted))
