"""The command line as a whole: its help, its name, and Ctrl-C while it starts."""

import subprocess
import sys

from command_line import entrain


def test_the_help_shows_each_short_text_in_full(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    listed = entrain("--help").stdout.partition("Commands:")[2]
    assert "..." not in listed
    assert "…" not in listed


def test_ctrl_c_during_an_import_ends_every_command_without_a_traceback():
    """The first 0.4 s of a command are imports."""
    code = """
import sys
class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == "entrain.tray.commands.cli":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
from entrain.tray.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, timeout=60)

    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"\n")


def test_the_command_line_says_who_it_is(home, serve):
    server = serve(home / "entrain" / "control.sock")

    entrain("bypass", "on")
    entrain("stop")

    assert server.clients == ["command line"] * 2
