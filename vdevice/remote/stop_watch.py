"""Notices that a child process stands still because it was stopped, such as by ``kill -STOP``.

The kernel tells it to a thread that waits, so nothing polls, and a computer that was suspended does
not look like a stopped process.
"""

import os
import sys
import threading
from collections.abc import Callable


def watch_stops(process: int, tell: Callable[[bool], object]) -> None:
    """Start a thread that ends with the child process.  Only Linux tells.

    Parameters
    ----------
    process : int
        Number of the child process.
    tell : callable
        Is called on the thread: with True when the process is stopped, with False when it goes on.

    Raises
    ------
    RuntimeError
        No thread can be started.

    """
    if sys.platform == "linux":
        threading.Thread(target=_watch, args=(process, tell), daemon=True).start()


if sys.platform == "linux":

    def _watch(process: int, tell: Callable[[bool], object]) -> None:
        awaited = os.WSTOPPED
        while True:
            try:
                # WNOWAIT leaves the end of the process to asyncio.
                seen = os.waitid(os.P_PID, process, awaited | os.WEXITED | os.WNOWAIT)
            except OSError:  # it has ended
                return
            if seen is None or seen.si_code not in (os.CLD_STOPPED, os.CLD_CONTINUED):
                return
            is_stopped = seen.si_code == os.CLD_STOPPED
            awaited = os.WCONTINUED if is_stopped else os.WSTOPPED
            tell(is_stopped)
