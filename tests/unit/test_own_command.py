"""Messages name the command in a form that the user can type."""

import sys
from pathlib import Path

import pytest

from entrain.platform.own_command import typed_command


@pytest.mark.parametrize(
    ("on_path", "started", "typed"),
    [
        (True, ".venv/bin/entrain", "entrain"),
        (False, ".venv/bin/entrain", ".venv/bin/entrain"),
        (False, "my clone/bin/entrain", "'my clone/bin/entrain'"),
        (False, "/usr/lib/python3/entrain/__main__.py", "entrain"),
    ],
)
def test_it_is_the_path_where_the_shell_does_not_find_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_path: bool, started: str, typed: str
) -> None:
    if on_path:
        (tmp_path / "entrain").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [started])

    assert typed_command() == typed
