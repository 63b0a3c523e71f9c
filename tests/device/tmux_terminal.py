"""A terminal whose keys a test presses and whose screen it reads: a private tmux."""

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import app
import soundlab

PROMPT = r"^[#$]$"
"""The shell waits for a command."""
WATCH = shlex.join([*app.ENTRAIN, "watch"])


class Terminal:
    """A shell in a terminal of its own."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._command = ["tmux", "-f", os.devnull, "-S", str(folder / "tmux")]
        self._environment = {**os.environ, **environment, "ENV": ""}
        self._environment.pop("TMUX", None)
        self.folder = folder

    def tmux(self, *arguments: str) -> str:
        """Run a command of tmux."""
        done = subprocess.run(
            [*self._command, *arguments],
            env=self._environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
        return done.stdout

    def type(self, line: str) -> None:
        """Type a line for the shell."""
        self.tmux("send-keys", "-l", line)
        self.press("Enter")

    def press(self, *keys: str) -> None:
        """Press keys, by their names in tmux."""
        self.tmux("send-keys", *keys)

    def lines(self) -> list[str]:
        """Return the rows of the screen."""
        return self.tmux("capture-pane", "-p").splitlines()

    def ask(self, variable: str) -> str:
        """Return a variable of tmux for this terminal."""
        return self.tmux("display-message", "-p", f"#{{{variable}}}").strip()

    def resize(self, columns: int, rows: int) -> None:
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def wait_for(self, pattern: str, timeout_s: float = 20) -> str:
        """Wait until the screen contains this pattern; returns the match."""
        return self.wait_until(
            lambda text: match[0] if (match := re.search(pattern, text, re.M)) else "",
            f"the screen shows {pattern!r}",
            timeout_s,
        )

    def wait_until(self, matches: Callable[[str], str], what: str, timeout_s: float = 20) -> str:
        """Wait for a text of the screen."""
        try:
            return soundlab.wait_until(lambda: matches("\n".join(self.lines())), timeout_s, what)
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), *self.lines()])) from None

    def children(self) -> list[int]:
        """Return the processes that the shell runs."""
        shell = self.ask("pane_pid")
        found = Path(f"/proc/{shell}/task/{shell}/children").read_text(encoding="ascii")
        return [int(pid) for pid in found.split()]

    def modes(self, name: str) -> str:
        """Return the terminal's settings, which the shell asks for."""
        file = self.folder / name
        self.type(f"stty -a > {file}.new && mv {file}.new {file}")
        soundlab.wait_until(file.exists, 20, "the settings are known")
        return file.read_text(encoding="utf-8")


@contextmanager
def terminal(
    folder: Path, environment: Mapping[str, str], columns: int = 80, rows: int = 24
) -> Iterator[Terminal]:
    """Open a terminal with a shell until the end of the block."""
    found = Terminal(folder, environment)
    found.tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), "sh -m -i")
    try:
        found.wait_for(PROMPT)
        yield found
    finally:
        with suppress(subprocess.CalledProcessError):  # it has ended with its last terminal
            found.tmux("kill-server")
