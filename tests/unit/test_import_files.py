"""Files of other programs become the user's own protocols: complete, or not at all."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from entrain.block import Block
from entrain.engine import blocks
from entrain.vdevice.protocol import import_files as module
from entrain.vdevice.protocol import user_folder
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.import_files import found_files, import_files
from entrain.vdevice.protocol.importers.keeper import Outcome
from entrain.vdevice.protocol.importers.report import Imported, ImportRefused, Note
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.protocol.spec import from_specs
from entrain.vdevice.protocol.user_folder import slug

IMPORTERS = "entrain.vdevice.protocol.importers"


@pytest.fixture
def users(tmp_path: Path) -> Library:
    return Library(tmp_path / "own", blocks)


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a working directory with a folder of files to import."""
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "in"


@pytest.fixture(autouse=True)
def readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install readers that make a protocol from a SPEC, with a note for each "?" line."""

    def read(text: bytes, source: str, name: str, _: Mapping[str, Block]) -> Imported:
        first, *others = text.decode().splitlines()
        if first == "bad":
            raise ImportRefused(f"{source}:1: no such thing\n{source}:2: nor this")
        made = from_specs([first])
        made = made.model_copy(update={"id": slug(name), "name": name})
        notes = [Note(n + 2, "left out") for n, line in enumerate(others) if line == "?"]
        return Imported(made, (*notes, Note(0, "of the whole")) if notes else ())

    for name, function in (("sbagen.reader", "read_sbg"), ("gnaural.reader", "read_gnaural")):
        fake = ModuleType(f"{IMPORTERS}.{name}")
        setattr(fake, function, read)
        monkeypatch.setitem(sys.modules, fake.__name__, fake)


def run(users: Library, *paths: Path, **options: Any) -> list[Outcome]:
    return list(import_files(found_files(paths), users, blocks, **options))


def own_ids(users: Library) -> list[str]:
    return [entry.id for entry in users.entries() if entry.own]


def test_each_kind_of_file_is_imported_under_its_name(users, there):
    (there / "Slow One.sbg").write_text("binaural:beat_hz=4")
    (there / "b.gnaural").write_text("binaural:beat_hz=5")
    (there / "c.XML").write_text("binaural:beat_hz=6")
    document = {"id": "own-id", "name": "D", "layers": [{"kind": "am"}]}
    (there / "d.json").write_text(json.dumps(document))

    outcomes = run(users, there)

    assert [(o.result, o.id) for o in outcomes] == [
        ("imported", "slow-one"),
        ("imported", "b"),
        ("imported", "c"),
        ("imported", "own-id"),
    ]
    assert users.by_id("slow-one").layers[0].params == {"beat_hz": 4.0}
    assert users.by_id("c").layers[0].params == {"beat_hz": 6.0}


def test_folders_are_searched_at_any_depth_in_order_and_other_files_passed_over(users, there):
    for name in ("z.sbg", "a/b/deep.sbg", "a/x.txt", ".hidden/h.sbg", "a/.h.sbg", "README"):
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        (there / name).write_text("am")
    (there / "a" / "round").symlink_to(there)  # following this link would never end

    found = found_files([there, there / "z.sbg"])

    assert found == [there / "z.sbg", there / "a/b/deep.sbg"]


def test_what_is_not_kept_of_a_file_is_told_by_line(users, there):
    (there / "a.sbg").write_text("am\n?\nx\n?")

    (outcome,) = run(users, Path("in/a.sbg"))

    assert outcome.notes == (
        "in/a.sbg:2: left out",
        "in/a.sbg:4: left out",
        "in/a.sbg: of the whole",
    )


def test_a_file_that_is_refused_disturbs_no_other_and_leaves_nothing(users, there):
    (there / "a.sbg").write_text("bad")
    (there / "b.sbg").write_text("isochronic:rate_hz=600")
    (there / "c.json").write_text('{"id": 3}')
    (there / "d.sbg").write_text("am")

    outcomes = run(users, Path("in"))

    assert [o.result for o in outcomes] == ["refused", "refused", "refused", "imported"]
    assert outcomes[0].problems == ("in/a.sbg:1: no such thing", "in/a.sbg:2: nor this")
    (line,) = outcomes[1].problems
    assert line == "in/b.sbg: layers[0].params.rate_hz = 600 is outside 0.01 … 400 Hz"
    assert all(line.startswith("in/c.json: ") for line in outcomes[2].problems)
    assert own_ids(users) == ["d"]


def test_the_same_again_is_unchanged(users, there):
    (there / "a.sbg").write_text("am")
    run(users, there)

    (outcome,) = run(users, there)

    assert (outcome.result, outcome.id) == ("unchanged", "a")


@pytest.mark.parametrize("name", ["mine", "default"])
def test_what_is_there_is_replaced_only_when_asked_to(users, there, name):
    if name == "mine":
        (there / "mine.sbg").write_text("am")
        run(users, there)
    before = users.by_id(name)
    (there / f"{name}.sbg").write_text("am:depth=1")

    (outcome,) = run(users, there)
    assert outcome.result == "refused"
    assert "--replace" in outcome.problems[0]
    assert users.by_id(name) == before

    (outcome,) = run(users, there, replace=True)
    assert outcome.result == "imported"
    assert users.by_id(name).layers[0].params == {"depth": 1.0}


def test_a_former_version_is_kept_when_it_is_replaced(users, there, tmp_path):
    for depth in ("0.1", "0.2"):
        (there / "a.sbg").write_text(f"am:depth={depth}")
        run(users, there, replace=True)

    assert sorted(os.listdir(tmp_path / "own")) == ["a.json", "a.json.bak"]


@pytest.mark.parametrize("replace", [False, True])
def test_files_of_one_name_in_one_import_get_numbers(users, there, replace):
    for folder, depth in (("", 0.1), ("w", 0.2), ("x", 0.3), ("y", 0.2)):
        (there / folder).mkdir(exist_ok=True)
        (there / folder / "same.sbg").write_text(f"am:depth={depth}")
    dry = run(users, Path("in"), replace=replace, dry_run=True)

    outcomes = run(users, Path("in"), replace=replace)

    assert outcomes == dry
    assert [(o.result, o.id) for o in outcomes] == [
        ("imported", "same"),
        ("imported", "same-2"),
        ("imported", "same-3"),
        ("unchanged", "same-2"),
    ]
    assert outcomes[1].notes == (
        "in/w/same.sbg: in/same.sbg has the same id 'same'; it becomes 'same-2'",
    )
    assert [users.by_id(o.id).layers[0].params["depth"] for o in outcomes] == [0.1, 0.2, 0.3, 0.2]
    assert users.by_id("same-2").name == "same (2)"
    again = run(users, Path("in"), replace=replace)
    assert [(o.result, o.id) for o in again] == [("unchanged", o.id) for o in outcomes]


@pytest.mark.parametrize("theirs", ['{"id":"foo-2","name":"Mine","layers":[{"kind":"am"}]}', "{"])
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_number_is_not_that_of_a_file_of_the_users(users, there, tmp_path, theirs, dry_run):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "foo-2.json").write_text(theirs)
    for folder in ("a", "b"):
        (there / folder).mkdir()
        (there / folder / "foo.sbg").write_text(f"am:depth={0.1 if folder == 'a' else 0.2}")

    outcomes = run(users, there, replace=True, dry_run=dry_run)

    assert [(o.result, o.id) for o in outcomes] == [("imported", "foo"), ("imported", "foo-3")]
    assert (tmp_path / "own" / "foo-2.json").read_text() == theirs
    if not dry_run:
        again = run(users, there, replace=True)
        assert [(o.result, o.id) for o in again] == [("unchanged", "foo"), ("unchanged", "foo-3")]


def test_a_file_that_could_not_be_saved_has_taken_no_id(users, there, monkeypatch):
    for folder in ("a", "b"):
        (there / folder).mkdir()
        (there / folder / "foo.sbg").write_text(f"am:depth={0.1 if folder == 'a' else 0.2}")
    outcomes = import_files(found_files([there]), users, blocks)
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", lambda _: os.stat("/no/such"))
        assert next(outcomes).result == "refused"

    (second,) = outcomes

    assert (second.result, second.id, second.notes) == ("imported", "foo", ())


def test_the_same_file_twice_in_one_import_is_one_protocol(users, there):
    (there / "x").mkdir()
    for path in ("same.sbg", "x/same.sbg"):
        (there / path).write_text("am")

    first, second = run(users, Path("in"))

    assert (first.result, second.result, second.id) == ("imported", "unchanged", "same")
    assert own_ids(users) == ["same"]


def test_a_long_name_makes_room_for_its_number(users, there):
    (there / "x").mkdir()
    for number, path in enumerate(("", "x")):
        (there / path / f"{'n' * 100}.sbg").write_text(f"am:depth={number}")

    first, second = run(users, Path("in"))

    assert (first.id, second.id) == ("n" * 64, "n" * 62 + "-2")
    assert users.by_id(second.id).name == "n" * 96 + " (2)"


def _nothing(there: Path, own: Path) -> None:
    pass


def _a_file_in_place_of_the_folder(there: Path, own: Path) -> None:
    own.write_text("")


def _a_folder_in_place_of_the_file(there: Path, own: Path) -> None:
    (own / "a.json").mkdir(parents=True)


def _a_broken_file_in_place(there: Path, own: Path) -> None:
    own.mkdir()
    (own / "a.json").write_text("{")


def _too_long(there: Path, own: Path) -> None:
    points = [{"at_s": k, "value": (k % 7) / 7} for k in range(19_000)]
    layers = [
        {"kind": "am", "id": f"l{n}", "automation": {"depth": {"points": points}}} for n in range(2)
    ]
    (there / "a.sbg").unlink()
    (there / "a.json").write_text(json.dumps({"id": "a", "name": "A", "layers": layers}))


def _full_but_for_one(there: Path, own: Path) -> None:
    own.mkdir()
    for number in range(user_folder.MAX_FILES - 1):
        (own / f"{number}.json").write_text("")


@pytest.mark.parametrize(
    "surroundings",
    [
        _nothing,
        _a_file_in_place_of_the_folder,
        _a_folder_in_place_of_the_file,
        _a_broken_file_in_place,
        _too_long,
        _full_but_for_one,
    ],
)
def test_a_dry_run_says_the_same_and_saves_nothing(users, there, tmp_path, surroundings):
    (there / "a.sbg").write_text("am\n?")
    (there / "b.sbg").write_text("bad")
    (there / "c.sbg").write_text("am:depth=1")
    (there / "x").mkdir()
    (there / "x" / "a.sbg").write_text("am:depth=1")
    surroundings(there, tmp_path / "own")
    before = sorted(map(str, tmp_path.rglob("*")))

    dry = run(users, there, dry_run=True)

    assert sorted(map(str, tmp_path.rglob("*"))) == before
    assert dry == run(users, there)


def test_a_protocol_in_utf_16_is_imported(users, there):
    (there / "d.json").write_text(
        json.dumps({"id": "d", "name": "D", "layers": [{"kind": "am"}]}) + "\x1a", "utf-16"
    )

    (outcome,) = run(users, there)

    assert (outcome.result, outcome.id) == ("imported", "d")


def test_progress_is_told_for_each_file(users, there):
    told: list[tuple[int, int]] = []
    for name in ("a", "b"):
        (there / f"{name}.sbg").write_text("bad" if name == "a" else "am")

    run(users, there, progress=lambda *counts: told.append(counts))

    assert told == [(1, 2), (2, 2)]


def test_another_kind_of_file_is_refused(users, there):
    (there / "x.txt").write_text("am")

    (outcome,) = run(users, Path("in/x.txt"))

    assert outcome.problems == ("in/x.txt is not a .sbg, .gnaural, .xml or .json file",)


def test_what_does_not_exist_is_said_not_to(users, there):
    (outcome,) = run(users, Path("nosuchdir"))
    assert outcome.problems == ("nosuchdir does not exist",)


@pytest.mark.parametrize(
    ("name", "make", "line"),
    [
        ("x.sbg", lambda path: None, "cannot read in/x.sbg: No such file or directory"),
        ("x.sbg", os.mkfifo, "in/x.sbg is not a file"),
        (
            "x.sbg",
            lambda path: path.write_bytes(b" " * ((16 << 20) + 1)),
            "in/x.sbg is larger than",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_without_a_wait(users, there, name, make, line):
    make(there / name)

    (outcome,) = run(users, Path("in") / name)

    assert outcome.problems[0].startswith(line)


def test_a_folder_with_nothing_to_import_is_told(there):
    with pytest.raises(ProtocolError, match=r"^in: the folder has no .* file$"):
        found_files([Path("in")])


def test_too_many_files_are_refused_at_once(there, monkeypatch):
    monkeypatch.setattr(module, "MAX_FILES", 2)
    for name in ("a", "b", "c"):
        (there / f"{name}.sbg").write_text("am")

    with pytest.raises(ProtocolError, match="more than 2 files"):
        found_files([there])
