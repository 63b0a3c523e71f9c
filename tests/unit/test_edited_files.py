"""Entrain soon reloads an edited file of a protocol in use, and rests while no file changes."""

import asyncio
import json
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from entrain.engine import blocks
from entrain.platform.null import NullAdapter
from entrain.vdevice import time_keeper
from entrain.vdevice.api import messages
from entrain.vdevice.app import App
from entrain.vdevice.options import RunOptions
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.session.session_log import SessionLog

LOOK_S = 0.05


class CountedLibrary(Library):
    looks = 0

    def signature(self) -> object:  # type: ignore[override]
        self.looks += 1
        return super().signature()


def write(path: Path, name: str) -> None:
    """Replace a file as most editors do."""
    layer = {"kind": "noise", "id": "noise"}
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"id": "mine", "name": name, "layers": [layer]}))
    new.replace(path)


class Desk:
    """An app that uses `mine`, one of the user's own protocols."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "mine.json"
        self.library = CountedLibrary(folder, blocks)
        log = SessionLog(None)
        options = RunOptions(backend="null")
        self.app = App(options, NullAdapter(), None, log, self.library, sandbox={})

    @property
    def name(self) -> str:
        return self.app.player.protocol.name

    async def is_called(self, name: str) -> None:
        async with asyncio.timeout(5):
            while self.name != name:
                await asyncio.sleep(0.01)

    async def rest(self) -> None:
        """Wait until the last request is finished."""
        await asyncio.sleep(8 * LOOK_S)

    def play(self, do: Callable[[], Awaitable[None]]) -> None:
        async def main() -> None:
            async with asyncio.timeout(20):
                keeping = asyncio.create_task(self.app.time_keeper.run())
                await self.app.hub.ask(messages.Use(protocol="mine"))
                await self.rest()
                await do()
                keeping.cancel()
                await asyncio.wait({keeping})
                await self.app.saver.flush()

        asyncio.run(main())


@pytest.fixture
def new_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Desk]]:
    monkeypatch.setattr(time_keeper, "LIBRARY_LOOK_S", LOOK_S)
    made: list[Desk] = []

    def new() -> Desk:
        made.append(Desk(tmp_path / "data" / "protocols"))
        return made[-1]

    yield new
    for each in made:
        each.app.protocols.close()
        each.app.saver.close()
        each.app.engine.close()


@pytest.fixture
def desk(tmp_path: Path, new_desk: Callable[[], Desk]) -> Desk:
    write(tmp_path / "data" / "protocols" / "mine.json", "First")
    return new_desk()


def test_while_nothing_plays_no_file_is_looked_at(desk):
    async def do() -> None:
        before = desk.library.looks
        await asyncio.sleep(10 * LOOK_S)
        assert desk.library.looks == before

    desk.play(do)


def test_a_file_that_is_edited_while_nothing_plays_is_taken_over(desk):
    async def do() -> None:
        write(desk.file, "Second")
        await desk.is_called("Second")
        await desk.rest()
        desk.file.write_text(desk.file.read_text().replace("Second", "Third"))
        await desk.is_called("Third")
        await desk.rest()
        before = desk.library.looks
        await asyncio.sleep(10 * LOOK_S)
        assert desk.library.looks == before

    desk.play(do)


def test_a_file_that_is_removed_and_written_anew_is_taken_over(desk):
    async def do() -> None:
        desk.file.unlink()
        await desk.rest()
        write(desk.file, "Second")
        await desk.is_called("Second")

    desk.play(do)


def test_where_a_link_leads_to_is_watched_too(tmp_path, new_desk):
    target = tmp_path / "elsewhere" / "mine.json"
    write(target, "First")
    folder = tmp_path / "data" / "protocols"
    folder.mkdir(parents=True)
    (folder / "mine.json").symlink_to(target)
    desk = new_desk()

    async def do() -> None:
        for name in ("Second", "Third"):  # each write replaces the file
            write(target, name)
            await desk.is_called(name)
            await desk.rest()
        target.unlink()
        await desk.rest()
        write(target, "Fourth")
        await desk.is_called("Fourth")
        await desk.rest()
        before = desk.library.looks
        await asyncio.sleep(10 * LOOK_S)
        assert desk.library.looks == before

    desk.play(do)


def test_a_folder_that_is_a_link_may_lead_elsewhere(tmp_path, new_desk):
    for name in ("First", "Second"):
        write(tmp_path / name / "mine.json", name)
    folder = tmp_path / "data" / "protocols"
    folder.parent.mkdir()
    folder.symlink_to(tmp_path / "First")
    desk = new_desk()

    async def do() -> None:
        os.symlink(tmp_path / "Second", folder.with_name("new"))
        folder.with_name("new").replace(folder)
        await desk.is_called("Second")

    desk.play(do)


def test_what_the_system_does_not_tell_of_is_found_as_soon_as_something_plays(desk, monkeypatch):
    monkeypatch.setattr("entrain.platform.folder_watch._inotify", lambda: -1)

    async def do() -> None:
        before = desk.library.looks
        write(desk.file, "Second")
        await desk.rest()
        assert (desk.name, desk.library.looks) == ("First", before)
        desk.app.time_keeper.observe(plays=True)
        await desk.is_called("Second")
        write(desk.file, "Third")
        await desk.is_called("Third")
        desk.app.time_keeper.observe(plays=False)
        await desk.rest()
        before = desk.library.looks
        await desk.rest()
        assert desk.library.looks == before

    desk.play(do)


def test_a_request_between_two_looks_does_not_end_them_while_something_plays(desk, monkeypatch):
    monkeypatch.setattr("entrain.platform.folder_watch._inotify", lambda: -1)
    monkeypatch.setattr(time_keeper, "LIBRARY_LOOK_S", 4 * LOOK_S)

    async def do() -> None:
        desk.app.time_keeper.observe(plays=True)
        await desk.rest()
        before = desk.library.looks
        while desk.library.looks == before:
            await asyncio.sleep(0.001)
        await desk.app.hub.ask(messages.Bypass())  # just after a look
        write(desk.file, "Second")
        await desk.is_called("Second")

    desk.play(do)


def test_a_folder_that_does_not_answer_keeps_nobody_waiting(desk, monkeypatch):
    monkeypatch.setattr(time_keeper, "LIBRARY_TIMEOUT_S", LOOK_S)
    answers = threading.Event()

    async def do() -> None:
        stuck = desk.app.protocols._reading.do(lambda: answers.wait(20))
        write(desk.file, "Second")
        await desk.rest()
        assert desk.name == "First"
        answers.set()
        await stuck
        await desk.is_called("Second")

    desk.play(do)
