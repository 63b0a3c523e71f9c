"""Outputs with their own protocols: the sound, the status and the stored state agree."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from entrain.engine import blocks
from entrain.errors import EngineError
from entrain.platform.adapter import Device, Form
from entrain.platform.folder_watch import ContentWatch
from entrain.platform.null import NullAdapter, null_device
from entrain.vdevice.api import messages
from entrain.vdevice.app import App
from entrain.vdevice.device.virtual_device import VirtualDevice
from entrain.vdevice.options import RunOptions
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.session.session_log import SessionLog
from entrain.vdevice.storage.store import Store


def protocol(name: str, level_db: float = -20.0) -> Protocol:
    params = {"level_db": level_db}
    layers = ({"kind": "binaural", "id": "tone", "params": params},)
    whole = {"id": name, "name": name.title(), "layers": layers}
    return Protocol.model_validate(whole, strict=False)


class Desk:
    """An app, its output, and a library that may be slow."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.output: Device | None = None
        monkeypatch.setattr(VirtualDevice, "target", property(lambda _: self.output))
        self.library = Library(folder / "protocols", blocks)
        self._folder = folder
        self._answers = threading.Event()
        self.app = self.new_app()

    def new_app(self) -> App:
        return App(
            RunOptions(backend="null"),
            NullAdapter(),
            Store(self._folder / "state.json"),
            SessionLog(None),
            self.library,
            sandbox={},
        )

    def play_on(self, name: str, form: Form = "headphones") -> None:
        self.output = null_device(name, form=form)
        self.app.device_changed()

    async def settle(self) -> None:
        """Wait until all begun work is finished."""
        self._answers.set()
        for _ in range(5):
            await self.app.protocols._reading.do(lambda: None)
            await asyncio.sleep(0.01)

    async def start(self) -> None:
        """Use `two` on the headset and `one` on other outputs; then play on `dac`."""
        self.play_on("dac")
        await self.app.hub.ask(messages.Use(protocol=protocol("one")))
        self.play_on("headset")
        await self.app.hub.ask(messages.Use(protocol=protocol("two"), here=True))
        self.play_on("dac")
        await self.settle()
        assert self.heard == "one"

    def keep_waiting(self) -> None:
        """Keep the library busy until `settle`."""
        self._answers.clear()
        self.app.protocols._reading.do(lambda: self._answers.wait(20))

    @property
    def heard(self) -> str:
        return self.app.status().protocol.id

    @property
    def level_db(self) -> Any:
        return self.app.status().protocol.layers[0].params["level_db"]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(tmp_path, monkeypatch)
    yield made
    made.app.engine.close()


