"""Heads on their way into the engine: the loop goes on, and the last request counts."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from made_up_head import made_up

from entrain.engine import Engine
from entrain.head import Head
from entrain.vdevice.hrtf import process, sets
from entrain.vdevice.hrtf.head_keeper import HeadKeeper
from entrain.vdevice.hrtf.sets import Card

_Result = TypeVar("_Result")
SLOW_S = 0.1


class SlowHeads:
    """Heads that take a while to be prepared, read and resampled."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.engine = Engine(44_100)
        self.keeper = HeadKeeper(self.engine)
        self.given: list[int] = []
        """Rates of the heads that the engine was given."""
        self.resampled: list[tuple[str, int]] = []
        self.threads: set[threading.Thread] = set()
        self.may_go = threading.Event()
        self.may_go.set()
        head, at_rate, use_head = made_up().head(), Head.at_rate, self.engine.use_head
        names: dict[int, str] = {}

        def from_file(path: Path) -> Head:
            names[threading.get_ident()] = path.name
            return head

        def slow(of: Head, rate_hz: int) -> Head:
            self.threads.add(threading.current_thread())
            self.resampled.append((names[threading.get_ident()], rate_hz))
            time.sleep(SLOW_S)
            self.may_go.wait(20)
            return at_rate(of, rate_hz)

        def take(given: Head | None) -> None:
            assert given is None or given.rate_hz == self.engine.rate_hz  # or it would be resampled
            self.given.append(given.rate_hz if given else 0)
            use_head(given)

        monkeypatch.setattr(sets, "find", lambda name: Card(name, name))
        monkeypatch.setattr(process, "prepared", lambda card: Path(card.id))
        monkeypatch.setattr(Head, "from_file", from_file)
        monkeypatch.setattr(Head, "at_rate", slow)
        monkeypatch.setattr(self.engine, "use_head", take)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowHeads]:
    made = SlowHeads(monkeypatch)
    yield made
    made.keeper.close()
    made.engine.close()


def play(main: Callable[[], Coroutine[None, None, _Result]]) -> _Result:
    async def limited() -> _Result:
        async with asyncio.timeout(20):
            return await main()

    return asyncio.run(limited())


async def reaches(slow: SlowHeads, count: int) -> None:
    """Wait until the resampling of so many heads has begun."""
    while len(slow.resampled) < count:
        await asyncio.sleep(0.001)


def test_the_loop_goes_on_while_a_head_is_resampled(slow):
    async def main() -> int:
        turns = 0
        using = asyncio.create_task(slow.keeper.use("a"))
        while not using.done():
            await asyncio.sleep(0.001)
            turns += 1
        await using
        return turns

    assert play(main) > 10
    assert threading.current_thread() not in slow.threads
    assert slow.given == [44_100]
    assert slow.keeper.in_use == "a"


def test_of_several_requests_the_last_one_counts(slow):
    async def main() -> None:
        await asyncio.gather(*(slow.keeper.use(name) for name in "abca"))

    play(main)
    assert [name for name, _ in slow.resampled] == list("abca")
    assert len(slow.given) == 4
    assert slow.keeper.in_use == "a"


def test_a_cancelled_request_changes_nothing_and_holds_up_no_other(slow):
    async def main() -> None:
        await slow.keeper.use("a")
        slow.may_go.clear()
        running, waiting = (asyncio.create_task(slow.keeper.use(name)) for name in "bc")
        last = asyncio.create_task(slow.keeper.use("d"))
        await reaches(slow, 2)
        running.cancel()
        waiting.cancel()
        slow.may_go.set()
        await last
        assert running.cancelled()
        assert waiting.cancelled()

    play(main)
    assert [name for name, _ in slow.resampled] == ["a", "b", "d"]
    assert len(slow.given) == 2
    assert slow.keeper.in_use == "d"


def test_a_rate_that_changes_meanwhile_is_followed(slow):
    async def main() -> None:
        slow.may_go.clear()
        using = asyncio.create_task(slow.keeper.use("a"))
        following = asyncio.create_task(slow.keeper.use("b"))
        await reaches(slow, 1)
        slow.engine.rate_hz = 96_000
        slow.may_go.set()
        await asyncio.gather(using, following)

    play(main)
    assert slow.resampled == [("a", 44_100), ("a", 96_000), ("b", 96_000)]
    assert slow.given == [96_000, 96_000]
    assert slow.keeper.in_use == "b"


def test_a_new_rate_takes_the_head_away_also_if_the_rate_comes_back(slow):
    asyncio.run(slow.keeper.use("a"))
    assert slow.engine.space().has_head
    slow.engine.rate_hz = 48_000
    slow.engine.rate_hz = 44_100
    assert slow.keeper.in_use == ""


def test_a_dropped_head_is_gone(slow):
    asyncio.run(slow.keeper.use("a"))
    slow.keeper.drop()
    assert slow.keeper.in_use == ""
    assert not slow.engine.space().has_head
