"""Checks whether a server listens at a local socket."""

import os
import socket
import sys
from pathlib import Path

PATIENCE_S = 1.0
"""Longest wait for a connection, in seconds."""


def listens(path: Path) -> bool:
    """Return whether a server listens at a socket; the socket of a dead server refuses."""
    if sys.platform == "win32":
        return False
    else:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(PATIENCE_S)
            try:
                probe.connect(os.fspath(path))
            except (BlockingIOError, TimeoutError):  # its queue is full: a busy server
                return True
            except OSError:
                return False
            return True