def run(play: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(20):
            await play()

    asyncio.run(main())


def test_a_protocol_cannot_be_remembered_for_an_output_that_is_not_there(desk):
    async def play() -> None:
        before = desk.heard
        with pytest.raises(ProtocolError, match="there is no output yet"):
            await desk.app.hub.ask(messages.Use(protocol=protocol("one"), here=True))
        assert desk.heard == before

    run(play)


def test_a_value_set_just_after_an_output_came_is_kept_with_its_own_protocol(desk):
    async def play() -> None:
        await desk.start()
        desk.keep_waiting()
        desk.play_on("headset")
        await desk.app.hub.ask(messages.Set(address="tone.level_db", value=-12))
        await desk.settle()

        assert (desk.heard, desk.level_db) == ("two", -12)
        desk.play_on("dac")
        await desk.settle()
        assert (desk.heard, desk.level_db) == ("one", -20)
        desk.play_on("headset")
        await desk.settle()
        assert (desk.heard, desk.level_db) == ("two", -12)

    run(play)


@pytest.mark.parametrize(("there", "back"), [("dac", "headset"), ("headset", "dac")])
def test_what_was_asked_for_while_the_output_changes_is_heard_and_kept(desk, there, back):
    async def play() -> None:
        await desk.start()
        desk.play_on(there)
        await desk.settle()
        desk.keep_waiting()
        asked = asyncio.create_task(desk.app.hub.ask(messages.Use(protocol=protocol("three"))))
        await asyncio.sleep(0.01)
        desk.play_on(back)
        await asyncio.sleep(0.01)
        await desk.settle()
        await asked
        await desk.settle()

        assert desk.heard == "three"
        desk.play_on("elsewhere")
        desk.play_on(back)
        await desk.settle()
        assert desk.heard == "three"

    run(play)


def test_no_tone_of_the_former_protocol_is_heard_on_an_output_that_has_none(desk):
    async def play() -> None:
        await desk.start()
        desk.play_on("speakers", "speakers")
        await desk.app.hub.ask(messages.Use(protocol="none", here=True))
        desk.play_on("dac")
        await desk.settle()
        assert desk.app.player.running()
        desk.keep_waiting()

        desk.play_on("speakers", "speakers")

        assert desk.heard == "none"
        assert desk.app.player.running() == ()
        await desk.settle()

    run(play)


@pytest.mark.parametrize("first", ["save", "use"])
def test_saving_renames_nothing_that_another_client_has_begun_meanwhile(desk, first):
    async def play() -> None:
        await desk.start()
        desk.keep_waiting()
        use = messages.Use(protocol=protocol("three", -8))
        save = messages.Save(name="Mine")
        requests = [save, use] if first == "save" else [use, save]
        asked = [asyncio.create_task(desk.app.hub.ask(each)) for each in requests]
        await asyncio.sleep(0.01)
        await desk.settle()
        await asyncio.gather(*asked)

        assert (desk.heard, desk.level_db) == ("three", -8)
        assert desk.library.by_id("mine").layers[0].params["level_db"] == -20

    run(play)


def test_a_switch_that_the_engine_refuses_is_told(desk, monkeypatch):
    async def play() -> None:
        await desk.start()

        def refuse(*_: object, **__: object) -> None:
            raise EngineError("cannot add a layer", -1, "no more layers")

        monkeypatch.setattr(desk.app.player._chain, "use", refuse)
        desk.play_on("headset")
        await desk.settle()

        status = desk.app.status()
        assert status.errors == [
            "cannot add a layer: no more layers; continuing with the former protocol"
        ]
        assert status.protocol.id == "one"

    run(play)


def test_a_remembered_protocol_is_used_as_its_file_says_now(desk):
    async def play() -> None:
        await desk.start()
        desk.library.save(protocol("mine"))
        desk.play_on("headset")
        await desk.app.hub.ask(messages.Use(protocol="mine"))
        desk.play_on("dac")
        desk.library.save(protocol("mine", -10))
        with ContentWatch() as watch:
            await desk.app.protocols.reload(watch)

        desk.play_on("headset")

        assert (desk.heard, desk.level_db) == ("mine", -10)

    run(play)


def test_what_has_not_changed_since_the_start_is_not_read_again(desk):
    async def play() -> None:
        with ContentWatch() as watch:
            assert not await desk.app.protocols.reload(watch)

    run(play)


def test_a_whole_protocol_that_is_as_in_the_library_is_kept_by_its_id(desk):
    async def play() -> None:
        shipped = desk.library.by_id("focus-16")
        await desk.app.hub.ask(messages.Use(protocol=shipped))
        assert desk.app.protocols.everywhere == "focus-16"
        assert desk.app.protocols.recent == ("focus-16",)

        other = shipped.model_copy(update={"name": "Other"})
        await desk.app.hub.ask(messages.Use(protocol=other))
        assert desk.app.protocols.everywhere == other

    run(play)


def test_a_stored_protocol_that_cannot_be_read_stays_stored(desk, tmp_path):
    async def play() -> None:
        desk.library.save(protocol("mine"))
        await desk.app.hub.ask(messages.Use(protocol="mine"))
        (tmp_path / "protocols" / "mine.json").write_bytes(b"{")
        await desk.app.saver.flush()
        desk.app.engine.close()

        desk.app = desk.new_app()

        assert desk.heard == "default"
        assert desk.app.protocols.everywhere == "mine"
        desk.play_on("dac")
        assert desk.app.protocols.everywhere == "mine"

    run(play)


def test_a_remembered_protocol_that_cannot_be_read_is_told_and_kept_and_used_once_it_can(
    desk, tmp_path
):
    async def play() -> None:
        await desk.start()
        desk.library.save(protocol("mine"))
        desk.play_on("headset")
        await desk.app.hub.ask(messages.Use(protocol="mine"))
        desk.play_on("dac")
        await desk.settle()
        file = tmp_path / "protocols" / "mine.json"
        whole = file.read_bytes()
        file.write_bytes(b"{")
        await desk.app.saver.flush()
        desk.app.engine.close()
        desk.app = desk.new_app()
        desk.play_on("dac")

        desk.play_on("headset")

        assert desk.heard == "one"
        assert "mine.json" in desk.app.status().errors[0]
        file.write_bytes(whole)
        with ContentWatch() as watch:
            await desk.app.protocols.reload(watch)
        desk.play_on("dac")
        desk.play_on("headset")
        assert desk.heard == "mine"

    run(play)


def test_the_end_of_a_protocol_that_an_output_began_is_not_slept_through(desk):
    """The former protocol has no end, so the time keeper would have slept for half an hour."""
    ends = protocol("two").model_copy(update={"duration_s": 600.0})

    async def play() -> None:
        desk.play_on("dac")
        await desk.app.hub.ask(messages.Use(protocol=protocol("one")))
        desk.play_on("headset")
        await desk.app.hub.ask(messages.Use(protocol=ends, here=True))
        desk.play_on("dac")
        pauses: list[float] = []
        pause_s = desk.app.player.pause_s

        def noted(now_s: float) -> float:
            pauses.append(pause_s(now_s))
            return pauses[-1]

        desk.app.player.pause_s = noted
        keeping = asyncio.create_task(desk.app.time_keeper.run())
        await desk.settle()
        assert pauses[-1] == 1800
        desk.play_on("headset")
        await desk.settle()
        assert pauses[-1] == 600
        keeping.cancel()

    run(play)
