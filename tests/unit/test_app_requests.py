"""What the app does when a tray asks, without a sound server."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from entrain.engine import blocks
from entrain.platform.null import NullAdapter
from entrain.vdevice import messages
from entrain.vdevice.app import App
from entrain.vdevice.options import RunOptions
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.session_log import SessionLog
from entrain.vdevice.store import Store

Ask = Callable[[messages.Request], Any]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Ask]]:
    """Start an app, each time with the state of the one before."""
    apps: list[App] = []

    def app() -> Ask:
        apps.append(
            App(
                RunOptions(backend="null"),
                NullAdapter(),
                Store(tmp_path / "state.json"),
                SessionLog(None),
                Library(tmp_path / "protocols", blocks),
                start_on=False,
            )
        )
        return lambda request: asyncio.run(apps[-1].handle(request))

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

    with pytest.raises(ProtocolError, match="the level can go no higher"):
        ask(messages.Adjust(rate_steps=1, level_steps=1))

    assert ask(messages.GetStatus()).protocol == before.protocol
