"""Whether somebody listens at a socket of this machine."""

import os
import socket
import sys
from pathlib import Path

PATIENCE_S = 1.0
"""How long a connection may take, in seconds."""


def listens(path: Path) -> bool:
    """Tell whether somebody listens at a socket; one that a dead server has left refuses."""
    if sys.platform == "win32":
        return False
    else:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(PATIENCE_S)
            try:
                probe.connect(os.fspath(path))
            except (BlockingIOError, TimeoutError):  # its queue is full: busy, but there
                return True
            except OSError:
                return False
            return True
