"""The user's own protocols beside the shipped ones, in a folder that any editor may change."""

import json
import os
from pathlib import Path

import pytest

from entrain.engine import blocks
from entrain.vdevice.protocol import library, named_file, user_folder
from entrain.vdevice.protocol.document import write_protocol
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.spec import from_specs
from entrain.vdevice.protocol.user_folder import slug


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "protocols"


@pytest.fixture
def users(folder: Path) -> Library:
    return Library(folder, blocks)


def document(protocol_id: str = "mine", **changes: object) -> bytes:
    layers = [{"kind": "binaural", "params": {"beat_hz": 6.0}}]
    return json.dumps(
        {"id": protocol_id, "name": protocol_id.title(), "layers": layers} | changes
    ).encode()


def put(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    return path


def protocol(protocol_id: str = "mine", beat_hz: float = 6.0) -> Protocol:
    made = from_specs([f"binaural:beat_hz={beat_hz}"], blocks)
    return made.model_copy(update={"id": protocol_id, "name": protocol_id.title()})


# ---- find ----------------------------------------------------------------------------------


def test_without_a_folder_there_are_the_shipped_ones(users, folder):
    assert users.ids() == Library(None).ids() == library.ids()
    assert users.problems() == []
    assert not folder.exists()


def test_the_users_own_stand_beside_the_shipped_ones(users, folder):
    path = put(folder, "mine.json", document())

    assert users.by_id("mine").name == "Mine"
    assert {"mine", "default"} < set(users.ids())
    own = [(e.id, e.category, e.path) for e in users.entries() if e.own]
    assert own == [("mine", "own", path)]


def test_a_users_protocol_with_a_shipped_id_is_used_in_its_place(users, folder):
    put(folder, "anything.json", document("default", name="Better"))

    assert users.by_id("default").name == "Better"
    assert [e.own for e in users.entries() if e.id == "default"] == [True]
    assert users.ids() == library.ids()
    assert library.by_id("default").name != "Better"  # the shipped one is still accessible


def test_an_entry_says_what_a_list_needs_to_know(users, folder):
    evidence = {"following": "weak", "outcome": "tradition", "claim": "Little."}
    put(
        folder, "mine.json", document(category="sleep", evidence=evidence, requires_headphones=True)
    )

    entry = users.entry("mine")

    assert (entry.name, entry.category, entry.requires_headphones) == ("Mine", "sleep", True)
    assert entry.evidence is not None
    assert (entry.evidence.following, entry.evidence.outcome) == ("weak", "tradition")


def test_every_shipped_protocol_has_an_entry_under_its_id():
    entries = Library(None).entries()

    assert sorted(entry.id for entry in entries) == library.ids()
    assert not any(entry.own or entry.problems for entry in entries)


def test_an_unknown_id_is_told_with_those_that_are_near(users):
    with pytest.raises(ProtocolError, match=r"no protocol 'defualt'; choose from (.*, )?default"):
        users.by_id("defualt")


def test_hidden_and_other_files_are_passed_over(users, folder):
    for name in (".mine.json.abc", ".mine.json", "mine.json.bak", "notes.txt", "mine.JSON~"):
        put(folder, name, b"{")

    assert users.problems() == []
    assert users.ids() == library.ids()


# ---- broken files ----------------------------------------------------------------------------


def test_a_broken_file_is_reported_and_the_others_work(users, folder):
    layers = [{"kind": "binaural", "params": {"beat_hz": 299}}, {"kind": "am", "params": {"d": 1}}]
    put(folder, "a.json", document("a", layers=layers))
    put(folder, "b.json", b'{"id": "b')
    put(folder, "mine.json", document())

    assert users.by_id("mine").id == "mine"
    lines = users.problems()
    assert lines[0] == "a.json: layers[0].params.beat_hz = 299 is outside -200 … 200 Hz"
    assert lines[1].startswith("a.json: layers[1].params.d is not a parameter")
    assert lines[2].startswith("b.json: not JSON")
    assert len(lines) == 3
    assert not {"a", "b"} & set(users.ids())


def test_a_broken_file_is_not_passed_over_in_favour_of_the_shipped_one(users, folder):
    put(folder, "default.json", b"{")

    with pytest.raises(ProtocolError, match=r"^default\.json: not JSON"):
        users.by_id("default")
    assert "default" not in users.ids()


def test_two_files_with_one_id_are_told_and_the_one_that_is_called_so_is_used(users, folder):
    put(folder, "copy.json", document("mine", name="Copy"))
    put(folder, "mine.json", document("mine", name="Original"))
    put(folder, "third.json", document("mine", name="Third"))

    assert users.by_id("mine").name == "Original"
    assert users.problems() == [
        "copy.json: mine.json has the same id 'mine'",
        "third.json: mine.json has the same id 'mine'",
    ]


def test_what_is_no_file_is_not_waited_for(users, folder):
    put(folder, "mine.json", document())
    (folder / "circle.json").symlink_to("circle.json")
    (folder / "link.json").symlink_to("nothing")
    (folder / "folder.json").mkdir()
    os.mkfifo(folder / "pipe.json")

    assert users.by_id("mine").id == "mine"
    assert users.problems() == [
        "circle.json: is a link that leads in a circle",
        "folder.json: is not a file",
        "link.json: is a link that leads nowhere",
        "pipe.json: is not a file",
    ]


def test_links_are_followed_and_stay_links(users, folder):
    """home-manager and stow keep settings elsewhere, with links to them."""
    kept = put(folder.parent, "kept.json", document("mine", name="One"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.json").symlink_to(kept)
    assert users.by_id("mine").name == "One"
    seen = users.signature()

    kept.write_bytes(document("mine", name="Twofold"))
    assert users.signature() != seen
    assert users.by_id("mine").name == "Twofold"

    users.save(protocol("mine"))
    assert (folder / "mine.json").is_symlink()
    assert kept.read_bytes() == write_protocol(protocol("mine"))
    assert users.problems() == []


def test_a_protocol_is_saved_where_a_link_leads_to_nothing_yet(users, folder):
    folder.mkdir(parents=True)
    (folder / "mine.json").symlink_to(folder.parent / "kept" / "mine.json")

    users.save(protocol("mine"))

    assert (folder / "mine.json").is_symlink()
    assert users.by_id("mine") == protocol("mine")


def test_a_huge_file_is_refused(users, folder):
    put(folder, "huge.json", document() + b" " * user_folder.MAX_FILE_BYTES)

    assert users.problems() == ["huge.json: is larger than 1048576 bytes"]


def test_a_folder_that_is_none_is_one_problem(tmp_path):
    path = put(tmp_path, "protocols", b"")

    users = Library(path, blocks)

    assert users.by_id("default").id == "default"
    assert users.problems() == [f"cannot read {path}: Not a directory"]


def test_of_too_many_files_the_rest_is_left_out_and_that_is_told(users, folder, monkeypatch):
    monkeypatch.setattr(user_folder, "MAX_FILES", 2)
    for name in ("a", "b", "c"):
        put(folder, f"{name}.json", document(name))

    assert [e.id for e in users.entries() if e.own] == ["a", "b"]
    assert users.problems() == [f"{folder} has more than 2 files; the rest is ignored"]
    with pytest.raises(ProtocolError, match="is full"):
        users.save(protocol("d"))


# ---- hot reload ------------------------------------------------------------------------------


def test_changes_are_seen_at_the_next_question(users, folder):
    assert "mine" not in users.ids()

    path = put(folder, "mine.json", document(name="One"))
    assert users.by_id("mine").name == "One"
    path.write_bytes(document(name="Twofold"))
    assert users.by_id("mine").name == "Twofold"
    path.write_bytes(b"{")
    with pytest.raises(ProtocolError):
        users.by_id("mine")
    path.unlink()
    assert "mine" not in users.ids()
    assert users.problems() == []


def test_the_signature_changes_with_a_file_and_only_then(users, folder):
    seen = [users.signature()]
    path = put(folder, "mine.json", document())
    seen.append(users.signature())
    path.write_bytes(document(name="Longer than before"))
    seen.append(users.signature())
    put(folder, "other.json", document("other"))
    seen.append(users.signature())
    path.unlink()
    seen.append(users.signature())

    assert len(set(seen)) == len(seen)
    put(folder, "notes.txt", b"")
    assert users.signature() == seen[-1]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that collects the names of files as they are read."""
    names: list[str] = []
    real = user_folder.read_file
    monkeypatch.setattr(
        user_folder,
        "read_file",
        lambda path, *a, **k: names.append(path.name) or real(path, *a, **k),
    )
    return names


def test_only_files_that_have_changed_are_read_again(users, folder, read):
    for name in ("a", "b"):
        put(folder, f"{name}.json", document(name))
    users.entries()
    read.clear()

    put(folder, "b.json", document("b", description="new"))
    users.entries()
    users.entries()

    assert read == ["b.json"]


def test_a_file_called_after_its_id_is_found_without_reading_the_others(users, folder, read):
    for name in ("a", "b", "c"):
        put(folder, f"{name}.json", document(name))

    assert users.by_id("b").id == "b"

    assert set(read) == {"b.json"}


def test_an_id_never_leads_out_of_the_folder(users, folder):
    put(folder, "mine.json", document())
    put(folder.parent, "out.json", document("out"))

    with pytest.raises(ProtocolError, match="there is no protocol"):
        users.by_id("../out")


# ---- save ------------------------------------------------------------------------------------


def test_what_is_saved_is_there_at_once_and_for_its_user_alone(users, folder):
    path = users.save(protocol())

    assert path == folder / "mine.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert users.by_id("mine") == protocol()
    assert os.listdir(folder) == ["mine.json"]


def test_the_former_version_is_kept(users, folder):
    users.save(protocol(beat_hz=4))
    users.save(protocol(beat_hz=5))
    users.save(protocol(beat_hz=5))  # without a change the backup copy stays as it is

    assert users.by_id("mine") == protocol(beat_hz=5)
    before = json.loads((folder / "mine.json.bak").read_bytes())
    assert before["layers"][0]["params"] == {"beat_hz": 4.0}
    assert sorted(os.listdir(folder)) == ["mine.json", "mine.json.bak"]


def test_it_is_saved_in_the_file_that_has_its_id(users, folder):
    put(folder, "whatever.json", document("mine"))

    assert users.save(protocol(beat_hz=9)).name == "whatever.json"
    assert users.problems() == []


def test_a_file_with_another_protocol_is_not_overwritten(users, folder):
    put(folder, "mine.json", document("other"))

    assert users.save(protocol("mine")).name == "mine-2.json"
    assert {"mine", "other"} < set(users.ids())


def test_a_broken_file_of_that_name_is_replaced_and_kept(users, folder):
    put(folder, "mine.json", b"{")

    users.save(protocol("mine"))

    assert users.problems() == []
    assert (folder / "mine.json.bak").read_bytes() == b"{"


def test_a_failed_save_leaves_the_old_version(users, folder, monkeypatch):
    users.save(protocol(beat_hz=4))
    real = os.replace

    def full_disk(source: str, target: Path) -> None:
        if str(target).endswith("mine.json"):
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "replace", full_disk)

    with pytest.raises(ProtocolError, match=r"cannot save .*mine\.json: No space left on device"):
        users.save(protocol(beat_hz=5))

    assert users.by_id("mine") == protocol(beat_hz=4)
    assert not [name for name in os.listdir(folder) if name.startswith(".")]


def test_what_is_no_file_is_not_saved_over(users, folder):
    folder.mkdir(parents=True)
    (folder / "mine.json").symlink_to("/dev/null")

    with pytest.raises(ProtocolError, match=r"mine\.json is not a file; it was not changed"):
        users.save(protocol("mine"))


def test_what_could_not_be_read_again_is_not_saved(users, folder):
    bad = protocol().model_copy(update={"name": "two\nlines"})

    with pytest.raises(ProtocolError, match="name"):
        users.save(bad)
    assert not folder.exists()


def test_without_a_folder_nothing_can_be_saved():
    with pytest.raises(ProtocolError, match="no folder"):
        Library(None).save(protocol())


def test_under_a_name_it_is_the_users_own(users):
    running = protocol("custom")

    path = users.save(running, "  Évening, 2nd try! ")

    saved = users.by_id("evening-2nd-try")
    assert path.name == "evening-2nd-try.json"
    assert (saved.name, saved.category) == ("Évening, 2nd try!", "own")
    assert saved.layers == running.layers


def test_what_is_said_of_a_protocol_holds_only_for_its_own_layers(users):
    original = users.by_id("default")
    changed = original.model_copy(update={"layers": protocol().layers})

    users.save(original, "Same")
    users.save(changed, "Changed")

    assert users.by_id("same").evidence == original.evidence
    assert users.by_id("same").description == original.description
    assert users.by_id("changed").evidence is None
    assert users.by_id("changed").description == f"Made from {original.name}."
    assert users.by_id("changed").warnings == original.warnings


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("Focus 16", "focus-16"),
        ("  a__B..c ", "a-b-c"),
        ("Ångström", "angstrom"),
        ("½ tone", "12-tone"),
        ("x" * 200, "x" * 64),
        ("../../etc/passwd", "etc-passwd"),
    ],
)
def test_an_id_is_made_of_a_name(name, made):
    assert slug(name) == made


@pytest.mark.parametrize("name", ["", "   ", "!?", "вечер", "\0"])
def test_a_name_of_which_no_id_can_be_made_is_told(name):
    with pytest.raises(ProtocolError, match="to make an id"):
        slug(name)


# ---- next ------------------------------------------------------------------------------------


def test_next_goes_round_the_working_ones_of_a_category(users, folder):
    for name in ("a", "b", "c"):
        put(folder, f"{name}.json", document(name))
    put(folder, "bb.json", b"{")

    heard = [users.by_id("a")]
    for _ in range(3):
        heard.append(users.next_after(heard[-1]))

    own = sorted(e.id for e in users.entries() if e.category == "own" and not e.problems)
    assert own == ["a", "b", "c"]
    assert [each.id for each in heard] == ["a", "b", "c", "a"]


def test_after_one_that_is_not_in_the_library_comes_the_first(users, folder):
    put(folder, "a.json", document("a"))

    assert users.next_after(protocol("custom")).id == "a"


def test_where_there_is_no_other_one_next_says_so(users, folder):
    put(folder, "a.json", document("a"))

    with pytest.raises(ProtocolError, match="the category 'own' has no other"):
        users.next_after(users.by_id("a"))


# ---- typed names -----------------------------------------------------------------------------


def test_an_id_is_looked_up_in_the_users_library(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = tmp_path / "entrain" / "protocols"
    put(folder, "mine.json", document())

    assert library.resolve("mine").name == "Mine"
    assert library.resolve("mine", (), blocks, Library(folder)).name == "Mine"
    with pytest.raises(ProtocolError, match="no protocol 'mine'"):
        library.resolve("mine", (), blocks, Library(None))


def test_an_error_names_a_file_in_full_however_long_its_path(tmp_path):
    path = put(tmp_path / ("long" * 20) / ("name" * 20), "x.json", b"{")

    with pytest.raises(ProtocolError) as caught:
        named_file.load_file(path)

    assert str(caught.value).startswith(f"{path}: not JSON")


def test_which_protocols_are_the_users_files(tmp_path):
    shipped = library.by_id("calm-10")
    users = Library(tmp_path, blocks)
    users.save(shipped, "Mine")
    (tmp_path / "another-name.json").write_bytes(
        (tmp_path / "mine.json").read_bytes().replace(b'"mine"', b'"other"')
    )

    assert [users.is_own(name) for name in ("mine", "other", "calm-10", "nope", "")] == [
        True,
        True,
        False,
        False,
        False,
    ]
