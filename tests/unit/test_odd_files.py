"""Stored files with odd content: Entrain uses the readable rest, without a traceback.

`test_store` covers the state file.
"""

import json
from pathlib import Path

import odd_json
import pytest
from click.testing import CliRunner

from entrain.engine import blocks
from entrain.platform.adapter import PlatformError
from entrain.platform.desktop_entry import DesktopEntry
from entrain.platform.entry_file import read_entry, write_entry
from entrain.tray.commands.cli import cli
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.session.session_log import SessionLog

STRETCH = {
    "started": "2026-03-01T22:15:00+02:00",
    "protocol": "focus-16",
    "name": "Focus 16",
    "minutes": 12.5,
    "device": "headphones",
}
NEEDED = ("started", "minutes")

PROTOCOL = {
    "schema_version": 2,
    "id": "mine",
    "name": "Mine",
    "layers": [
        {
            "kind": "binaural",
            "id": "tone",
            "params": {"beat_hz": 4.0},
            "automation": {"beat_hz": {"points": [{"at_s": 0.0, "value": 4.0}], "loop_s": 0.0}},
        }
    ],
    "duration_s": 60.0,
    "evidence": {
        "following": "weak",
        "outcome": "none",
        "claim": "It is there.",
        "sources": [{"authors": "A. B.", "year": 2020, "finding": "Nothing."}],
        "our_choices": ["tone.beat_hz"],
    },
    "warnings": ["Not while driving."],
}


# ---- the session log -----------------------------------------------------------------------


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "entrain").mkdir()
    return tmp_path / "entrain" / "sessions.jsonl"


def test_of_a_line_of_the_log_all_is_read_that_can_be(log):
    """Only a line without its time or its length is useless."""
    before = SessionLog(log)
    for name, text in odd_json.mutated(dict(STRETCH)):
        log.write_bytes(text + b"\n" + json.dumps(STRETCH).encode())
        stretches, skipped = before.read()
        if not any(name.startswith(f".{field}") for field in NEEDED) and "[[[" not in name:
            assert skipped == 0, name
            assert (stretches[0].started, stretches[0].minutes) == (
                stretches[1].started,
                stretches[1].minutes,
            )
        assert len(stretches) + skipped == 2, name


def test_a_whole_log_of_odd_lines_can_be_shown(log):
    lines = [text for _, text in odd_json.mutated(dict(STRETCH))]
    lines += [text for _, text in odd_json.damaged(json.dumps(STRETCH).encode())]
    for year in ("0001-01-01", "9999-12-31"):
        lines.append(json.dumps(STRETCH | {"started": f"{year}T00:00:00+00:00"}).encode())
    log.write_bytes(b"\n".join(lines))

    for options in ([], ["--days", "3660"], ["--json"]):
        shown = CliRunner().invoke(cli, ["log", *options])
        assert shown.exception is None, shown.exception
        assert shown.exit_code == 0


# ---- protocols -----------------------------------------------------------------------------


def test_an_odd_protocol_is_read_or_explained(tmp_path):
    library = Library(tmp_path, blocks)
    for name, text in odd_json.mutated(dict(PROTOCOL)):
        _read_or_explain(library, tmp_path / "mine.json", name, text)


def test_a_damaged_protocol_is_explained(tmp_path):
    library = Library(tmp_path, blocks)
    for name, text in odd_json.damaged(json.dumps(PROTOCOL).encode()):
        _read_or_explain(library, tmp_path / "mine.json", name, text)


def _read_or_explain(library: Library, path: Path, name: str, text: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(text)
    try:
        library.by_id("mine")
    except ProtocolError as error:
        for line in str(error).splitlines():
            assert len(line) < 400, name
            assert line.isprintable(), name
    assert "focus-16" in library.ids()
    assert library.problems() == [] or library.problems()[0].startswith("mine.json")


# ---- desktop entries -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *("", "\0", "[Desktop Entry]", "[Desktop Entry]\nExec", "[Desktop Entry]\nExec=", "=\n="),
        *('[Desktop Entry]\nExec="entrain', "[Desktop Entry]\nExec=entrain\\", "Exec=\n[x"),
        *(
            "[Desktop Entry]\nExec=\0",
            "[Desktop Entry]\r\nExec=entrain\r\n",
            "\ufeff[Desktop Entry]",
        ),
        *("[Desktop Entry]\nExec=\\\\\\\\", "[Desktop Entry]\nHidden=\udcff", "x" * 60_000),
    ],
)
def test_an_odd_desktop_entry_is_read_or_explained(tmp_path, text):
    path = tmp_path / "entrain.desktop"
    path.write_bytes(text.encode(errors="surrogateescape"))
    try:
        entry = read_entry(path)
    except PlatformError as error:
        told = str(error)
    else:
        assert entry is not None
        entry.program()
        entry.set("Exec", "entrain")
        write_entry(path, entry)
        assert read_entry(path).program() == "entrain"
        return
    assert str(path) in told
    assert told.isprintable()


def test_a_desktop_entry_is_made_where_a_link_leads_to(tmp_path):
    link = tmp_path / "entrain.desktop"
    link.symlink_to(tmp_path / "kept" / "entrain.desktop")
    assert read_entry(link) is None

    write_entry(link, DesktopEntry())

    assert link.is_symlink()
    assert read_entry(link) is not None


def test_a_desktop_entry_in_a_circle_is_one_line(tmp_path):
    link = tmp_path / "entrain.desktop"
    link.symlink_to(link.name)

    with pytest.raises(PlatformError, match="is a link that leads in a circle"):
        read_entry(link)
    with pytest.raises(PlatformError, match="is a link that leads in a circle"):
        write_entry(link, DesktopEntry())
