"""Calls into the drivers' libraries: bounded in time, and without their messages on stderr.

python-rtmidi holds Python's lock while it opens or closes a port, so no other thread of Python's
can run while a driver does not answer.  A signal ends the whole process then, and Entrain starts
another one; MIDI has its process for itself.
"""

import contextlib
import ctypes
import signal
import sys
from collections.abc import Iterator
from types import ModuleType

LONGEST_CALL_S = 5.0
"""Time after which a driver does not answer, in seconds; less than the patience of the watchdog."""
_REPORTERS = ("jack_set_error_function", "jack_set_info_function", "snd_lib_error_set_handler")
"""Functions of libjack and of ALSA's library that take a function for messages to people."""


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """End the process by the signal ALRM if this block takes longer than `LONGEST_CALL_S`.

    Within another such block, that one's time counts.
    """
    if sys.platform == "win32" or signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
    else:
        signal.setitimer(signal.ITIMER_REAL, LONGEST_CALL_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def silence(rtmidi: ModuleType) -> None:
    """Drop what the drivers' libraries say: without a server, four lines for each attempt.

    They call any function with the text.  A function of C that has no effect is best: one of
    Python's would have to run on their real-time threads.
    """
    with contextlib.suppress(AttributeError, OSError):
        libraries = ctypes.CDLL(rtmidi._rtmidi.__file__)
        harmless = ctypes.cast(ctypes.CDLL(None).strlen, ctypes.c_void_p)
        for name in _REPORTERS:
            if reporter := getattr(libraries, name, None):  # a build may lack one of the drivers
                reporter.argtypes, reporter.restype = [ctypes.c_void_p], None
                reporter(harmless)
