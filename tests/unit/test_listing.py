"""The control API lists the library with enough details for a menu."""

import json

from entrain.engine import blocks
from entrain.vdevice.api.listed.protocols import listed
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.session.output_protocols import MAX_RECENT, used_lately


def test_all_that_can_be_used_is_listed_with_its_grades(tmp_path):
    found = listed(Library(tmp_path, blocks), ())

    by_id = {each.id: each for each in found.protocols}
    assert set(by_id) == set(Library(None).ids())
    assert by_id["focus-16"].category == "focus"
    assert by_id["focus-16"].outcome == "moderate"
    assert not by_id["focus-16"].own


def test_a_file_that_cannot_be_used_is_a_problem_and_no_protocol(tmp_path):
    (tmp_path / "broken.json").write_text("{")

    found = listed(Library(tmp_path, blocks), ())

    assert "broken" not in {each.id for each in found.protocols}
    assert [line for line in found.problems if line.startswith("broken.json")]


def test_what_was_used_last_comes_first_and_once():
    recent: tuple[str, ...] = ()
    for used in ("a", "b", "a", "", "none", "c"):
        recent = used_lately(used, recent)

    assert recent == ("c", "a", "b")


def test_few_are_remembered():
    recent: tuple[str, ...] = ()
    for number in range(2 * MAX_RECENT):
        recent = used_lately(f"p-{number}", recent)

    assert recent == tuple(f"p-{2 * MAX_RECENT - 1 - n}" for n in range(MAX_RECENT))


def test_five_are_remembered():
    assert used_lately("f", ("e", "d", "c", "b", "a")) == ("f", "e", "d", "c", "b")
    assert used_lately("c", ("e", "d", "c", "b", "a")) == ("c", "e", "d", "b", "a")


def test_a_file_is_in_the_next_list_as_it_is_then(tmp_path):
    library = Library(tmp_path, blocks)
    file = tmp_path / "mine.json"

    def names() -> list[str]:
        return [each.name for each in listed(library, ()).protocols if each.own]

    assert names() == []
    for name in ("One", "Twofold"):
        layers = [{"kind": "noise", "id": "noise"}]
        file.write_text(json.dumps({"id": "mine", "name": name, "layers": layers}))
        assert names() == [name]
    file.unlink()
    assert names() == []


def test_what_is_not_there_any_more_is_left_out(tmp_path):
    found = listed(Library(tmp_path, blocks), ["gone", "focus-16"])

    assert found.recent == ["focus-16"]
