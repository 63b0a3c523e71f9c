"""The default output in PulseAudio's own file."""

import os
from pathlib import Path

import pytest

from entrain.platform import pulse_state
from entrain.platform.pulse_state import stored_default


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "machine-id").write_text("0123abc\n")
    monkeypatch.setattr(
        pulse_state, "_MACHINE_IDS", (tmp_path / "missing", tmp_path / "machine-id")
    )
    monkeypatch.setenv("PULSE_STATE_PATH", str(tmp_path))
    return tmp_path / "0123abc-default-sink"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("speakers\n", "speakers"), ("\n", ""), ("", ""), ("a" * 2000, "a" * 1000)],
)
def test_its_first_line_is_the_choice(file, text, expected):
    file.write_text(text)

    assert stored_default() == expected


def test_without_a_file_nothing_is_known(file):
    assert stored_default() is None


def test_what_is_no_file_is_not_waited_for(file):
    os.mkfifo(file)

    assert stored_default() is None


def test_it_is_in_the_users_configuration_folder(file, monkeypatch, tmp_path):
    monkeypatch.delenv("PULSE_STATE_PATH")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "pulse").mkdir()
    (tmp_path / "pulse" / file.name).write_text("hdmi\n")

    assert stored_default() == "hdmi"
