"""The null platform keeps the platform interface's promises."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from entrain.platform import factory, folders
from entrain.platform.adapter import OWN_DEVICE, PlatformError, Stream, Volume
from entrain.platform.folders import make_private
from entrain.platform.null import NullAdapter, NullServer, null_device


@pytest.fixture
def server() -> NullServer:
    return NullServer((null_device("speakers"), null_device("mono", channels=1)))


@pytest.mark.parametrize(
    ("device", "is_real"),
    [
        (null_device("speakers"), True),
        (null_device(OWN_DEVICE), False),
        (replace(null_device(OWN_DEVICE), own=False), False),  # another program's
        (replace(null_device("auto_null"), dummy=True), False),
    ],
)
def test_which_devices_are_real(device, is_real):
    assert device.is_real is is_real


def test_the_factory_obeys_the_override(monkeypatch):
    monkeypatch.setenv("ENTRAIN_PLATFORM", "null")

    assert isinstance(factory.load(), NullAdapter)


def test_the_factory_refuses_a_system_that_nobody_has_written(monkeypatch):
    monkeypatch.delenv("ENTRAIN_PLATFORM", raising=False)
    monkeypatch.setattr("sys.platform", "plan9")

    with pytest.raises(PlatformError, match="plan9"):
        factory.load()


def test_entrain_is_the_default_only_when_told_so(server):
    server.add_device(null_device(OWN_DEVICE))
    assert server.default() == "speakers"

    server.set_default(OWN_DEVICE)
    assert server.info().default == OWN_DEVICE

    server.remove_device(OWN_DEVICE)
    assert server.default() == "speakers"


def test_a_volume_is_fitted_to_the_device(server):
    server.set_volume("mono", Volume((0.2, 0.4), muted=True))

    mono = server.devices()[1].volume
    assert mono.channels == pytest.approx((0.3,))
    assert mono.muted


def test_changes_are_announced_until_the_connection_is_lost(server):
    calls = []
    server.watch(lambda: calls.append(server.default))
    server.set_volume("speakers", Volume((0.5, 0.5)))
    assert len(calls) == 1

    server.lose()
    assert len(calls) == 2
    with pytest.raises(PlatformError):
        server.devices()


def test_streams_come_are_moved_and_go(server):
    server.add_stream(Stream(7, "speakers", name="player"))
    server.move_stream(7, "mono")
    assert server.streams() == [Stream(7, "mono", name="player")]

    server.remove_device("mono")
    assert server.streams()[0].device == ""
    server.remove_stream(7)
    assert server.streams() == []
    with pytest.raises(PlatformError, match="no stream 7"):
        server.move_stream(7, "speakers")


def test_streams_are_news_only_for_those_who_ask(server):
    calls = []
    server.watch(lambda: calls.append("devices"))
    server.add_stream(Stream(7, "speakers"))
    assert calls == []

    server.watch(lambda: calls.append("streams"), streams=True)
    server.move_stream(7, "mono")
    server.remove_stream(7)
    assert calls == ["streams", "streams"]


@pytest.mark.parametrize("call", ["set_default", "remove_device"])
def test_an_unknown_output_is_named(server, call):
    with pytest.raises(PlatformError, match="'hdmi'"):
        getattr(server, call)("hdmi")


def test_to_ask_for_the_runtime_folder_makes_nothing(monkeypatch, tmp_path):
    """A folder that root made in a user's session would lock the user out."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "session"))

    assert NullAdapter().paths().runtime == tmp_path / "session" / "entrain"
    assert list(tmp_path.iterdir()) == []


def test_the_runtime_folder_that_is_made_is_private(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "entrain").mkdir(mode=0o755)
    runtime = NullAdapter().paths().runtime

    make_private(runtime)

    assert runtime == tmp_path / "entrain"
    assert stat.S_IMODE(runtime.stat().st_mode) == 0o700


def test_a_link_in_place_of_the_runtime_folder_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "entrain").symlink_to("elsewhere")

    with pytest.raises(PlatformError, match="not a folder, but a link"):
        NullAdapter().paths()


def test_another_users_session_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    status = os.stat

    def of_another(path: str, **options: bool) -> object:
        found = status(path, **options)
        fields = list(found)
        fields[stat.ST_UID] = 54321
        return os.stat_result(fields) if str(path) == str(tmp_path) else found

    monkeypatch.setattr(os, "stat", of_another)

    with pytest.raises(PlatformError, match="belongs to another user; run Entrain as that user"):
        NullAdapter().paths()
    assert list(tmp_path.iterdir()) == []


def test_without_a_session_a_runtime_folder_can_be_made(monkeypatch, tmp_path, recwarn):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(folders, "SESSIONS", tmp_path / "none")

    runtime = NullAdapter().paths().runtime
    make_private(runtime)

    assert runtime == tmp_path / f"runtime-{os.geteuid()}" / "entrain"
    assert stat.S_IMODE(runtime.stat().st_mode) == 0o700
    assert stat.S_IMODE(runtime.parent.stat().st_mode) == 0o700
    assert not recwarn.list


def test_where_somebody_else_was_first_it_is_refused(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(folders, "SESSIONS", tmp_path / "none")
    planted = tmp_path / f"runtime-{os.geteuid()}"
    planted.symlink_to("/nowhere")

    with pytest.raises(PlatformError, match="not a folder, but a link"):
        NullAdapter().paths()

    planted.unlink()
    planted.mkdir()
    found = planted.lstat()
    fields = [54321 if n == stat.ST_UID else value for n, value in enumerate(found)]
    monkeypatch.setattr(Path, "lstat", lambda _: os.stat_result(fields))
    with pytest.raises(PlatformError, match=r"belongs to another user.*set XDG_RUNTIME_DIR"):
        NullAdapter().paths()
