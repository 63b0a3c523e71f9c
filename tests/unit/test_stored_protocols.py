"""Long protocols are kept in files beside the state, as long as the state names them."""

import errno
import json
import logging
import os
import shutil
from pathlib import Path

import pytest
from stored_state import FULL, KILLED, long_protocol, written

from entrain.platform import folders
from entrain.platform.files import read_file
from entrain.vdevice.protocol import library
from entrain.vdevice.protocol.document import parse_protocol
from entrain.vdevice.storage.state import State
from entrain.vdevice.storage.store import PROTOCOLS_FOLDER, Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "state.json"


def test_a_long_protocol_is_loaded_again_and_the_state_stays_small(path):
    state = FULL.model_copy(
        update={"protocol": long_protocol(), "remembered": {"a": long_protocol("Other")}}
    )
    Store(path).save(state)

    assert Store(path).load() == state
    assert path.stat().st_size < 10_000
    assert len(os.listdir(path.parent / PROTOCOLS_FOLDER)) == 2


def test_the_longest_protocol_that_can_be_sent_is_loaded_again(path):
    """A message is limited to 1 MiB; the stored form is longer, and must still be loaded."""
    point = '{"at_s":%d,"value":1}'
    points = ",".join(point % at for at in range(10_000))
    layer = '{"kind":"binaural","id":"l%d","automation":{"beat_hz":{"points":[' + points + "]}}}"
    layers = ",".join(layer % number for number in range(4))
    text = '{"schema_version":2,"id":"x","name":"X","layers":[' + layers + "]}"
    assert 900_000 < len(text) < 1 << 20
    state = State(protocol=parse_protocol(text.encode(), "x"))

    Store(path).save(state)

    assert Store(path).load() == state


def test_protocols_that_are_needed_no_more_are_removed(path):
    kept = Store(path)
    kept.save(State(protocol=long_protocol("One")))
    (path.parent / PROTOCOLS_FOLDER / KILLED).touch()
    kept.save(State(protocol=long_protocol("Two")))
    (name,) = os.listdir(path.parent / PROTOCOLS_FOLDER)
    assert "Two" in (path.parent / PROTOCOLS_FOLDER / name).read_text()

    own = path.parent / PROTOCOLS_FOLDER / "mine.json"
    own.touch()
    kept.save(State(protocol="default"))
    assert os.listdir(path.parent / PROTOCOLS_FOLDER) == ["mine.json"]
    kept.save(State(protocol=long_protocol("Two")))
    assert Store(path).load().protocol == long_protocol("Two")


def test_an_older_entrain_finds_ids_where_it_looks_for_them(path):
    """An older Entrain ignores unknown fields, but refuses a file with an unknown value."""
    stored = written(path)

    assert stored["protocol"] is None
    assert stored["remembered"] == {"headset": "focus-16"}
    assert stored["schema_version"] == 1


@pytest.mark.parametrize("content", [None, b"{", b'{"schema_version": 3}', b"fifo"])
def test_a_broken_protocol_costs_only_itself_and_is_set_aside(path, content):
    names = written(path)["protocol_files"]
    broken = path.parent / PROTOCOLS_FOLDER / names["protocol"]
    broken.unlink()
    if content == b"fifo":
        os.mkfifo(broken)
    elif content is not None:
        broken.write_bytes(content)
    kept = Store(path)

    state = kept.load()

    assert state == FULL.model_copy(update={"protocol": None})
    assert str(broken) in kept.warning
    kept.save(state)
    left = set(os.listdir(path.parent / PROTOCOLS_FOLDER)) - {names["remembered"]["speakers"]}
    assert left == ({"protocol.json.broken"} if content else set())


def test_a_file_in_the_place_of_their_folder_costs_only_the_protocols(path):
    written(path)
    folder = path.parent / PROTOCOLS_FOLDER
    shutil.rmtree(folder)
    folder.touch()
    before = path.read_bytes()
    kept = Store(path)

    state = kept.load()

    assert state == FULL.model_copy(
        update={"protocol": None, "remembered": {"headset": "focus-16"}}
    )
    assert kept.warning.count("is missing") == 2
    assert path.with_name("state.json.broken").read_bytes() == before


