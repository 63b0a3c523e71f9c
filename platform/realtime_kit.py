"""RealtimeKit: gives real-time priority to threads of programs that may not take it themselves.

It is asked on the system's bus.  It wants the process to have a limit on the time that its
real-time threads run without a pause, which native code has set by then.
"""

import os

from entrain.platform import message_bus
from entrain.threads import ThreadHandle

NAME = "org.freedesktop.RealtimeKit1"
PATH = "/org/freedesktop/RealtimeKit1"
PRIORITY = 5
"""As the sound servers' own threads have; RealtimeKit gives 20 at most."""
TIMEOUT_S = 3.0


def make_realtime(thread: ThreadHandle) -> None:
    """Ask for real-time priority for a thread of this process, and wait for the answer.

    Parameters
    ----------
    thread : ThreadHandle
        On Linux that is the thread's number in the kernel.

    Raises
    ------
    PlatformError
        There is no system bus or no RealtimeKit, it refuses, or it does not answer within
        `TIMEOUT_S`.

    """
    method = message_bus.Method(NAME, PATH, NAME, "MakeThreadRealtimeWithPID", "ttu")
    message_bus.call_once(None, "RealtimeKit", TIMEOUT_S, method, os.getpid(), thread, PRIORITY)
