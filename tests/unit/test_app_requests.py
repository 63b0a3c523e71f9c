"""The app's answers to requests, without a sound server."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from entrain.engine import blocks
from entrain.errors import EntrainError
from entrain.platform import clock
from entrain.platform.adapter import PlatformError
from entrain.platform.null import NullAdapter
from entrain.vdevice import time_keeper
from entrain.vdevice.api import messages
from entrain.vdevice.app import App
from entrain.vdevice.options import RunOptions
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.library import Library, by_id
from entrain.vdevice.session import deadlines
from entrain.vdevice.session.session_log import SessionLog
from entrain.vdevice.storage import saver
from entrain.vdevice.storage.store import Store

Ask = Callable[[messages.Request], Any]


def new_app(folder: Path) -> App:
    return App(
        RunOptions(backend="null"),
        NullAdapter(),
        Store(folder / "state.json"),
        SessionLog(None),
        Library(folder / "protocols", blocks),
        sandbox={},
    )


async def asked(app: App, request: messages.Request) -> Any:
    """Ask, and wait until all is saved, because the loop ends here."""
    try:
        return await app.hub.ask(request)
    finally:
        await app.saver.flush()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Ask]]:
    """Start an app, each time with the state that the previous one has saved."""
    apps: list[App] = []

    def app() -> Ask:
        apps.append(new_app(tmp_path))
        return lambda request: asyncio.run(asked(apps[-1], request))

    yield app
    for each in apps:
        each.engine.close()


def test_the_protocols_used_last_are_known_after_a_restart(start):
    ask = start()
    ask(messages.Use(protocol="focus-16"))
    ask(messages.Use(protocol="sleep-onset"))
    ask(messages.Next())
    ask(messages.Use(protocol="none"))

    found = start()(messages.ListProtocols())

    assert found.recent == ["deep-3", "sleep-onset", "focus-16"]
    assert {"focus-16", "deep-3"} <= {each.id for each in found.protocols}


def test_a_step_is_in_the_answer_and_after_a_restart(start):
    ask = start()
    ask(messages.Use(protocol="focus-16"))

    status = ask(messages.Adjust(rate_steps=1))

    assert status.protocol.rate_hz == 17.0
    assert start()(messages.GetStatus()).protocol.rate_hz == 17.0


def test_a_step_that_cannot_be_made_changes_nothing(start):
    ask = start()
    ask(messages.Use(protocol="focus-16"))
    ask(messages.Set(address="music.depth", value=1.0))
    before = ask(messages.GetStatus())

    with pytest.raises(ProtocolError, match="the level cannot go higher"):
        ask(messages.Adjust(rate_steps=1, level_steps=1))

    assert ask(messages.GetStatus()).protocol == before.protocol


def test_a_sleep_timer_is_over_after_a_night_in_which_the_machine_was_suspended(
    tmp_path, monkeypatch
):
    """During suspension the clock goes on, but asyncio's timers stand still."""
    now_s = 100.0
    monkeypatch.setattr(clock, "suspended_too_s", lambda: now_s)
    monkeypatch.setattr(deadlines, "_LOOK_S", 0.05)
    monkeypatch.setattr(deadlines, "_SLEEP_LOOK_S", 0.05)
    app = new_app(tmp_path)
    switched: list[tuple[bool, str]] = []

    async def switch(on: bool, reason: str = "") -> None:
        switched.append((on, reason))

    monkeypatch.setattr(app.device, "switch", switch)

    async def night() -> None:
        nonlocal now_s
        await app.hub.ask(messages.Sleep(minutes=60))
        keeping = asyncio.create_task(app.time_keeper.run())
        await asyncio.sleep(0.2)
        now_s += 60  # a minute without suspension
        assert app.status().sleep_left_s == 59 * 60
        await asyncio.sleep(0.2)
        assert switched == []
        now_s += 8 * 3600
        async with asyncio.timeout(5):
            while not switched:
                await asyncio.sleep(0.02)
        keeping.cancel()

    asyncio.run(night())

    assert switched == [(False, "the sleep timer is over")]
    assert app.status().sleep_left_s is None
    app.engine.close()


def test_time_is_kept_also_after_a_bug_of_ours(tmp_path, monkeypatch):
    """An error must not stop the sleep timer and the end of a session."""
    monkeypatch.setattr(time_keeper, "LIBRARY_LOOK_S", 0.02)
    app = new_app(tmp_path)
    ticks = 0

    def tick(now_s: float) -> bool:
        nonlocal ticks
        ticks += 1
        raise ZeroDivisionError

    monkeypatch.setattr(app.player, "tick", tick)

    async def play() -> None:
        keeping = asyncio.create_task(app.time_keeper.run())
        async with asyncio.timeout(5):
            while ticks < 3:
                await asyncio.sleep(0.01)
        keeping.cancel()

    asyncio.run(play())
    assert app.status().errors == ["internal error while keeping time: ZeroDivisionError"]
    app.engine.close()


