"""`entrain output` just after headphones go: asking for them must not make loudspeakers loud."""

import asyncio
from collections.abc import Iterator

import pytest

from entrain.backend import Backend
from entrain.engine import Engine
from entrain.platform.null import NullAdapter, NullServer, null_device
from entrain.vdevice.device.default_policy import DefaultPolicy
from entrain.vdevice.device.softened import SOFTER
from entrain.vdevice.device.virtual_device import VirtualDevice


class Desk:
    """A headset, on which Entrain plays, and a loudspeaker."""

    def __init__(self, chosen: str) -> None:
        self.server = NullServer(
            (
                null_device("headset", form="headphones"),
                null_device("loudspeaker", form="speakers"),
            )
        )
        self.engine = Engine()
        self.device = VirtualDevice(
            NullAdapter(), self.engine, "null", chosen, None, DefaultPolicy(True), lambda: None
        )
        self.device._connection.server = self.server
        self.device._connection.backend = Backend("null", self.engine, "headset")

    async def choose(self, name: str) -> None:
        await self.device.choose(name)

    @property
    def loudness(self) -> float:
        """The loudspeaker's volume, relative to its volume before."""
        found = next(each for each in self.server.devices() if each.name == "loudspeaker")
        return max(found.volume.channels)

    def close(self) -> None:
        if self.device._connection.backend:
            self.device._connection.backend.close()
        self.engine.close()


@pytest.fixture
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    made = Desk(getattr(request, "param", ""))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("desk", "wish"),
    [("headset", "headset"), ("headset", ""), ("", "")],
    indirect=["desk"],
    ids=["the chosen headset", "no longer the chosen headset", "whatever there is"],
)
def test_a_wish_that_comes_just_after_the_headphones_have_gone_is_none_for_a_loud_speaker(
    desk, wish
):
    async def play() -> None:
        await desk.choose(desk.device.chosen)
        assert desk.device.state.target == "headset"
        desk.server.remove_device("headset")
        await desk.choose(wish)  # before Entrain has heard of the removal

    asyncio.run(play())

    assert desk.device.state.target == "loudspeaker"
    assert desk.loudness == pytest.approx(SOFTER)
    assert desk.device.softened is not None


def test_who_names_the_loudspeaker_just_then_hears_it_as_loud_as_it_was(desk):
    async def play() -> None:
        await desk.choose("")
        desk.server.remove_device("headset")
        await desk.choose("loudspeaker")

    asyncio.run(play())

    assert desk.device.state.target == "loudspeaker"
    assert desk.loudness == 1.0


def test_a_second_wish_is_one_for_the_loudspeaker(desk):
    async def play() -> None:
        await desk.choose("")
        desk.server.remove_device("headset")
        await desk.choose("")
        assert desk.loudness == pytest.approx(SOFTER)
        await desk.choose("")

    asyncio.run(play())

    assert desk.loudness == 1.0
    assert desk.device.softened is None
