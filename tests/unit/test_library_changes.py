"""Deleting and renaming the user's own protocols: on the disk, and where they are in use."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from entrain.engine import blocks
from entrain.platform.adapter import Device
from entrain.platform.folder_watch import ContentWatch
from entrain.platform.null import NullAdapter, null_device
from entrain.vdevice.api import messages
from entrain.vdevice.app import App
from entrain.vdevice.device.virtual_device import VirtualDevice
from entrain.vdevice.options import RunOptions
from entrain.vdevice.protocol import user_folder
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.session.session_log import SessionLog
from entrain.vdevice.storage.store import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "protocols"
    made.mkdir()
    return made


@pytest.fixture
def users(folder: Path) -> Library:
    return Library(folder, blocks)


def document(protocol_id: str, beat_hz: float = 6.0, **fields: object) -> str:
    layers = [{"kind": "binaural", "id": "tone", "params": {"beat_hz": beat_hz}}]
    return json.dumps({"id": protocol_id, "name": protocol_id.title(), "layers": layers, **fields})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---- on the disk ---------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["mine.json", "another-name.json"])
@pytest.mark.parametrize("content", [document("mine"), "{"])
def test_a_deleted_file_is_moved_aside(users, folder, file, content):
    (folder / file).write_text(content)
    protocol_id = "mine" if content != "{" else file.removesuffix(".json")

    kept = users.delete(protocol_id)

    assert kept == folder / f"{file}.bak"
    assert kept.read_text() == content
    assert names(folder) == [kept.name]
    assert protocol_id not in users.ids()


def test_what_the_user_does_not_own_is_neither_deleted_nor_renamed(users, folder):
    (folder / "mine.json").write_text(document("mine"))
    for protocol_id, said in (
        ("focus-16", "'focus-16' comes with Entrain; only a protocol of your own can be "),
        ("none", "'none' comes with Entrain; only a protocol of your own can be "),
        ("yours", "there is no protocol 'yours'"),
    ):
        for change in (users.delete, lambda name: users.rename(name, "New")):
            with pytest.raises(ProtocolError) as caught:
                change(protocol_id)
            assert str(caught.value).startswith(said)
            assert "\n" not in str(caught.value)
    assert names(folder) == ["mine.json"]
    with pytest.raises(ProtocolError, match="there is no protocol 'yours'"):
        Library(None).delete("yours")


def test_behind_a_deleted_protocol_the_shipped_one_is_there_again(users, folder):
    (folder / "focus-16.json").write_text(document("focus-16"))
    assert users.by_id("focus-16").category == "own"

    users.delete("focus-16")

    assert users.by_id("focus-16").category == "focus"


def test_a_file_that_cannot_be_moved_is_told_and_stays(users, folder):
    path = folder / "mine.json"
    path.write_text(document("mine"))
    (folder / "mine.json.bak").mkdir()

    with pytest.raises(ProtocolError) as caught:
        users.delete("mine")

    assert str(caught.value) == f"cannot delete {path}: Is a directory"
    assert users.by_id("mine").name == "Mine"


def test_a_renamed_protocol_has_a_new_id_and_its_file_that_name(users, folder):
    (folder / "mine.json").write_text(document("mine", description="Slow.", category="sleep"))
    before = users.by_id("mine")

    assert users.rename("mine", " Late evening ") == "late-evening"

    assert names(folder) == ["late-evening.json"]
    changed = {"id": "late-evening", "name": "Late evening"}
    assert users.by_id("late-evening") == before.model_copy(update=changed)


def test_only_the_name_may_change(users, folder):
    (folder / "mine.json").write_text(document("mine"))

    assert users.rename("mine", "MINE!") == "mine"

    assert names(folder) == ["mine.json"]
    assert users.by_id("mine").name == "MINE!"


@pytest.mark.parametrize("name", ["Focus 16", "Other", "Broken", "none", "!?"])
def test_a_name_that_is_taken_or_gives_no_id_is_refused(users, folder, name):
    for other in ("mine", "other"):
        (folder / f"{other}.json").write_text(document(other))
    (folder / "broken.json").write_text("{")
    before = names(folder), (folder / "mine.json").read_text()

    with pytest.raises(ProtocolError):
        users.rename("mine", name)

    assert (names(folder), (folder / "mine.json").read_text()) == before


def test_the_file_of_another_protocol_is_not_overwritten(users, folder):
    (folder / "mine.json").write_text(document("mine"))
    (folder / "new.json").write_text(document("other"))

    users.rename("mine", "New")

    assert names(folder) == ["mine.json", "new.json"]
    assert users.by_id("new").name == "New"
    assert users.by_id("other").name == "Other"


def test_a_broken_file_is_not_renamed(users, folder):
    (folder / "mine.json").write_text("{")

    with pytest.raises(ProtocolError, match=r"^mine\.json: "):
        users.rename("mine", "New")

    assert names(folder) == ["mine.json"]


def test_a_failed_rename_leaves_the_file(users, folder, monkeypatch):
    (folder / "mine.json").write_text(document("mine"))

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(user_folder, "replace_file", full)
    with pytest.raises(ProtocolError, match="No space left on device"):
        users.rename("mine", "New")

    assert names(folder) == ["mine.json"]
    assert users.by_id("mine").name == "Mine"


def test_a_rename_that_is_cut_short_leaves_a_usable_file(users, folder, monkeypatch):
    (folder / "mine.json").write_text(document("mine"))

    def fails(path: Path, target: Path) -> Path:
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(Path, "rename", fails)
    users.rename("mine", "New")

    assert names(folder) == ["mine.json"]
    assert users.ids().count("new") == 1
    assert "mine" not in users.ids()


def test_a_linked_file_is_renamed_by_its_link(users, folder, tmp_path):
    target = tmp_path / "elsewhere.json"
    target.write_text(document("mine"))
    (folder / "mine.json").symlink_to(target)

    users.rename("mine", "New")

    assert (folder / "new.json").is_symlink()
    assert json.loads(target.read_text())["id"] == "new"


# ---- where it is in use --------------------------------------------------------------------


class Desk:
    """An app with protocols of the user's own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.output: Device | None = None
        monkeypatch.setattr(VirtualDevice, "target", property(lambda _: self.output))
        self._folder = folder
        self.library = Library(folder / "protocols", blocks)
        self.apps: list[App] = []
        self.start()

    @property
    def app(self) -> App:
        return self.apps[-1]

    def start(self) -> None:
        """Start Entrain, again if it has run before."""
        self.apps.append(
            App(
                RunOptions(backend="null"),
                NullAdapter(),
                Store(self._folder / "state.json"),
                SessionLog(None),
                self.library,
                sandbox={},
            )
        )

    async def ask(self, *requests: messages.Request) -> messages.Status:
        for request in requests:
            await self.app.hub.ask(request)
        return self.app.status()

    def play_on(self, name: str) -> str:
        """Play on an output, and return the id of the protocol there."""
        self.output = null_device(name, form="headphones")
        self.app.device_changed()
        return self.playing.id

    @property
    def playing(self) -> messages.ActiveProtocol:
        found = self.app.status().protocol
        assert found
        return found

    @property
    def beat_hz(self) -> float:
        return self.playing.layers[0].params["beat_hz"]

    @property
    def told(self) -> list[str]:
        return self.app.status().errors

    def play(self, script: Callable[[], Awaitable[None]]) -> None:
        """Run requests, then end the app."""

        async def main() -> None:
            async with asyncio.timeout(20):
                await script()
                await self.app.saver.flush()

        asyncio.run(main())


