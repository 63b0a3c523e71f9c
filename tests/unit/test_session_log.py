"""The log of sessions is bounded and private, and its failure never stops the app."""

import json
import logging
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from entrain.vdevice.session import session_log
from entrain.vdevice.session.session_log import SessionLog, Stretch

START = datetime(2026, 3, 1, 22, 15, tzinfo=timezone(timedelta(hours=2)))


def stretch(number: int = 0, **changes: object) -> Stretch:
    fields = {
        "started": START + timedelta(hours=number),
        "protocol": "focus-16",
        "name": "Focus 16",
        "minutes": 12.5,
        "device": "headphones",
    }
    return Stretch.model_validate(fields | changes)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "sessions.jsonl"


def test_what_is_added_is_read_in_order(path):
    for number in range(3):
        SessionLog(path).add(stretch(number))  # each from another run of Entrain

    assert SessionLog(path).read() == ([stretch(0), stretch(1), stretch(2)], 0)


def test_a_line_is_json_with_the_local_time_and_its_offset(path):
    SessionLog(path).add(stretch())

    (line,) = path.read_text().splitlines()
    assert json.loads(line) == {
        "started": "2026-03-01T22:15:00+02:00",
        "protocol": "focus-16",
        "name": "Focus 16",
        "minutes": 12.5,
        "device": "headphones",
    }
    assert SessionLog(path).read().stretches[0].started.date() == START.date()


def test_only_the_user_can_read_it(path):
    SessionLog(path).add(stretch())

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_without_a_path_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log = SessionLog(None)

    log.add(stretch())

    assert log.read() == ([], 0)
    assert os.listdir(tmp_path) == []


def test_no_log_is_an_empty_one(path):
    log = SessionLog(path)

    assert log.read() == ([], 0)
    assert log.warning == ""


def test_damaged_lines_are_passed_over_and_counted(path):
    log = SessionLog(path)
    log.add(stretch(0))
    with path.open("ab") as file:
        file.write(b'\n{"started": 3}\n\xff\xfe\n[]\n{"protocol": "cut o')
    log.add(stretch(1))

    assert log.read() == ([stretch(0), stretch(1)], 4)


def test_fields_of_a_later_version_are_ignored(path):
    path.parent.mkdir()
    path.write_text(stretch().model_dump_json()[:-1] + ', "moon": "full"}\n')

    assert log_of(path) == [stretch()]


def log_of(path: Path) -> list[Stretch]:
    return SessionLog(path).read().stretches


@pytest.mark.parametrize(
    "changes",
    [
        {"started": datetime(2026, 3, 1)},  # ambiguous without a time zone
        {"minutes": -1.0},
        {"minutes": float("nan")},
        {"protocol": "../x"},
        {"name": "two\nlines"},
    ],
)
def test_what_is_no_stretch_is_refused(changes):
    with pytest.raises(ValueError, match="validation error"):
        stretch(**changes)


def test_a_full_log_loses_its_oldest_lines_as_a_whole(path, monkeypatch):
    size = len(stretch().model_dump_json()) + 1
    monkeypatch.setattr(session_log, "MAX_FILE_BYTES", 10 * size)
    monkeypatch.setattr(session_log, "_KEPT_BYTES", 5 * size + 3)
    log = SessionLog(path)

    for number in range(11):
        log.add(stretch(number))

    assert log.read() == ([stretch(n) for n in range(6, 11)], 0)
    assert os.listdir(path.parent) == [path.name]


def test_it_never_grows_beyond_its_bound(path):
    path.parent.mkdir()
    path.write_bytes(b'{"not": "ours"}\n' * 200_000)  # over 3 MB
    log = SessionLog(path)

    log.add(stretch())

    assert path.stat().st_size <= session_log.MAX_FILE_BYTES
    assert log.read().stretches == [stretch()]


def test_a_folder_that_cannot_be_written_costs_one_warning(tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("")  # a file blocks root, too, which permissions do not
    log = SessionLog(blocked / "sessions.jsonl")

    with caplog.at_level(logging.WARNING):
        log.add(stretch(0))
        log.add(stretch(1))

    assert caplog.messages == [log.warning]
    assert log.warning.startswith(f"cannot write {blocked}/sessions.jsonl: ")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_costs_one_warning_and_no_wait(path, make, caplog):
    path.parent.mkdir()
    make(path)
    log = SessionLog(path)

    with caplog.at_level(logging.WARNING):
        log.add(stretch(0))
        log.add(stretch(1))
        assert log.read() == ([], 0)

    assert len(caplog.messages) == 2  # one about the write, one about the read


def test_after_a_failure_it_goes_on(path, monkeypatch):
    log = SessionLog(path)
    with monkeypatch.context() as patch:
        patch.setattr(session_log, "append_line", _full_disk)
        log.add(stretch(0))
    assert "No space left" in log.warning

    log.add(stretch(1))

    assert log.warning == ""
    assert log.read() == ([stretch(1)], 0)


def _full_disk(path: Path, line: bytes) -> int:
    raise OSError(28, "No space left on device")
