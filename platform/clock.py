"""A clock that goes on while the machine is suspended.  Any thread.

Python's `time.monotonic`, and with it asyncio's timers, stands still then on Linux and macOS.
"""

import sys
import time


def suspended_too_s() -> float:
    """Return the seconds since a moment in the past, with those of each suspension."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    elif sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    else:
        return time.monotonic()
