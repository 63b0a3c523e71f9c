"""The bridge's copy of the app's status goes on whatever its followers do, and whatever it gets."""

import asyncio
import contextlib
import json
import struct
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import pytest
from unit.osc.fuzz import made_mirror

from entrain.vdevice.bridge import app_mirror
from entrain.vdevice.bridge.app_mirror import AppMirror


class Follower:
    """Notes what it hears, and fails then if it should."""

    wants_meters = False

    def __init__(self, error: Exception | None = None) -> None:
        self.heard: list[AbstractSet[str]] = []
        self._error = error

    def app_changed(self, parts: AbstractSet[str]) -> None:
        self.heard.append(set(parts))
        if self._error is not None:
            raise self._error


@pytest.mark.parametrize("error", [OverflowError(), struct.error(), AttributeError()])
def test_a_follower_that_fails_keeps_no_news_from_the_others_and_is_logged_once(error):
    async def main() -> None:
        logged: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, about: logged.append(about))
        mirror = AppMirror(Path("/nowhere/control.sock"))
        broken, sound = Follower(error), Follower()
        mirror.add(broken)
        mirror.add(sound)
        for on in (True, False):
            mirror.take({"on": on})
        assert broken.heard == sound.heard == [{"on"}, {"on"}]
        assert [each["exception"] for each in logged] == [error]
        mirror.close()
        await asyncio.sleep(0)

    asyncio.run(main())


def test_news_are_taken_as_a_whole_or_not_at_all():
    """Otherwise the layers would stay old for ever, since equal news do not count as a change."""

    async def main() -> None:
        mirror = made_mirror()
        before, layers = dict(mirror.status), mirror.layers
        follower = Follower()
        mirror.add(follower)
        tone = {"kind": "binaural", "id": "new", "params": {"beat_hz": 3.0}, "place": None}
        broken = {"id": "y", "layers": [tone, {"kind": "binaural"}]}
        with pytest.raises(KeyError):
            mirror.take({"on": True, "protocol": broken})
        assert (mirror.status, mirror.layers) == (before, layers)
        assert follower.heard == []
        mirror.take({"on": True, "protocol": {"id": "y", "layers": [tone]}})
        assert mirror.layers["new"]["beat_hz"].value == 3
        assert follower.heard == [{"on", "protocol"}]
        mirror.close()
        await asyncio.sleep(0)

    asyncio.run(main())


def test_news_that_cannot_be_understood_do_not_end_the_watch(tmp_path, monkeypatch):
    monkeypatch.setattr(app_mirror, "RETRY_S", 0.01)
    told = iter(([], {"protocol": 3, "settings": 1, "space": 1}, {"on": True}))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(json.dumps({"result": {"blocks": [], "place": []}}).encode() + b"\n")
        await reader.readline()
        writer.write(json.dumps({"result": next(told)}).encode() + b"\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_unix_server(serve, tmp_path / "control.sock")
        tmp_path.chmod(0o700)
        mirror = AppMirror(tmp_path / "control.sock")
        async with asyncio.timeout(10):
            while "on" not in mirror.status:
                await asyncio.sleep(0.01)
        mirror.close()
        server.close()
        await asyncio.sleep(0.05)

    asyncio.run(main())