@pytest.fixture
def desk(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    (folder / "mine.json").write_text(document("mine", 6.0))
    (folder / "other.json").write_text(document("other", 8.0))
    made = Desk(tmp_path, monkeypatch)
    yield made
    for app in made.apps:
        app.engine.close()


def test_a_deleted_protocol_goes_on_playing_after_a_restart_too(desk, folder):
    async def delete() -> None:
        await desk.ask(messages.Use(protocol="mine"))
        elapsed_s = desk.playing.elapsed_s
        await desk.ask(messages.Delete(id="mine"))
        assert (desk.playing.id, desk.beat_hz) == ("mine", 6.0)
        assert desk.playing.elapsed_s >= elapsed_s
        assert not (folder / "mine.json").exists()
        listed = await desk.app.hub.ask(messages.ListProtocols())
        assert "mine" not in listed.recent

    desk.play(delete)
    desk.start()

    assert (desk.playing.id, desk.beat_hz, desk.told) == ("mine", 6.0, [])


def test_outputs_keep_a_deleted_protocol_and_are_named(desk):
    async def delete() -> None:
        await desk.ask(messages.Use(protocol="other"))
        for output in ("dac", "headset"):
            desk.play_on(output)
            await desk.ask(messages.Use(protocol="mine", here=True))
        desk.play_on("hdmi")
        await desk.ask(messages.Delete(id="mine"))
        assert desk.playing.id == "other"

    desk.play(delete)
    assert desk.told == [
        "mine was deleted; dac, headset keep it until you use another protocol there"
    ]
    desk.start()
    desk.play(lambda: asyncio.sleep(0, desk.play_on("dac")))

    assert (desk.playing.id, desk.beat_hz) == ("mine", 6.0)


def test_a_deleted_protocol_that_hid_a_shipped_one_does_not_become_that_one(desk, folder):
    (folder / "focus-16.json").write_text(document("focus-16", 3.0))

    async def delete() -> None:
        await desk.ask(messages.Use(protocol="focus-16"), messages.Delete(id="focus-16"))

    desk.play(delete)
    desk.start()

    assert desk.beat_hz == 3.0


def test_a_refused_change_leaves_everything(desk, folder):
    async def refused() -> None:
        await desk.ask(messages.Use(protocol="focus-16"))
        for request in (
            messages.Delete(id="focus-16"),
            messages.Rename(id="focus-16", name="Mine own"),
            messages.Rename(id="mine", name="Other"),
        ):
            with pytest.raises(ProtocolError):
                await desk.app.hub.ask(request)

    desk.play(refused)

    assert names(folder) == ["mine.json", "other.json"]
    assert desk.app.protocols.everywhere == "focus-16"


def test_all_that_used_a_renamed_protocol_follow_it(desk, folder):
    async def rename() -> None:
        desk.play_on("dac")
        await desk.ask(messages.Use(protocol="mine", here=True))
        desk.play_on("hdmi")
        await desk.ask(messages.Use(protocol="mine"))
        await desk.ask(messages.Rename(id="mine", name="Late evening"))
        assert (desk.playing.id, desk.playing.name) == ("late-evening", "Late evening")
        listed = await desk.app.hub.ask(messages.ListProtocols())
        assert listed.recent == ["late-evening"]

    desk.play(rename)
    assert desk.app.protocols.everywhere == "late-evening"
    assert desk.app.protocols.remembered == {"dac": "late-evening"}
    desk.start()

    assert (desk.playing.id, desk.beat_hz, desk.told) == ("late-evening", 6.0, [])


def test_values_that_were_set_before_a_rename_are_kept(desk):
    async def rename() -> None:
        desk.play_on("dac")
        await desk.ask(
            messages.Use(protocol="mine", here=True),
            messages.Set(address="tone.beat_hz", value=9),
        )
        desk.play_on("hdmi")
        await desk.ask(messages.Use(protocol="mine"))
        await desk.ask(messages.Set(address="tone.beat_hz", value=7))
        await desk.ask(messages.Rename(id="mine", name="Late evening"))
        assert (desk.playing.id, desk.beat_hz) == ("late-evening", 7.0)
        assert (desk.play_on("dac"), desk.beat_hz) == ("late-evening", 9.0)

    desk.play(rename)
    desk.start()

    assert (desk.playing.id, desk.beat_hz) == ("late-evening", 7.0)


def test_a_file_that_was_edited_just_before_a_rename_is_heard(desk, folder):
    async def rename() -> None:
        await desk.ask(messages.Use(protocol="mine"))
        (folder / "mine.json").write_text(document("mine", 12.0))
        await desk.ask(messages.Rename(id="mine", name="New"))
        with ContentWatch() as watch:
            await desk.app.protocols.reload(watch)
        assert (desk.playing.id, desk.beat_hz) == ("new", 12.0)

    desk.play(rename)
