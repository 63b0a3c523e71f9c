"""Ends the bridge when its loop stands still, so that Entrain starts it again.

A driver's library may wait for its server for ever, and no thread of Python's runs meanwhile if it
holds Python's lock.  The alarm of `faulthandler` is a thread of its own that needs no lock.
"""

import asyncio
import faulthandler
import os

BEAT_S = 2.0
PATIENCE_S = 8.0
"""Longest time without a beat, in seconds; a busy machine may delay one."""


async def keep_alarm_off() -> None:
    """Put the alarm off while the loop runs, until cancelled."""
    silence = os.open(os.devnull, os.O_WRONLY)  # the alarm writes where each thread stands
    try:
        while True:
            faulthandler.dump_traceback_later(PATIENCE_S, file=silence, exit=True)
            await asyncio.sleep(BEAT_S)
    finally:
        faulthandler.cancel_dump_traceback_later()
        os.close(silence)
