"""The stored state survives a restart, and a broken disk does not stop the sound."""

import errno
import json
import logging
import os
from pathlib import Path

import odd_json
import pytest
from stored_state import FULL, KILLED, start, written

from entrain.vdevice.device.applications.rules import ApplicationRules
from entrain.vdevice.device.softened import Softened
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.storage import store as store_module
from entrain.vdevice.storage.state import State
from entrain.vdevice.storage.store import PROTOCOLS_FOLDER, Store

WRONG = {"on": "a valid boolean", "bypass": "a valid boolean", "settings": "an object"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "state.json"


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
    assert sorted(os.listdir(path.parent)) == sorted([PROTOCOLS_FOLDER, "state.json"])
    for file in (path.parent / PROTOCOLS_FOLDER).iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
        assert not file.name.startswith(".")


def test_fields_of_a_later_version_are_kept(path):
    path.parent.mkdir()
    path.write_text('{"schema_version": 1, "on": true, "moon": {"phase": [0.5, null, "full"]}}')
    kept = Store(path)
    state = kept.load()
    assert (state.on, kept.warning) == (True, "")

    kept.save(state.model_copy(update={"on": False}))

    stored = json.loads(path.read_bytes())
    assert stored["on"] is False
    assert stored["moon"] == {"phase": [0.5, None, "full"]}


def test_a_protocol_of_an_earlier_version_is_brought_up_to_date(path):
    path.parent.mkdir()
    path.write_text(
        '{"protocol": {"schema_version": 1, "id": "x", "name": "X", "layers": [{"kind": "am"}]}}'
    )

    protocol = Store(path).load().protocol

    assert isinstance(protocol, Protocol)
    assert protocol.layers[0].kind == "am"


def test_so_is_a_remembered_one(path):
    early = {"schema_version": 1, "id": "x", "name": "X", "layers": [{"kind": "am"}]}
    path.parent.mkdir()
    path.write_text(json.dumps({"remembered": {"dac": early, "headset": "focus-16"}}))
    store = Store(path)

    remembered = store.load().remembered

    assert store.warning == ""
    assert isinstance(remembered["dac"], Protocol)
    assert remembered["dac"].layers[0].kind == "am"
    assert remembered["headset"] == "focus-16"


@pytest.mark.parametrize(
    ("rest", "end"), [({}, "; starting with defaults"), ({"mode": "manual"}, "")]
)
def test_a_warning_names_three_settings_and_says_whether_any_is_left(path, rest, end):
    path.parent.mkdir()
    path.write_text(json.dumps({"on": 1, "bypass": 1, "session_log": 1, "settings": 1} | rest))
    store = Store(path)
    store.load()

    named = "".join(f"{name} = 1: must be {kind}; " for name, kind in WRONG.items())
    told = f"{path}: left out: {named}1 more; kept as {path}.broken{end}"
    assert store.warning == told


def test_a_state_may_be_as_long_as_can_be_read_and_no_longer(path, monkeypatch):
    Store(path).save(FULL)
    length = path.stat().st_size
    path.unlink()
    monkeypatch.setattr(store_module, "MAX_FILE_BYTES", length)
    Store(path).save(FULL)
    assert Store(path).load() == FULL

    monkeypatch.setattr(store_module, "MAX_FILE_BYTES", length - 1)
    store = Store(path)
    store.save(FULL)
    assert f"it would be larger than {length - 1} bytes" in store.warning


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


# ---- odd content -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "odd", "stays", "told"),
    [
        ("schema_version", 2, 1, "schema_version = 2"),
        ("mode", "smarter", "default", "mode = 'smarter'"),
        ("on", "yes", False, "on = 'yes'"),
        ("latency_ms", 1e9, None, "latency_ms = 1000000000.0"),
        ("recent", ["focus-16", 3, "deep-3"], ("focus-16", "deep-3"), "recent[1] = 3"),
        ("settings", {"pre.gate": 1.0, "x": "y"}, {"pre.gate": 1.0}, "settings.x = 'y'"),
        ("remembered", {"a": "deep-3", "b": {"id": "?"}}, {"a": "deep-3"}, "remembered.b"),
        ("remembered", 3, {}, "remembered = 3"),
        (
            "applications",
            {"include": ["mpv", "a\nb"], "exclude": ["zoom"], "later": 1},
            ApplicationRules(include=("mpv",), exclude=("zoom",)),
            "applications.later",
        ),
        (
            "applications",
            {"exclude": ["x"] * 300},
            ApplicationRules(exclude=("x",) * 200),
            "applications.exclude has more than 200 entries",
        ),
    ],
)
def test_what_can_be_read_is_kept_and_the_rest_is_named_once(path, field, odd, stays, told, caplog):
    before = FULL.model_copy(update={"remembered": {"headset": "focus-16"}})
    content = json.dumps(written(path, before) | {field: odd})
    path.write_text(content)
    kept = Store(path)

    with caplog.at_level(logging.WARNING):
        state = kept.load()

    assert getattr(state, field) == stays
    assert state == before.model_copy(update={field: stays})
    assert caplog.messages == [kept.warning]
    assert told in kept.warning
    assert path.with_name("state.json.broken").read_text() == content
    kept.save(state)
    again = Store(path)
    assert again.load() == state
    assert again.warning == ""