@pytest.mark.parametrize("damage", ["cut before the names", "cut in a name", "an odd entry"])
def test_protocols_stay_while_what_names_them_is_kept_as_broken(path, damage):
    stored = written(path)
    good = path.read_bytes()
    folder = path.parent / PROTOCOLS_FOLDER
    names = set(os.listdir(folder))
    if damage == "an odd entry":
        stored["protocol_files"]["remembered"]["speakers"] = [3]
        path.write_text(json.dumps(stored))
    else:
        end = b'"protocol_files"' if "before" in damage else b'.json"'
        path.write_bytes(good[: good.index(end)])
    kept = Store(path)

    kept.save(kept.load())
    kept.save(FULL)  # the user chooses them once more
    for name in ("One", "Two"):
        kept.save(State(protocol=long_protocol(name)))
    kept.save(State(protocol="default"))

    assert set(os.listdir(folder)) == names
    path.write_bytes(good)
    kept = Store(path)
    assert kept.load() == FULL
    path.with_name("state.json.broken").unlink()
    kept.save(State())
    assert os.listdir(folder) == []


def test_protocols_stay_also_where_the_state_is_broken_as_once_before(path):
    """A power cut leaves an empty file; here it has happened twice."""
    path.parent.mkdir()
    path.touch()
    Store(path).load()
    written(path)
    names = os.listdir(path.parent / PROTOCOLS_FOLDER)
    path.write_bytes(b"")
    kept = Store(path)

    kept.load()
    kept.save(State(on=True))

    assert os.listdir(path.parent / PROTOCOLS_FOLDER) == names


@pytest.mark.parametrize("which", ["protocol", "remembered"])
def test_a_protocol_that_cannot_be_read_now_comes_back(path, monkeypatch, which, caplog):
    names = written(path)["protocol_files"]
    name = names["protocol"] if which == "protocol" else names["remembered"]["speakers"]
    unread = path.parent / PROTOCOLS_FOLDER / name

    def refuse(file: Path, max_bytes: int) -> bytes:
        if file == unread:
            raise OSError(errno.EIO, "Input/output error")
        return read_file(file, max_bytes)

    monkeypatch.setattr("entrain.vdevice.storage.stored_protocols.read_file", refuse)
    kept = Store(path)
    with caplog.at_level(logging.WARNING):
        state = kept.load()

    assert caplog.messages == [
        f"cannot read {unread}: Input/output error; make it readable, then start Entrain again"
    ]
    left = None if which == "protocol" else {"headset": "focus-16"}
    assert state == FULL.model_copy(update={which: left})
    # Entrain begins with the default protocol, and the user changes something else.
    protocol = state.protocol or "default"
    kept.save(state.model_copy(update={"protocol": protocol}))
    kept.save(state.model_copy(update={"protocol": protocol, "bypass": False}))
    assert kept.warning == ""
    monkeypatch.undo()
    assert Store(path).load() == FULL.model_copy(update={"bypass": False})


def test_what_the_user_chooses_replaces_a_protocol_that_cannot_be_read_now(path, monkeypatch):
    written(path)

    def refuse(file: Path, max_bytes: int) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("entrain.vdevice.storage.stored_protocols.read_file", refuse)
    kept = Store(path)
    state = kept.load()
    chosen = {"protocol": "deep-3", "remembered": {"speakers": "focus-16"}}
    kept.save(state.model_copy(update=chosen))
    kept.save(state.model_copy(update=chosen | {"protocol": "default"}))
    monkeypatch.undo()

    again = Store(path)
    assert again.load() == FULL.model_copy(update=chosen | {"protocol": "default"})
    assert again.warning == ""


def test_protocols_of_the_user_stay_where_data_and_state_are_in_one_folder(tmp_path, monkeypatch):
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    assert folders.state_folder() == folders.data_folder()
    # A file name in the library may look like a stored protocol's.
    own = long_protocol().model_copy(update={"id": "0123456789abcdef"})
    library.user_library().save(own)
    kept = Store(folders.state_folder() / "state.json")

    for state in (FULL, State(protocol=long_protocol("Two")), State()):
        kept.save(state)

    assert library.user_library().by_id(own.id) == own
    assert os.listdir(folders.state_folder() / PROTOCOLS_FOLDER) == []


def test_what_would_be_too_long_to_be_read_is_not_saved(path):
    kept = Store(path)
    kept.save(FULL)

    kept.save(State(recent=("x" * 1000,) * 1100))

    assert "larger than 1048576 bytes" in kept.warning
    assert Store(path).load() == FULL