def test_what_a_refused_command_has_changed_is_saved(tmp_path, monkeypatch):
    """The sound server fails after the app has accepted the new setting."""
    monkeypatch.setattr(saver, "SAVE_AFTER_S", 0.02)
    app = new_app(tmp_path)

    async def fail() -> None:
        raise PlatformError("no answer within 3 s")

    monkeypatch.setattr(app.device, "_look", fail)

    async def play() -> None:
        with pytest.raises(PlatformError):
            await app.hub.ask(messages.Settings(unplugged="same"))
        assert app.status().unplugged == "same"
        async with asyncio.timeout(5):
            while Store(tmp_path / "state.json").load().unplugged != "same":
                await asyncio.sleep(0.02)

    asyncio.run(play())
    app.engine.close()


def test_who_watches_for_changes_hears_of_a_full_disk(tmp_path, monkeypatch):
    app = new_app(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("entrain.vdevice.storage.store.replace_file", full)

    async def play() -> None:
        subscription = app.hub.subscribe(app.status(), 0.05)
        news = asyncio.create_task(anext(subscription))  # type: ignore[arg-type]
        await asyncio.sleep(0.3)  # until the subscription is idle
        await app.saver.flush()
        async with asyncio.timeout(5):
            event = await news
        assert "errors" in event.changed
        assert "No space left on device" in event.status.errors[0]

    asyncio.run(play())
    app.engine.close()


def test_a_server_that_is_lost_again_and_again_is_one_line_in_the_status(tmp_path):
    """Repeated lines would push all other lines out."""
    app = new_app(tmp_path)
    for _ in range(3):
        app.device._reconnection.failed("the sound server is gone")
        app.device._reconnection.succeeded()
    assert app.status().errors == ["the sound server is gone; trying again"]
    app.engine.close()


def test_names_of_applications_have_an_end(start):
    """The names are limited in length, because each status lists all of them."""
    ask = start()
    names = [f"{'x' * 250}{number}" for number in range(200)]
    request = messages.parse_request(
        json.dumps({"command": "settings", "applications": {"exclude": names}}).encode()
    )

    assert len(ask(request).model_dump_json()) < 100_000
    assert start()(messages.GetStatus()).applications.exclude == tuple(names)


@pytest.mark.parametrize("error", [PlatformError("no server"), ZeroDivisionError()])
def test_a_sleep_timer_switches_off_as_soon_as_that_works(tmp_path, monkeypatch, error):
    monkeypatch.setattr(time_keeper, "LIBRARY_LOOK_S", 0.02)
    monkeypatch.setattr(deadlines, "_LOOK_S", 0.02)
    app = new_app(tmp_path)
    tries = 0

    async def switch(on: bool, reason: str = "") -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise error

    monkeypatch.setattr(app.device, "switch", switch)

    async def play() -> None:
        await app.hub.ask(messages.Sleep(minutes=0.001))
        keeping = asyncio.create_task(app.time_keeper.run())
        async with asyncio.timeout(5):
            while tries < 3:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        keeping.cancel()

    asyncio.run(play())
    assert tries == 3
    app.engine.close()


@pytest.mark.parametrize(
    ("specs", "line"),
    [
        (("binaural:beat_hz=260",), "binaural: beat_hz = 260 is outside -200 … 200 Hz"),
        (
            ("binaural:beat_hz=nan",),
            "binaural: beat_hz = nan is not a finite number; allowed is -200 … 200 Hz",
        ),
        (("nosuch:x=1",), "nosuch: there is no layer kind 'nosuch'; choose from "),
        (("a=am", "a=am"), "a: two layers have this id; give each its own"),
        (("default", "noise:nosuch=1"), "noise: nosuch is not a parameter; choose from "),
        (("default", "Noise 3"), "'Noise 3' is not kind:key=value,... (binaural:beat_hz=10)"),
        (("none", *["noise"] * 65), "layers has more than 64 entries"),
    ],
)
def test_a_spec_that_is_wrong_is_refused_in_one_line_and_changes_nothing(start, specs, line):
    ask = start()
    before = ask(messages.GetStatus()).protocol
    request = {"command": "use", "protocol": specs[0], "layers": specs[1:]}

    with pytest.raises(EntrainError) as caught:
        ask(messages.parse_request(json.dumps(request).encode(), blocks))

    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)
    assert ask(messages.GetStatus()).protocol == before


