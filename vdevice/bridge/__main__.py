"""Entry point of the bridge; Entrain starts it, and it ends with Entrain.

Usage: python -m entrain.vdevice.bridge CONTROL_SOCKET

Its standard input is a socket of Entrain's: poses go out, orders come in.  It ends when Entrain
closes the other end, or dies.  On its standard output it reports, one JSON object a line.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
from pathlib import Path

from entrain.vdevice.bridge.bridge import Bridge

_PR_SET_PDEATHSIG = 1
"""From Linux's `sys/prctl.h`."""


def main() -> None:
    """Serve until Entrain ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is Entrain's; its end is ours
    _go_on_when_entrain_dies()
    link = socket.socket(fileno=sys.stdin.fileno())
    link.setblocking(False)
    asyncio.run(Bridge(link, Path(sys.argv[1])).run())
    os._exit(0)  # all is closed; Python's own end would take as long as its start


def _go_on_when_entrain_dies() -> None:
    """Let the kernel continue this process when Entrain dies: while stopped, it could not end."""
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):  # another C library
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGCONT)


if __name__ == "__main__":
    main()
