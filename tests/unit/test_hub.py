"""The hub, through which front ends ask and follow the app; these tests need no socket."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from entrain.errors import EntrainError
from entrain.vdevice.api import messages
from entrain.vdevice.api.hub import PROMPT_S, Event, Hub, Subscription
from entrain.vdevice.limits import MAX_CAUSES

INTERVAL_S = 0.05


class App:
    """An app whose status can be changed, and which counts the looks at it."""

    def __init__(self, status: messages.Status) -> None:
        self.status = status
        self.looks = 0
        self.error: Exception | None = None
        self.hub = Hub(self._carry_out, self._look)

    def change(self, **fields: object) -> None:
        """Change the status and notify the hub, as the sound server's news do."""
        self.status = self.status.model_copy(update=fields)
        self.hub.notify()

    async def _carry_out(self, request: messages.Request) -> Any:
        if self.error:
            raise self.error
        match request:
            case messages.On():
                self.status = self.status.model_copy(update={"on": True})
            case messages.Bypass():
                self.status = self.status.model_copy(update={"bypass": not self.status.bypass})
            case messages.Set(values=values):
                return messages.Values(values=values or {})
        return None

    def _look(self) -> messages.Status:
        self.looks += 1
        return self.status


@pytest.fixture
def app(idle: messages.Status) -> App:
    return App(idle)


def run(play: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(20):
            await play()

    asyncio.run(main())


async def settled(app: App) -> None:
    """Wait until the hub has stopped looking."""
    before = -1
    while before != (before := app.looks):
        await asyncio.sleep(5 * INTERVAL_S)


async def following(app: App, *parts: str) -> Subscription:
    subscription = app.hub.subscribe(app.status, INTERVAL_S, parts or None)
    return subscription


def told(subscription: Subscription) -> "asyncio.Task[Event]":
    async def next_one() -> Event:
        return await anext(subscription)

    return asyncio.create_task(next_one())


def test_a_command_is_answered_with_the_status_afterwards_unless_it_has_an_answer(app):
    async def play() -> None:
        status = await app.hub.ask(messages.On())
        assert isinstance(status, messages.Status)
        assert status.on
        assert await app.hub.ask(messages.Stop()) is None
        looks = app.looks
        answer = await app.hub.ask(messages.Set(values={"a.b": 1}))
        assert answer == messages.Values(values={"a.b": 1})
        assert app.looks == looks  # this answer needs no look at the status

    run(play)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (EntrainError("not now"), "not now"),
        (ZeroDivisionError("deep"), "internal error in on: ZeroDivisionError"),
    ],
)
def test_a_refusal_is_one_line_for_every_front_end(app, error, line):
    app.error = error
    with pytest.raises(EntrainError) as caught:
        run(lambda: app.hub.ask(messages.On()))
    assert str(caught.value) == line


def test_a_command_is_told_at_once_with_who_has_caused_it(app):
    """The event does not wait for the interval."""
    interval_s = 0.5

    async def play() -> None:
        news = told(app.hub.subscribe(app.status, interval_s))
        await asyncio.sleep(3 * interval_s)  # until the subscription is idle
        began_s = asyncio.get_running_loop().time()

        await app.hub.ask(messages.On(), "dashboard")

        event = await news
        assert asyncio.get_running_loop().time() - began_s < interval_s / 2
        assert (event.status.on, event.changed, event.caused_by) == (True, ("on",), ("dashboard",))

    run(play)


def test_what_changes_by_itself_was_caused_by_nobody(app):
    async def play() -> None:
        subscription = await following(app)
        news = told(subscription)
        await settled(app)
        await app.hub.ask(messages.GetStatus(), "curious")
        await app.hub.ask(messages.Set(values={"a.b": 1}), "vain")  # changes no field
        await settled(app)

        app.change(reason="unplugged")

        assert (await news).caused_by == ()

    run(play)


def test_several_changes_within_an_interval_are_one_event_that_names_all_who_caused_them(app):
    async def play() -> None:
        subscription = await following(app)
        news = told(subscription)
        await app.hub.ask(messages.On(), "one")
        await app.hub.ask(messages.Bypass(), "two")
        await app.hub.ask(messages.Bypass(), "one")
        await app.hub.ask(messages.Bypass(), "two")

        event = await news

        assert event.changed == ("on", "bypass")
        assert event.caused_by == ("one", "two")

    run(play)


def test_who_names_parts_hears_of_nothing_else(app):
    async def play() -> None:
        subscription = await following(app, "bypass", "volume")
        news = told(subscription)
        await settled(app)
        await app.hub.ask(messages.On(), "one")
        app.change(xruns=7)
        await settled(app)
        assert not news.done()

        await app.hub.ask(messages.Bypass(), "two")

        event = await news
        assert (event.changed, event.caused_by) == (("bypass",), ("two",))

    run(play)


