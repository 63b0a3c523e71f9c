"""Asks RealtimeKit for real-time priority, for processes that may not take it themselves.

RealtimeKit is a service on the system bus.  It requires a limit on the time that real-time threads
run without a pause; native code sets this limit before.
"""

import os

from entrain.platform import message_bus
from entrain.threads import ThreadHandle

NAME = "org.freedesktop.RealtimeKit1"
PATH = "/org/freedesktop/RealtimeKit1"
PRIORITY = 5
"""Priority of the sound servers' own threads; RealtimeKit grants at most 20."""
TIMEOUT_S = 3.0


def make_realtime(thread: ThreadHandle) -> None:
    """Ask for real-time priority for a thread of this process, and wait for the answer.

    Parameters
    ----------
    thread : ThreadHandle
        On Linux, the thread's number in the kernel.

    Raises
    ------
    PlatformError
        There is no system bus or no RealtimeKit, it refuses, or it does not answer within
        `TIMEOUT_S`.

    """
    method = message_bus.Method(NAME, PATH, NAME, "MakeThreadRealtimeWithPID", "ttu")
    message_bus.call_once(None, "RealtimeKit", TIMEOUT_S, method, os.getpid(), thread, PRIORITY)
