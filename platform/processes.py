"""Ending programs that this one has started."""

import signal
import subprocess
import sys
from typing import Any

PATIENCE_S = 5.0


def end(process: subprocess.Popen[Any], patience_s: float = PATIENCE_S) -> bool:
    """Ask a program to end and wait for that; kill it where it does not.

    Idempotent.  A program that is paused goes on first: else it would not hear the wish.

    Parameters
    ----------
    process : subprocess.Popen
        The program; its pipes stay open.
    patience_s : float
        How long it may take, in seconds.

    Returns
    -------
    bool
        False where it had to be killed.

    """
    if sys.platform != "win32":
        process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True