def test_a_part_that_moves_by_itself_after_a_rest_is_told_while_others_move(app):
    """The count of breaks changes without a notification, for example."""

    async def play() -> None:
        subscription = await following(app, "xruns")
        news = told(subscription)

        async def move() -> None:
            while True:
                app.status = app.status.model_copy(update={"cpu_load": app.status.cpu_load + 0.01})
                await asyncio.sleep(INTERVAL_S / 5)

        moving = asyncio.create_task(move())
        await asyncio.sleep(5 * INTERVAL_S)
        assert not news.done()
        app.status = app.status.model_copy(update={"xruns": 5})

        async with asyncio.timeout(5):
            event = await news

        moving.cancel()
        assert (event.status.xruns, event.changed) == (5, ("xruns",))

    run(play)


def test_an_event_names_no_more_clients_than_its_limit(app):
    async def play() -> None:
        news = told(await following(app))
        await settled(app)
        app.status = app.status.model_copy(update={"xruns": 1})
        for number in range(1000):
            app.hub.notify(f"client-{number}")
        names = (await news).caused_by
        assert len(names) == MAX_CAUSES
        assert names[0] == "client-0"

    run(play)


def test_many_who_follow_share_one_look(app):
    """The status moves all the time, and each subscription has begun at another time."""

    async def play() -> None:
        heard = [0] * 10

        async def follow(number: int) -> None:
            await asyncio.sleep(number * 0.013)
            subscription = app.hub.subscribe(
                app.status, 4 * INTERVAL_S, changes_only=number % 2 == 0
            )
            async for _ in subscription:
                heard[number] += 1

        async def move() -> None:
            while True:
                app.status = app.status.model_copy(update={"xruns": app.status.xruns + 1})
                await asyncio.sleep(0.01)

        tasks = [asyncio.create_task(follow(number)) for number in range(10)]
        tasks.append(asyncio.create_task(move()))
        await asyncio.sleep(12 * INTERVAL_S)  # until each has received an event
        app.looks, heard[:] = 0, [0] * 10
        await asyncio.sleep(40 * INTERVAL_S)
        for task in tasks:
            task.cancel()
        assert min(heard) >= 5
        assert app.looks <= max(heard) * 1.5

    run(play)


def test_a_closed_subscription_ends_and_nobody_looks_for_it(app):
    async def play() -> None:
        waiting, looking = await following(app), await following(app)
        tasks = [told(waiting), told(looking)]
        await settled(app)
        app.hub.notify()
        waiting.close()
        looking.close()
        for task in tasks:
            with pytest.raises(StopAsyncIteration):
                await task
        looks = app.looks
        app.change(on=True)
        await asyncio.sleep(3 * INTERVAL_S)
        assert app.looks == looks
        with pytest.raises(StopAsyncIteration):
            await anext(waiting)

    run(play)


def test_a_prompt_subscriber_hears_of_a_command_before_its_interval_is_over(app):
    async def play() -> None:
        prompt = app.hub.subscribe(app.status, 60, prompt=True)
        news = told(prompt)
        later = told(app.hub.subscribe(app.status, 60))
        await asyncio.sleep(0)

        await app.hub.ask(messages.On(), "dashboard")

        event = await news
        assert (event.changed, event.caused_by) == (("on",), ("dashboard",))
        assert not later.done()

    run(play)


def test_a_prompt_subscriber_looks_at_a_flood_of_commands_twenty_times_a_second(app):
    async def play() -> None:
        loop = asyncio.get_running_loop()
        subscription = app.hub.subscribe(app.status, 60, prompt=True)
        began_s = loop.time()
        events = 0
        while loop.time() - began_s < 1:
            news = told(subscription)
            while not news.done() and loop.time() - began_s < 1:
                await app.hub.ask(messages.Bypass())
                app.change(xruns=app.status.xruns + 1)
                await asyncio.sleep(0.001)
            events += news.done()
            news.cancel()
        assert 0 < events <= (loop.time() - began_s) / PROMPT_S + 1

    run(play)


def moved(status: messages.Status, elapsed_s: float, **more: Any) -> dict[str, Any]:
    """Return the fields of a status whose session has gone on."""
    before = status.protocol or messages.ActiveProtocol(id="x", name="X", elapsed_s=0, layers=[])
    where = {"elapsed_s": elapsed_s, "left_s": 60.0 - elapsed_s}
    protocol = before.model_copy(update={**where, **more})
    position = messages.Position(**where)
    return {"protocol": protocol, "position": position}


def test_beside_the_position_the_protocol_is_told_only_if_more_has_changed(app):
    async def play() -> None:
        app.status = app.status.model_copy(update=moved(app.status, 1.0))
        both = await following(app, "protocol", "position")
        alone = await following(app, "protocol")

        app.change(**moved(app.status, 2.0))
        assert (await anext(both)).changed == ("position",)
        assert (await anext(alone)).changed == ("protocol",)

        app.change(**moved(app.status, 3.0, name="Y"))
        assert (await anext(both)).changed == ("protocol", "position")

    run(play)


def test_a_frozen_hub_reports_no_change_any_more(app):
    async def play() -> None:
        events = await following(app)
        app.hub.freeze()
        waiting = told(events)
        app.change(state="waiting-for-device")
        await asyncio.sleep(3 * INTERVAL_S)
        assert not waiting.done()
        assert (await app.hub.ask(messages.GetStatus())).state == "idle"
        events.close()
        with pytest.raises(StopAsyncIteration):
            await waiting

    run(play)
