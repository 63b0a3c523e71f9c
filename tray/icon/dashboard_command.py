"""Runs the command that opens the dashboard, in a process of its own."""

import subprocess
import sys

from entrain.errors import EntrainError

TIMEOUT_S = 30.0
"""Longest wait for the command, in seconds."""


def open_dashboard() -> None:
    """Run `entrain dashboard` and wait for its end, which comes before the end of the browser.

    Raises
    ------
    EntrainError
        The command has failed, or does not end in time; the text is its message.

    """
    command = [sys.executable, "-P", "-m", "entrain.tray", "dashboard"]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EntrainError("no browser has opened in time") from None
    except OSError as error:
        raise EntrainError(f"the dashboard cannot be started: {error.strerror}") from error
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        line = lines[-1].removeprefix("entrain: ") if lines else "its command has failed"
        raise EntrainError(line)