def test_a_protocol_is_made_of_specs_here(start):
    ask = start()

    found = ask(messages.Use(protocol="a=binaural:beat_hz=4", layers=("binaural:beat_hz=-8",)))

    assert [(layer.id, layer.params) for layer in found.protocol.layers] == [
        ("a", {"beat_hz": 4.0}),
        ("binaural", {"beat_hz": -8.0}),
    ]
    found = ask(messages.Use(protocol="default", layers=("noise",), standalone=True))
    assert [layer.kind for layer in found.protocol.layers] == ["binaural", "noise"]
    assert found.protocol.id == "custom"
    # A protocol that was sent as a whole gets more layers, too; the limit is 64 in all.
    whole = ask(messages.Use(protocol=by_id("default"), layers=("noise",)))
    assert [layer.kind for layer in whole.protocol.layers] == ["binaural", "noise"]
    with pytest.raises(ProtocolError, match="a protocol can have at most 64 layers"):
        ask(messages.Use(protocol="default", layers=("noise",) * 64))


def test_several_values_are_set_at_once_or_none(start):
    ask = start()
    ask(messages.Use(protocol="default"))
    values = {"tone.beat_hz": 7, "limiter.ceiling_db": -2.0, "tone.level_db": -20}

    assert ask(messages.Set(values=values)) == messages.Values(values=values)
    status = ask(messages.GetStatus())
    assert status.protocol.layers[0].params["beat_hz"] == 7
    assert status.protocol.layers[0].params["level_db"] == -20
    assert status.settings == {"limiter.ceiling_db": -2.0}

    for wrong in ({"tone.beat_hz": 999}, {"limiter.ceiling_db": 999}, {"hum.x": 1}):
        with pytest.raises(EntrainError):
            ask(messages.Set(values={"tone.level_db": -9, "limiter.ceiling_db": -9} | wrong))
    after = ask(messages.GetStatus())
    assert (after.protocol.layers, after.settings) == (status.protocol.layers, status.settings)
    again = start()(messages.GetStatus())
    assert (again.protocol.layers, again.settings) == (status.protocol.layers, status.settings)


def test_the_last_of_the_values_of_one_slider_counts_also_on_loudspeakers(start, tmp_path):
    ask = start()
    ask(messages.Use(protocol="default"))
    for beat_hz in (4, 12.5, 6, 9):
        ask(messages.Set(values={"tone.beat_hz": beat_hz}))
    ask(messages.Save(name="Mine"))

    saved = Library(tmp_path / "protocols", blocks).by_id("mine")
    for layers in (saved.layers, saved.without_headphones or ()):
        assert [layer.params["beat_hz"] for layer in layers if layer.id == "tone"] == [9]


def test_a_name_of_a_protocol_that_comes_with_entrain_is_not_taken_unasked(start):
    ask = start()
    ask(messages.Use(protocol="none"))
    ask(messages.Set(address="limiter.ceiling_db", value=-2))

    with pytest.raises(ProtocolError, match=r"^a protocol 'focus-16' comes with Entrain; .*--repl"):
        ask(messages.Save(name="Focus 16"))
    with pytest.raises(ProtocolError, match=r"^'none' stands for the empty protocol"):
        ask(messages.Save(name="none", replace=True))
    assert ask(messages.Use(protocol="focus-16")).protocol.layers

    ask(messages.Use(protocol="none"))
    ask(messages.Save(name="Focus 16", replace=True))
    ask(messages.Save(name="Focus 16"))  # a protocol of the user's has this id now
    assert not ask(messages.Use(protocol="focus-16")).protocol.layers


def test_what_is_saved_while_a_value_moves_is_what_is_heard(tmp_path):
    """The values are right for both kinds of outputs, and the movement goes on to its end."""
    app = new_app(tmp_path)
    second = np.zeros((2, app.engine.rate_hz), np.float32)

    async def play() -> None:
        await app.hub.ask(messages.Use(protocol="default"))
        app.engine.process(second)
        await app.hub.ask(messages.Set(address="tone.beat_hz", value=4, over_s=12))
        app.engine.process(second)
        app.engine.process(second)
        await app.hub.ask(messages.Save(name="Mine"))

    asyncio.run(play())

    saved = Library(tmp_path / "protocols", blocks).by_id("mine")
    for layers in (saved.layers, saved.without_headphones or ()):
        beats = [layer.params["beat_hz"] for layer in layers if layer.id == "tone"]
        assert beats == [pytest.approx(9.0, abs=0.05)]  # a sixth of the way down from 10 Hz
    now = app.status().protocol
    assert now is not None
    assert (now.id, now.layers[0].params["beat_hz"]) == ("mine", 4.0)
    app.engine.close()


def test_a_field_of_the_applications_that_is_left_out_stays_as_it_was(start):
    ask = start()

    def settings(text: str) -> Any:
        request = {"command": "settings", "applications": json.loads(text)}
        return ask(messages.parse_request(json.dumps(request).encode(), blocks)).applications

    settings('{"exclude": ["zoom"], "calls_pass": false}')
    found = settings('{"include": ["spotify"]}')

    assert (found.include, found.exclude) == (("spotify",), ("zoom",))
    assert (found.calls_pass, found.notifications_pass) == (False, True)
    assert settings('{"exclude": []}').include == ("spotify",)
    assert settings("{}").exclude == ()
