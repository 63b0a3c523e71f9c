"""`entrain hrtf compare`: keys, blindness, ranking, and what it asks of the running Entrain."""

import random
import re

import pytest
from click.testing import CliRunner, Result
from command_line import entrain

from entrain.errors import EntrainError
from entrain.platform.folders import state_folder
from entrain.tray.commands import hrtf_compare
from entrain.tray.commands.cli import cli
from entrain.vdevice.api.messages import Output
from entrain.vdevice.hrtf import comparison, process, sets
from entrain.vdevice.hrtf.comparison import Comparison
from entrain.vdevice.hrtf.errors import HrtfError

pytestmark = pytest.mark.usefixtures("cache_of_its_own")
UNDECIDED = "–"
_require_terminal = hrtf_compare._require_terminal


@pytest.fixture(autouse=True)
def _with_terminal(monkeypatch):
    """Take the tests' input for a terminal."""
    monkeypatch.setattr(hrtf_compare, "_require_terminal", lambda: None)


@pytest.fixture
def played(home, serve, idle, monkeypatch):
    """An Entrain that notes through which heads it has played; heads need no preparation."""
    monkeypatch.setattr(process, "prepared", lambda card, variant=None: sets.head_path(card))
    heard: list[str] = []

    def respond(request):
        if request.command == "audition":
            heard.append(request.hrtf)
        return idle.model_copy(update={"hrtf": "kemar"})

    serve(home / "entrain" / "control.sock", respond)
    return heard


@pytest.fixture
def in_order(monkeypatch):
    """A is kemar, B is sphere."""
    monkeypatch.setattr(Comparison, "shuffled", classmethod(lambda cls, heads: cls(heads)))


def compare(keys: str, *heads: str) -> Result:
    return CliRunner().invoke(cli, ["hrtf", "compare", *heads], input=keys)


def test_each_key_plays_the_head_that_it_names_from_the_beginning(played, in_order):
    result = compare("b a2 4\r")
    assert result.exit_code == 0
    # At first A; b; again; a; then a mark leads to B, again.
    assert played == ["kemar", "sphere", "sphere", "kemar", "sphere", "sphere"]


def test_the_ranking_names_the_heads_and_the_command_to_use_the_best_one(played, in_order):
    result = compare("25\r")
    assert result.output.splitlines()[-3:] == [
        "5  B  sphere",
        "2  A  kemar",
        "To use sphere: entrain hrtf use sphere",
    ]


def test_the_head_in_use_need_not_be_chosen_again(played, in_order):
    assert compare("52\r").output.splitlines()[-1] == "You use kemar already."
    assert compare("44\r").output.splitlines()[-2:] == [
        "You use kemar already.",
        "To use sphere: entrain hrtf use sphere",
    ]


def test_no_name_is_shown_before_the_end(played):
    shown = compare("a1b2\r").output
    while_listening = shown.split("You compare")[1].split("Enter shows the names")[0]
    assert while_listening.count("you hear") > 3
    assert "kemar" not in while_listening
    assert "sphere" not in while_listening


def test_a_mark_can_be_changed_and_enter_waits_for_all_marks(played, in_order):
    result = compare("1\ra5b3\r")
    assert result.output.splitlines()[-3:-1] == ["5  A  kemar", "3  B  sphere"]


def test_the_progress_counts_down(played, in_order):
    lines = [line for line in compare("13\r").output.splitlines() if "you hear" in line]
    assert [re.sub(" +", " ", line) for line in lines] == [
        f"you hear A | A {UNDECIDED} B {UNDECIDED} | 2 without a mark",
        f"you hear B | A 1 B {UNDECIDED} | 1 without a mark",
        "you hear B | A 1 B 3 | Enter shows the names",
    ]


def test_marks_are_kept_also_if_the_listener_stops(played):
    compare("44\r")
    compare("2q")
    compare("3")  # the input ends
    marks = comparison.means(state_folder() / comparison.FILE_NAME)
    assert sum(count for _, count in marks.values()) == 4
    assert "your mark" in entrain("hrtf", "list").output


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("no terminal")])
def test_marks_are_kept_if_the_command_is_interrupted(played, monkeypatch, error):
    keys = iter("4")

    def getchar() -> str:
        if key := next(keys, ""):
            return key
        raise error

    monkeypatch.setattr(hrtf_compare.click, "getchar", getchar)
    assert compare("").exit_code != 0
    marks = comparison.means(state_folder() / comparison.FILE_NAME)
    assert sum(count for _, count in marks.values()) == 1


