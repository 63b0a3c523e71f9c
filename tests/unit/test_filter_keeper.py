"""A server that does not report filters must not stop the user from choosing or switching off."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from entrain.engine import Engine
from entrain.platform.adapter import OWN_DEVICE, PlatformError
from entrain.platform.null import NullAdapter, null_device
from entrain.vdevice.device.applications.rules import ApplicationRules
from entrain.vdevice.device.default_policy import DefaultPolicy, choose_target
from entrain.vdevice.device.filter_keeper import FilterKeeper
from entrain.vdevice.device.virtual_device import VirtualDevice
from entrain.ways import Way


class SilentBackend:
    """A back end that reports no ways."""

    def ways(self) -> list[Way]:
        return []


class FailingServer:
    """A server that reports ways until it fails."""

    def __init__(self, ways: list[Way]) -> None:
        self.fails = False
        self._ways = ways

    def ways(self) -> list[Way]:
        if self.fails:
            raise PlatformError("no answer within 3 s")
        return self._ways


async def wait(call: Callable[[], Any]) -> Any:
    return call()


def kept(keeper: FilterKeeper, server: FailingServer, chosen: str = "equalizer") -> str:
    devices = [null_device("speakers"), null_device("equalizer")]
    choose = lambda names: choose_target((chosen,), names)  # noqa: E731
    plan = keeper.plan(SilentBackend(), server, devices, OWN_DEVICE, choose)  # type: ignore[arg-type]
    return asyncio.run(plan).target


def test_where_the_server_gives_no_news_of_filters_they_are_what_they_were():
    keeper, server = FilterKeeper(wait), FailingServer([Way("equalizer", OWN_DEVICE, 1)])
    assert kept(keeper, server) == "speakers"
    server.fails = True

    assert kept(keeper, server) == "speakers"


def test_where_it_has_never_given_any_there_are_none():
    server = FailingServer([])
    server.fails = True

    assert kept(FilterKeeper(wait), server) == "equalizer"


@pytest.mark.parametrize(
    "ask",
    [
        lambda device: device.switch(True),
        lambda device: device.choose("speakers"),
        lambda device: device.prefer(["speakers"]),
        lambda device: device.set_mode("manual"),
    ],
    ids=["switch", "choose", "prefer", "set_mode"],
)
def test_whatever_fails_is_looked_at_afterwards(ask, monkeypatch):
    """The request may have been half carried out."""

    async def play(ask: Callable[[VirtualDevice], Awaitable[None]]) -> None:
        device = VirtualDevice(
            NullAdapter(), engine, "null", "", None, DefaultPolicy(), lambda: None
        )
        device._connection.devices = [null_device("speakers")]

        async def fail(*_: object, **__: object) -> None:
            raise PlatformError("no answer within 3 s")

        monkeypatch.setattr(device._target, "update", fail)
        monkeypatch.setattr(device._defaults, "carry_out", fail)
        with pytest.raises(PlatformError):
            await ask(device)
        assert device._news.is_set()
        await device.set_rules(ApplicationRules())  # the lock is free

    engine = Engine()
    asyncio.run(play(ask))
    engine.close()
