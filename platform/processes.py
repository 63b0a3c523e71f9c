"""Ends child processes."""

import signal
import subprocess
import sys
from typing import Any

PATIENCE_S = 5.0


def end(process: subprocess.Popen[Any], patience_s: float = PATIENCE_S) -> bool:
    """Ask a process to end, and wait; kill it if it does not end in time.

    Idempotent.  A stopped process is continued first, since it could not react otherwise.

    Parameters
    ----------
    process : subprocess.Popen
        The process; its pipes stay open.
    patience_s : float
        Longest wait, in seconds.

    Returns
    -------
    bool
        False if the process had to be killed.

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