def test_nothing_odd_costs_more_than_itself_and_nothing_ends_the_start(path, monkeypatch):
    """Each odd value at each place changes only its field, and Entrain starts with the rest."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    document = written(path)
    before = dict(FULL)
    loaded: list[State] = []
    for name, text in odd_json.mutated(document):
        path.write_bytes(text)
        kept = Store(path)
        state = kept.load()
        field = name.split(".")[1].split(" ")[0]
        if " is broken " not in kept.warning:
            changed = {key for key in before if getattr(state, key) != before[key]}
            own = {"protocol", "remembered"} if field == "protocol_files" else {field}
            assert changed <= own, f"{name}: {kept.warning}"
        assert "\n" not in kept.warning
        assert len(kept.warning) < 1000, name
        if state not in loaded:
            loaded.append(state)
        assert " is broken " not in kept.warning or "[[[" in name, kept.warning
    assert len(loaded) > 50
    for state in loaded:
        Store(path).save(state)
        start(path)


def test_a_damaged_file_is_set_aside_and_entrain_starts(path):
    path.parent.mkdir()
    for name, text in odd_json.damaged(b'{"on": true, "output": "a"}'):
        path.write_bytes(text)

        start(path)

        readable = name in ("UTF-8 with a mark", "UTF-16", "a field twice")
        assert Store(path).load().on is readable, name


def test_the_last_five_that_were_broken_are_kept(path):
    path.parent.mkdir()
    for number in range(8):
        path.write_text(f"broken {number}")
        for _ in range(2):  # the same content is not kept twice
            Store(path).load()

    kept = [path.with_name(f"state.json.broken{end}") for end in ("", ".1", ".2", ".3", ".4")]
    assert [file.read_text() for file in kept] == [f"broken {n}" for n in (7, 6, 5, 4, 3)]
    assert {file.name for file in path.parent.iterdir()} == {"state.json", *(f.name for f in kept)}


def test_what_cannot_be_set_aside_is_not_replaced(path, monkeypatch):
    path.parent.mkdir()
    path.write_text("precious")

    def full_disk(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr("entrain.vdevice.storage.broken_copies.replace_file", full_disk)
        kept = Store(path)
        kept.load()
        kept.save(FULL)
        assert "No space left" in kept.warning
        assert path.read_text() == "precious"
    kept.save(FULL)
    assert path.with_name("state.json.broken").read_text() == "precious"
    assert Store(path).load() == FULL


def test_what_cannot_be_read_now_is_not_replaced(path, monkeypatch):
    Store(path).save(FULL)

    def few_descriptors(path: Path, max_bytes: int) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as few:
        few.setattr("entrain.vdevice.storage.store.read_file", few_descriptors)
        kept = Store(path)
        assert kept.load() == State()
    kept.save(State(bypass=True))

    assert kept.warning == (
        f"cannot read {path}: Too many open files; starting with defaults, saving nothing; "
        "make it readable, then start Entrain again"
    )
    assert Store(path).load() == FULL


@pytest.mark.parametrize("kind", ["pipe", "folder", "circle"])
def test_what_is_no_file_is_moved_away(path, kind):
    written(path)
    names = os.listdir(path.parent / PROTOCOLS_FOLDER)
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path.name)
    kept = Store(path)

    assert kept.load() == State()
    kept.save(State(on=True))

    assert os.path.lexists(path.with_name("state.json.broken"))
    assert Store(path).load() == State(on=True)
    assert os.listdir(path.parent / PROTOCOLS_FOLDER) == names


def test_a_link_to_the_state_stays_one(path, tmp_path):
    path.parent.mkdir()
    path.symlink_to(tmp_path / "repository" / "entrain.json")

    Store(path).save(FULL)
    (tmp_path / "repository" / KILLED).touch()

    assert path.is_symlink()
    again = Store(path)
    assert again.load() == FULL
    again.save(FULL)
    assert os.listdir(tmp_path / "repository") == ["entrain.json"]


# ---- disks -------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_written_costs_one_warning(tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("")  # a file blocks root, too, which permissions do not
    store = Store(blocked / "state.json")

    with caplog.at_level(logging.WARNING):
        store.save(State(on=True))
        store.save(State(on=False, bypass=True))

    assert len(caplog.messages) == 1
    assert store.warning.startswith(f"cannot save {blocked}/state.json")


SPEAKERS = Softened(device="speakers", before=(0.8, 0.8), after=(0.4, 0.4))


def test_what_was_turned_down_is_known_after_a_kill_also_where_the_disk_is_full(
    path, tmp_path, monkeypatch
):
    note = tmp_path / "runtime" / "softened.json"
    store = Store(path, note)
    store.save(FULL)
    assert not note.exists()
    at_once = store_module.replace_file

    def full_disk(where: Path, content: bytes) -> None:
        if where == path:
            raise OSError(errno.ENOSPC, "No space left on device")
        at_once(where, content)

    with monkeypatch.context() as full:
        full.setattr(store_module, "replace_file", full_disk)
        store.save(FULL.model_copy(update={"softened": (SPEAKERS,)}))

        assert Store(path, note).load() == FULL.model_copy(update={"softened": (SPEAKERS,)})
        assert "No space left" in store.warning
        assert "volume" not in store.warning
        store.save(FULL)
        assert Store(path, note).load() == FULL
        store.save(FULL.model_copy(update={"softened": (SPEAKERS,)}))
    again = Store(path, note)
    state = again.load()
    again.save(state)
    assert not note.exists()
    assert Store(path, note).load().softened == (SPEAKERS,)


def test_a_loudspeaker_that_might_stay_soft_for_ever_is_named(path, tmp_path):
    (tmp_path / "file").write_text("")
    (path.parent).write_text("")
    store = Store(path, tmp_path / "file" / "softened.json")
    store.save(State(softened=(SPEAKERS,)))

    assert store.warning.endswith("if Entrain is killed, turn the volume of speakers up again")


def test_a_loudspeaker_whose_former_volume_is_stored_is_not_named(path, monkeypatch):
    store = Store(path)
    store.save(State(softened=(SPEAKERS,)))

    def full_disk(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store_module, "replace_file", full_disk)
    store.save(State(softened=(SPEAKERS,), on=True))

    assert store.warning == f"cannot save {path}: No space left on device; Entrain tries again"


def test_a_failed_save_leaves_the_old_state(path, monkeypatch):
    store = Store(path)
    store.save(FULL)

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    store.save(State())

    assert "No space left" in store.warning
    assert sorted(os.listdir(path.parent)) == sorted([PROTOCOLS_FOLDER, "state.json"])
    assert Store(path).load() == FULL


def test_the_same_state_is_not_written_again(path):
    store = Store(path)
    store.save(FULL)
    before = path.stat().st_ino

    store.save(FULL.model_copy())

    assert path.stat().st_ino == before
