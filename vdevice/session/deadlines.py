"""When the player must look at the time again.  Knows no engine."""

from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.timeline import end_s
from entrain.vdevice.session.listening_time import LOG_S
from entrain.vdevice.session.sleep_timer import SleepTimer

_LOOK_S = 1.0
"""Shortest pause between two looks, in seconds."""
_DAY_LOOK_S = 30.0
_SLEEP_LOOK_S = 5.0
"""Longest pause while the sleep timer runs: only the timer continues in suspension."""


def pause_s(
    protocol: Protocol | None, session_s: float, sleep: SleepTimer | None, *, fades: bool
) -> float:
    """Return the shortest time after which something is due, in seconds.

    Parameters
    ----------
    protocol : Protocol or None
        The running protocol; None: it has ended.
    session_s : float
        Time in its session.
    sleep : SleepTimer or None
        The sleep timer as it is now.
    fades : bool
        Whether a fade to silence has begun.

    """
    pauses = [LOG_S]
    if sleep:
        fade_s = 0.0 if sleep.fade else sleep.fade_s
        pauses.append(min(sleep.left_s - fade_s, _SLEEP_LOOK_S))
    if protocol:
        if (end := end_s(protocol)) is not None:
            fade_s = protocol.ramp_out_s if protocol.loop and not fades else 0.0
            pauses.append(end - session_s - fade_s)
        if protocol.time_of_day:
            pauses.append(_DAY_LOOK_S)
    return max(_LOOK_S, min(pauses))