def test_loudspeakers_are_refused_in_one_line_before_any_head_is_prepared(
    home, serve, idle, monkeypatch
):
    monkeypatch.setattr(process, "prepared", lambda card: pytest.fail("prepared"))
    box = Output(name="a", description="A", form="speakers", rate_hz=48_000, quantum_frames=256)
    status = idle.model_copy(update={"output": box})
    server = serve(home / "entrain" / "control.sock", lambda request: status)
    assert entrain("hrtf", "compare").stderr == (
        "entrain: comparing HRTFs needs headphones; this output has none\n"
    )
    assert [request.command for request in server.requests] == ["status"]


def test_a_refusal_of_entrain_is_one_line(home, serve, idle, monkeypatch):
    monkeypatch.setattr(process, "prepared", lambda card, variant=None: sets.head_path(card))

    def respond(request):
        if request.command == "audition":
            raise EntrainError("Entrain is off; `entrain on` switches it on")
        return idle

    serve(home / "entrain" / "control.sock", respond)
    result = compare("", "kemar", "sphere")
    assert result.exit_code == 1
    assert result.stderr == "entrain: Entrain is off; `entrain on` switches it on\n"


def test_one_head_is_not_compared(played):
    assert "name at least two heads" in compare("", "kemar").output
    assert played == []


def test_a_head_that_cannot_be_prepared_is_left_out_unless_it_was_named(played, monkeypatch):
    def prepared(card):
        if card.id == "sphere":
            raise HrtfError("sphere cannot be read")
        return sets.head_path(card)

    monkeypatch.setattr(process, "prepared", prepared)
    monkeypatch.setattr(
        sets, "cards", lambda: [sets.Card(each, each) for each in ("kemar", "sphere", "mine")]
    )
    assert "sphere is left out: sphere cannot be read" in compare("q").output
    assert played
    assert compare("", "kemar", "sphere").stderr == "entrain: sphere cannot be read\n"


# ---- the round ---------------------------------------------------------------------------------


def test_the_order_is_random_and_each_head_comes_once():
    heads = list("abcdef")
    orders = {tuple(Comparison.shuffled(heads, random.Random(seed)).heads) for seed in range(20)}
    assert len(orders) > 15
    assert all(sorted(order) == heads for order in orders)


def test_a_new_mark_leads_to_the_next_head_without_one():
    found = Comparison(["x", "y", "z"])
    found.go_to("C")
    assert found.mark(3)
    assert found.head == "x"
    found.step(-1)
    assert found.head == "z"
    assert not found.mark(4)  # changed
    assert found.head == "z"
    found.go_to("B")
    assert found.mark(5)
    assert (found.unmarked, found.head) == ("A", "x")
    assert not found.mark(1)
    assert (found.unmarked, found.head) == ("", "x")
    assert found.ranking() == [(5, "B", "y"), (4, "C", "z"), (1, "A", "x")]


def test_damaged_answers_are_skipped(tmp_path):
    path = tmp_path / "answers"
    lines = ['{"marks": {"a": 4, "b": 9, "c": "x"}}', "nonsense", "[]", '{"marks": 3}']
    path.write_text("\n".join([*lines, '{"marks": {"a": 2}}', ""]))
    assert comparison.means(path) == {"a": (3.0, 2)}
    assert comparison.means(tmp_path / "none") == {}


def test_without_a_terminal_it_says_so_before_anything_else(home, serve, idle, monkeypatch):
    server = serve(home / "entrain" / "control.sock", lambda request: idle)

    def no_terminal(*_: object) -> None:
        raise OSError(6, "No such device or address")

    monkeypatch.setattr(hrtf_compare, "_require_terminal", _require_terminal)
    monkeypatch.setattr(hrtf_compare, "open", no_terminal, raising=False)
    result = compare("")
    assert result.exit_code == 1
    assert result.output == "entrain: comparing HRTFs needs a terminal\n"
    assert server.requests == []
