"""The commands for protocols and the log, used by a person and by a script."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from command_line import entrain

from entrain.tray.commands.cli import cli
from entrain.tray.text import protocol_text, text_layout
from entrain.vdevice import safety
from entrain.vdevice.api import messages
from entrain.vdevice.api.messages import Status
from entrain.vdevice.protocol import library
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.parts.automation import Automation, Breakpoint
from entrain.vdevice.protocol.parts.evidence import Evidence, Source
from entrain.vdevice.protocol.timeline import value_at

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def folder(home: Path) -> Path:
    path = home / "data" / "entrain" / "protocols"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def server(home: Path, serve: Any, idle: Status) -> Any:
    return serve(home / "entrain" / "control.sock", lambda request: idle)


EVENING = {
    "id": "evening",
    "name": "Evening",
    "category": "sleep",
    "description": "A beat that falls.",
    "layers": [
        {
            "id": "tone",
            "kind": "binaural",
            "params": {"carrier_hz": 250.0, "level_db": -18.0},
            "automation": {
                "beat_hz": {
                    "points": [
                        {"at_s": 0.0, "value": 10.0, "curve": "exponential"},
                        {"at_s": 1800.0, "value": 2.5},
                    ]
                }
            },
        }
    ],
    "duration_s": 2700.0,
    "ramp_in_s": 30.0,
    "ramp_out_s": 300.0,
    "max_minutes": 60,
    "requires_headphones": True,
    "without_headphones": [
        {"kind": "monaural", "params": {"floor_db": -30.04, "ceiling_db": -30.04}}
    ],
    "warnings": ["Not in the bath."],
    "evidence": {
        "following": "moderate",
        "outcome": "weak",
        "claim": "Some fall asleep sooner.",
        "sources": [
            {"authors": "A. Friend", "year": 2001, "journal": "J Hum", "finding": "It helped."},
            {
                "authors": "B. Foe",
                "year": 2002,
                "id": "PMC123",
                "finding": "It did not.",
                "contrary": True,
            },
        ],
        "our_choices": ["tone.carrier_hz"],
    },
}


@pytest.fixture
def evening(folder: Path) -> Path:
    path = folder / "evening.json"
    path.write_text(json.dumps(EVENING))
    return path


# ---- protocols -----------------------------------------------------------------------------


def test_the_list_names_every_protocol_with_both_grades_below_its_category():
    lines = entrain("protocols").stdout.splitlines()

    for entry in library.Library(None).entries():
        (line,) = (line for line in lines if line.startswith(f"  {entry.id} "))
        assert entry.evidence is not None
        marks = ["headphones"] if entry.requires_headphones else []
        grades = [entry.evidence.outcome, entry.evidence.following]
        assert line.split() == [entry.id, *entry.name.split(), *grades, *marks]
        above = [other for other in lines[: lines.index(line)] if not other.startswith(" ")]
        assert above[-1] == entry.category


def test_the_users_own_are_marked_and_broken_files_stand_at_the_end(evening, folder):
    (folder / "broken.json").write_text('{"id": "broken"}')

    result = entrain("protocols")

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    (line,) = (line for line in lines if line.startswith("  evening "))
    assert line.split() == ["evening", "Evening", "weak", "moderate", "headphones,", "yours"]
    assert lines[-3:] == [
        "These files cannot be used:",
        "  broken.json: name is missing",
        "  broken.json: layers is missing",
    ]


def test_one_category_as_json(evening):
    found = json.loads(entrain("protocols", "--json", "--category", "sleep").stdout)

    assert {each["category"] for each in found["protocols"]} == {"sleep"}
    (own,) = (each for each in found["protocols"] if each["own"])
    assert own == {
        "id": "evening",
        "name": "Evening",
        "category": "sleep",
        "own": True,
        "following": "moderate",
        "outcome": "weak",
        "requires_headphones": True,
    }
    assert found["problems"] == []


def test_every_category_can_be_asked_for():
    for category in library.CATEGORIES:
        assert entrain("protocols", "--category", category).exit_code == 0
    assert entrain("protocols", "--category", "nonsense").exit_code == 2


# ---- show ----------------------------------------------------------------------------------


def test_show_tells_everything_within_80_columns(evening):
    shown = entrain("show", "evening").stdout

    for text in (
        "Evening (evening)",
        "A beat that falls.",
        "Some fall asleep sooner.",
        "Not in the bath.",
        "ends after 45:00",
        "1 h at most, then it fades out",
        "fades in within 0:30, fades out within 5:00",
        "carrier 250 Hz, level -18 dB",
        "10 Hz at 0:00 → 2.5 Hz at 30:00",
        "A. Friend 2001, J Hum: It helped.",
        "AGAINST  B. Foe 2002 (PMC123): It did not.",
        "tone.carrier_hz",
        "Without headphones\n  monaural\n",
        "always at -30 dB, independent of the music",
    ):
        assert text in shown
    flat = " ".join(shown.split())
    assert safety.SHORT_NOTICE in flat
    assert "/evening.json" in flat
    assert max(map(len, shown.splitlines())) <= 80 + len(str(evening))


@pytest.mark.parametrize("protocol_id", library.ids())
def test_every_shipped_protocol_can_be_shown_within_80_columns(protocol_id):
    result = entrain("show", protocol_id)

    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("following", "outcome", "first"),
    [
        ("strong", "none", "benefit"),
        ("none", "strong", "follows"),
        ("moderate", "weak", "benefit"),
        ("weak", "tradition", "benefit"),
        ("none", "tradition", "follows"),
        ("weak", "weak", "benefit"),
    ],
)
def test_the_grade_that_claims_less_is_shown_first(following, outcome, first):
    evidence = Evidence(
        following=following,
        outcome=outcome,
        claim="It may.",
        sources=(Source(authors="A", year=2000, finding="x"),),
    )

    assert protocol_text.weaker_first(evidence)[0][0] == first


def test_the_docs_explain_each_grade_as_show_does():
    docs = (Path(__file__).parents[2] / "docs/protocols.md").read_text()

    for grade, meaning in protocol_text.GRADES.items():
        assert f"| {grade} | {meaning} |" in docs


def test_the_empty_protocol_can_be_shown():
    assert entrain("show", "none").exit_code == 0


def test_show_as_json_is_the_document(evening):
    shown = json.loads(entrain("show", "evening", "--json").stdout)

    assert Protocol.model_validate_json(json.dumps(shown)).id == "evening"
    assert shown["evidence"]["sources"][1]["contrary"] is True
    assert (
        entrain("show", str(evening), "--json").stdout
        == entrain("show", "evening", "--json").stdout
    )


def test_show_names_all_that_is_wrong_one_line_each(folder):
    (folder / "bad.json").write_text('{"id": "bad", "nome": "x", "layers": []}')

    result = entrain("show", "bad")

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "entrain: bad.json: name is missing",
        "entrain: bad.json: nome is not a field that belongs here",
    ]


@pytest.mark.parametrize(
    ("curve", "middle"), [("step", 4.0), ("linear", 10.0), ("exponential", 8.0), ("smooth", 10.0)]
)
def test_a_curve_is_drawn_as_the_engine_does_it(curve, middle):
    points = (
        Breakpoint(at_s=10.0, value=4.0, curve=curve),
        Breakpoint(at_s=30.0, value=16.0, curve=curve),
    )
    automation = Automation(points=points)

    values = [value_at(automation, at_s) for at_s in (0.0, 10.0, 20.0, 30.0, 99.0)]

    assert values == pytest.approx([4.0, 4.0, middle, 16.0, 16.0])


def test_charts_go_from_the_smallest_to_the_largest():
    assert text_layout.sparkline([0.0, 7.0, 3.5]) in ("▁█▄", "▁█▅")
    assert text_layout.sparkline([2.0, 2.0]) == "▁▁"
    assert text_layout.bar(10.0, 10.0, 4) == "████"
    assert text_layout.bar(5.0, 10.0, 4) == "██"
    assert text_layout.bar(0.01, 10.0, 4) == "▏"  # a small value is still visible
    assert text_layout.bar(0.0, 10.0, 4) == text_layout.bar(0.0, 0.0, 4) == ""


# ---- validate and import ---------------------------------------------------------------------


def test_validate_tells_all_that_is_wrong_with_all_files(evening, folder):
    bad = folder / "bad.json"
    bad.write_text('{"id": "bad", "layers": [{"kind": "am", "params": {"depth": 2}}]}')

    result = entrain("validate", str(bad), str(evening), str(folder / "none.json"))

    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{bad}: name is missing",
        f"{bad}: layers[0].params.depth = 2 is outside 0 … 1",
        f"{evening}: valid, with the id 'evening'",
        f"cannot read {folder / 'none.json'}: No such file or directory",
    ]
    assert result.stderr == "entrain: 2 of 3 files cannot be used\n"


def test_validate_is_content_with_what_is_shipped(evening):
    assert entrain("validate", str(evening)).exit_code == 0
    (found,) = json.loads(entrain("validate", "--json", str(evening)).stdout)
    assert found == {"file": str(evening), "id": "evening", "problems": []}


def test_import_of_a_file_says_how_to_use_it(home, folder):
    source = home / "evening.json"
    source.write_text(json.dumps(EVENING))

    result = entrain("import", str(source))

    assert result.exit_code == 0
    assert result.stdout == "Use it with: entrain use evening\n1 imported, 0 refused\n"
    assert json.loads((folder / "evening.json").read_text())["name"] == "Evening"
    again = entrain("import", str(source)).stdout.splitlines()
    assert again[-1] == "0 imported, 1 already in the library, 0 refused"
    assert "entrain use evening (use --replace if" in again[0]


def test_import_with_a_refused_file_fails_and_keeps_the_others(home, folder):
    source = home / "in"
    source.mkdir()
    (source / "evening.json").write_text(json.dumps(EVENING))
    (source / "bad.json").write_text("{}")

    result = entrain("import", "--json", str(source))

    assert result.exit_code == 1
    assert result.stderr == "entrain: 1 of 2 files was refused\n"
    found = json.loads(result.stdout)
    assert (found["imported"], found["refused"], found["dry_run"]) == (1, 1, False)
    assert [each["result"] for each in found["files"]] == ["refused", "imported"]
    assert (folder / "evening.json").exists()


def test_a_dry_run_imports_nothing(home, folder):
    source = home / "evening.json"
    source.write_text(json.dumps(EVENING))

    assert entrain("import", "--dry-run", str(source)).stdout == "1 would be imported, 0 refused\n"
    assert list(folder.iterdir()) == []


# ---- requests to the running Entrain ---------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "request_"),
    [
        (["next"], messages.Next()),
        (["save", "My seven"], messages.Save(name="My seven")),
        (["delete", "evening"], messages.Delete(id="evening")),
        (["rename", "evening", "Late"], messages.Rename(id="evening", name="Late")),
        (["sleep", "30"], messages.Sleep(minutes=30.0)),
        (["sleep", "0.5"], messages.Sleep(minutes=0.5)),
        (["sleep", "off"], messages.Sleep(minutes=None)),
        (["log", "--off"], messages.Settings(session_log=False)),
        (["log", "--on"], messages.Settings(session_log=True)),
    ],
)
def test_a_command_is_one_request(server, arguments, request_):
    result = entrain(*arguments)

    assert (result.exit_code, result.stderr) == (0, "")
    assert server.requests == [request_]


def test_the_status_tells_when_it_ends_and_what_the_listener_must_know(home, serve, idle):
    protocol = messages.ActiveProtocol(
        id="deep-3",
        name="Deep 3",
        elapsed_s=65.0,
        left_s=3600.0,
        runs=False,
        here=True,
        note="Made for headphones\x1b[2J",
        layers=[],
    )
    changes = {"protocol": protocol, "sleep_left_s": 90.0, "session_log": False}
    status = idle.model_copy(update=changes)
    serve(home / "entrain" / "control.sock", lambda request: status)

    lines = entrain("status").stdout.splitlines()
    assert "protocol     Deep 3 (deep-3), 1:05, ends in 1:00:00, paused" in lines
    assert "             Made for headphones?[2J" in lines
    assert "             whenever sound goes to this output" in lines
    assert "sleep        off in 1:30" in lines
    assert "log          off (`entrain log --on` starts one)" in lines
    assert entrain("next").stdout == "idle · Deep 3 · off in 1:30\nMade for headphones?[2J\n"


@pytest.mark.parametrize(
    "arguments", [["next"], ["save", "x"], ["delete", "x"], ["sleep", "5"], ["log", "--off"]]
)
def test_without_a_running_entrain_it_says_what_to_do(arguments):
    result = entrain(*arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "entrain: Entrain is not running; start it with `entrain run`\n"


def test_save_says_how_to_use_what_was_saved(server):
    assert entrain("save", "My Seven").stdout.endswith("use it with: entrain use my-seven\n")


def test_save_says_where_the_former_protocol_is(home, folder, serve, idle):
    users = library.Library(folder)
    mine = users.by_id("focus-16").model_copy(update={"id": "mine", "name": "Mine"})
    path = users.save(mine)
    changed = [mine.model_copy(update={"description": "Another."})]

    def save(request):
        users.save(changed.pop(0))
        return idle

    server = serve(home / "entrain" / "control.sock", save)
    said = f"Your former protocol of this id is kept as {path}.bak\n"
    assert entrain("save", "Mine").stdout.endswith(said)
    assert len(server.requests) == 1


def test_a_name_of_which_no_id_can_be_made_never_reaches_the_running_entrain(server):
    assert entrain("save", "!?").exit_code == 1
    assert server.requests == []


def test_delete_says_where_the_file_is_and_who_keeps_the_protocol(home, evening, serve, idle):
    said = "evening was deleted; dac keeps it until you use another protocol there"
    status = idle.model_copy(update={"errors": ["another problem", said]})
    serve(home / "entrain" / "control.sock", lambda request: status)

    lines = entrain("delete", "evening").stdout.splitlines()

    assert lines[1:] == [said, f"Deleted; the file is kept as {evening}.bak"]


def test_rename_says_how_to_use_it_from_now_on(server):
    answer = entrain("rename", "evening", "Late Evening").stdout
    assert answer.endswith("Renamed; use it with: entrain use late-evening\n")
    assert entrain("rename", "evening", "!?").exit_code == 1
    assert len(server.requests) == 1


@pytest.mark.parametrize("minutes", ["0", "-3", "1441", "nan", "soon"])
def test_what_is_no_time_to_sleep_is_wrong_usage(server, minutes):
    assert entrain("sleep", minutes).exit_code == 2
    assert server.requests == []


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("show even", ["plain,evening"]),
        ("delete ", ["plain,evening"]),
        ("rename ev", ["plain,evening"]),
        ("delete focus", []),
    ],
)
def test_tab_offers_the_users_own_ids(evening, words, offered):
    result = CliRunner().invoke(
        cli,
        prog_name="entrain",
        env={
            "_ENTRAIN_COMPLETE": "bash_complete",
            "COMP_WORDS": f"entrain {words}",
            "COMP_CWORD": "2",
        },
    )

    assert result.stdout.split() == offered


def test_a_protocol_that_comes_with_entrain_is_replaced_on_request_only(server):
    entrain("save", "Focus 16")
    entrain("save", "--replace", "Focus 16")

    assert server.requests == [
        messages.Save(name="Focus 16"),
        messages.Save(name="Focus 16", replace=True),
    ]


@pytest.mark.parametrize("command", [["use"], ["show"], ["validate"], ["run", "--protocol"]])
def test_a_file_of_another_program_is_recognised(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("my x.sbg").write_text("ts: 300+10/20\nNOW ts\n")
    Path("y.xml").write_text("<?xml version='1.0'?><schedule><voice/></schedule>")

    for file, program in (("./my x.sbg", "SBaGen"), ("./y.xml", "Gnaural")):
        result = entrain(*command, file)
        assert result.exit_code == 1
        assert f"is a file of {program}; `entrain import " in result.output
        assert "JSON" not in result.output


def test_a_negative_time_is_no_option():
    result = entrain("sleep", "-5")

    assert result.exit_code == 2
    said = "'-5' is neither off nor a number of minutes, which must be more than 0 and at most 1440"
    assert said in result.output


def test_show_of_a_protocol_with_a_longest_time_does_not_promise_any_time(evening):
    whole = json.loads(evening.read_text())
    del whole["duration_s"]
    evening.write_text(json.dumps(whole))

    shown = entrain("show", "evening").stdout

    assert "1 h at most, then it fades out" in shown
    assert "as long as you like" not in shown
