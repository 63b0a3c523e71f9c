"""The safety notice is shown once, at a terminal."""

import sys
from typing import Any

import pytest
from command_line import entrain

from entrain.vdevice import safety

pytestmark = pytest.mark.usefixtures("home")


class Terminal:
    """A terminal, as the command line sees it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.environment: dict[str, str] = {}
        monkeypatch.setattr("entrain.tray.commands.cli._at_a_terminal", lambda: True)
        fake = type(sys)("entrain.vdevice.app")
        vars(fake)["run"] = self._run
        monkeypatch.setitem(sys.modules, fake.__name__, fake)

    def _run(self, options: object, ready: Any) -> int:
        ready("Entrain is there", self.environment)
        return 0

    def shown(self) -> bool:
        return safety.NOTICE in " ".join(entrain("run").stdout.split())


def test_the_notice_is_shown_at_the_first_start_and_only_then(monkeypatch):
    terminal = Terminal(monkeypatch)

    assert [terminal.shown(), terminal.shown()] == [True, False]


def test_the_notice_is_not_used_up_where_nobody_reads_it(monkeypatch):
    terminal = Terminal(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr("entrain.tray.commands.cli._at_a_terminal", lambda: False)
        assert not terminal.shown()

    assert terminal.shown()


def test_the_sandbox_leaves_no_trace_of_the_notice(monkeypatch, home):
    terminal = Terminal(monkeypatch)
    terminal.environment = {"PULSE_SERVER": "unix:/x"}

    assert [terminal.shown(), terminal.shown()] == [True, True]
    assert not (home / "state").exists()


def test_where_it_cannot_be_noted_the_notice_is_shown_again(monkeypatch, home):
    (home / "state").write_text("")
    terminal = Terminal(monkeypatch)

    assert [terminal.shown(), terminal.shown()] == [True, True]


def test_the_notice_names_seizures_driving_and_treatment():
    for text in (safety.NOTICE, safety.SHORT_NOTICE):
        assert all(word in text for word in ("seizure", "driving", "treatment"))
    assert safety.SHORT_NOTICE in " ".join(entrain("--help").stdout.split())
