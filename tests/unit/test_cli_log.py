"""The command that shows the session log."""

import json
import socket
import time
from datetime import date, datetime, timedelta

import pytest
from command_line import entrain

from entrain.tray.commands.log_command import summarised
from entrain.vdevice.api.messages import ActiveProtocol
from entrain.vdevice.protocol.model import Layer
from entrain.vdevice.session.session_log import SessionLog, Stretch

pytestmark = pytest.mark.usefixtures("home")


def heard(days_ago: int, minutes: float, protocol: str = "a") -> Stretch:
    started = datetime.now().astimezone() - timedelta(days=days_ago)
    return Stretch(started=started, protocol=protocol, name=protocol.upper(), minutes=minutes)


def test_an_empty_log_says_so():
    assert entrain("log").stdout == "No protocol was heard in the last 14 days.\n"


def test_the_log_adds_up_per_day_and_per_protocol(home):
    log = SessionLog(home / "state" / "entrain" / "sessions.jsonl")
    for stretch in (heard(0, 30), heard(0, 45.2, "b"), heard(2, 15.2), heard(20, 600)):
        log.add(stretch)
    with (home / "state" / "entrain" / "sessions.jsonl").open("a") as file:
        file.write("nonsense\n")

    found = json.loads(entrain("log", "--json", "--days", "3").stdout)

    assert [day["minutes"] for day in found["days"]] == pytest.approx([15.2, 0.0, 75.2])
    assert found["days"][-1]["date"] == date.today().isoformat()
    assert found["protocols"] == [
        {"id": "a", "name": "A", "minutes": 45.2, "sessions": 2},
        {"id": "b", "name": "B", "minutes": 45.2, "sessions": 1},
    ]
    assert (found["minutes"], found["sessions"], found["skipped_lines"]) == (90.4, 3, 1)

    shown = entrain("log", "--days", "3").stdout
    assert shown.startswith("1 h 30 min in 3 sessions, the last 3 days\n")
    assert "1 damaged lines" in shown
    assert max(map(len, shown.splitlines()[:-1])) <= 80


LISTENING = ActiveProtocol(
    id="a", name="A", elapsed_s=9.0, rate_hz=None, layers=[Layer(kind="noise", id="noise")]
)
NOT_YET = "The present protocol is logged when it changes, or after some time."
IS_OFF = "The session log is off; `entrain log --on` starts it again."
EMPTY = "No protocol was heard in the last 14 days."


@pytest.mark.parametrize(
    ("changes", "last_line"),
    [
        ({}, NOT_YET),
        ({"session_log": False}, IS_OFF),
        ({"state": "idle"}, EMPTY),
        ({"protocol": LISTENING.model_copy(update={"layers": []})}, EMPTY),
        (
            {"sandbox": {"PULSE_SERVER": "x"}},
            "The Entrain that runs now keeps no log, since it plays in its sandbox.",
        ),
    ],
)
def test_the_last_line_tells_what_the_log_does_not_contain(home, serve, idle, changes, last_line):
    status = idle.model_copy(update={"state": "processing", "protocol": LISTENING, **changes})
    serve(home / "entrain" / "control.sock", lambda request: status)

    assert entrain("log").stdout.splitlines()[-1] == last_line


def test_an_entrain_that_does_not_answer_delays_the_log_by_a_second_at_most(home):
    path = home / "entrain" / "control.sock"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        began_s = time.monotonic()

        result = entrain("log")

    assert (result.exit_code, result.stdout) == (0, EMPTY + "\n")
    assert time.monotonic() - began_s < 3


def test_many_days_are_shown_by_the_week(home):
    log = SessionLog(home / "state" / "entrain" / "sessions.jsonl")
    log.add(heard(60, 120))

    shown = entrain("log", "--days", "90").stdout

    assert "Per week" in shown
    assert len(shown.splitlines()) < 30


def test_a_stretch_counts_for_the_day_of_its_own_clock():
    late = Stretch.model_validate(
        {"started": "2026-03-01T23:30:00-08:00", "protocol": "a", "name": "A", "minutes": 60}
    )

    found = summarised([late], date(2026, 3, 1), date(2026, 3, 2))

    assert [day["minutes"] for day in found["days"]] == [60, 0]
