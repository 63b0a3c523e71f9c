"""A clock that also runs while the computer is suspended.  Any thread may use it.

On Linux and macOS, Python's `time.monotonic` and asyncio's timers stand still during suspension.
"""

import sys
import time


def suspended_too_s() -> float:
    """Return the seconds since a moment in the past, including suspensions."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    elif sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    else:
        return time.monotonic()
