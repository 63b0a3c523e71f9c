"""What survives a restart, and that a broken disk does not stop the sound."""

import logging
import os
from pathlib import Path

import pytest

from entrain.vdevice.protocol import library
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.store import State, Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "state.json"


FULL = State(
    on=True,
    bypass=True,
    protocol=library.from_specs(["tone=binaural:beat_hz=4"]),
    output="speakers",
    former_default="headset",
)


def test_nothing_stored_means_defaults_without_a_warning(path):
    store = Store(path)

    assert store.load() == State()
    assert store.warning == ""


@pytest.mark.parametrize("state", [FULL, State(protocol="default"), State()])
def test_what_is_saved_is_loaded(path, state):
    Store(path).save(state)

    assert Store(path).load() == state


def test_only_the_user_can_read_it_and_no_other_file_is_left(path):
    Store(path).save(FULL)

    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == ["state.json"]


def test_fields_of_a_later_version_are_ignored(path):
    path.parent.mkdir()
    path.write_text('{"schema_version": 1, "on": true, "moon": "full"}')

    assert Store(path).load() == State(on=True)


def test_a_protocol_of_an_earlier_version_is_brought_up_to_date(path):
    path.parent.mkdir()
    path.write_text(
        '{"protocol": {"schema_version": 1, "id": "x", "name": "X", "layers": [{"kind": "am"}]}}'
    )

    protocol = Store(path).load().protocol

    assert isinstance(protocol, Protocol)
    assert protocol.layers[0].kind == "am"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"on": tr',
        b"\x00" * 4,
        b'{"on": "yes"}',
        b'{"schema_version": 2}',
        b'{"protocol": {"id": "x"}}',
        pytest.param(b" " * (1 << 21), id="huge"),
    ],
)
def test_a_broken_file_is_kept_aside_with_one_warning(path, content, caplog):
    path.parent.mkdir()
    path.write_bytes(content)
    store = Store(path)

    with caplog.at_level(logging.WARNING):
        assert store.load() == State()

    assert len(caplog.messages) == 1
    assert caplog.messages == [store.warning]
    assert "\n" not in store.warning
    assert path.with_name("state.json.broken").read_bytes() == content
    store.save(FULL)
    assert Store(path).load() == FULL


def test_a_folder_that_cannot_be_written_costs_one_warning(tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("")  # works for root, too, whom permissions do not stop
    store = Store(blocked / "state.json")

    with caplog.at_level(logging.WARNING):
        store.save(State(on=True))
        store.save(State(on=False, bypass=True))

    assert len(caplog.messages) == 1
    assert store.warning.startswith(f"cannot save {blocked}/state.json")


def test_a_failed_save_leaves_the_old_state(path, monkeypatch):
    store = Store(path)
    store.save(FULL)

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    store.save(State())

    assert "No space left" in store.warning
    assert os.listdir(path.parent) == ["state.json"]
    assert Store(path).load() == FULL


def test_the_same_state_is_not_written_again(path):
    store = Store(path)
    store.save(FULL)
    before = path.stat().st_ino

    store.save(FULL.model_copy())

    assert path.stat().st_ino == before
