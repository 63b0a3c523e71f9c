"""Open a back end again and again, each time with another allocation that fails.

`python out_of_memory.py pipewire|pulse SECONDS`, with failing_new.so preloaded; prints how many
back ends were lost for want of memory.  If an exception gets out of a callback, it is killed.
"""

import ctypes
import random
import sys
import time

from entrain.backend import Backend, BackendState, Phase
from entrain.engine import Engine

TIMEOUT_S = 3.0
FIRST = 120
"""Allocations, roughly, until everything has been told for the first time."""

memory = ctypes.CDLL(None)


def settle(backend: Backend) -> BackendState:
    """Wait until it is ready or lost."""
    end_s = time.monotonic() + TIMEOUT_S
    while (state := backend.state()).phase not in (Phase.READY, Phase.LOST):
        if time.monotonic() > end_s:
            break
        time.sleep(0.005)
    return state


def main(kind: str, seconds: float) -> None:
    choose = random.Random(1)
    lost = 0
    with Engine() as engine:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            memory.fail_at(ctypes.c_long(choose.randrange(FIRST)))
            backend = Backend(kind, engine, "speakers")
            settle(backend)
            backend.set_target("headphones")
            state = settle(backend)
            memory.fail_at(ctypes.c_long(-1))
            backend.close()
            if state.phase == Phase.LOST:
                assert state.error == "out of memory", state
                lost += 1
        backend = Backend(kind, engine, "speakers")
        state = settle(backend)
        backend.close()
        assert state.phase == Phase.READY, state
    print(lost)


main(sys.argv[1], float(sys.argv[2]))
