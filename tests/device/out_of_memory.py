"""Open a back end again and again; each time, another allocation fails.

`python out_of_memory.py pipewire|pulse SECONDS`, with failing_new.so preloaded, prints how many
back ends were lost because of an allocation.  An exception that escapes from a callback or from the
closing of a back end kills this process.
"""

import ctypes
import random
import sys
import time

from entrain.backend import Backend, BackendState, Phase
from entrain.engine import Engine

TIMEOUT_S = 3.0
PATIENCE_S = 60.0
"""Extra time on a slow machine, until enough back ends have been lost."""
LEAST_LOST = 5
MANY = 1_000_000
"""A number above the number of all allocations."""
AT_CLOSE = 30
"""The approximate number of allocations while a back end is closed."""

memory = ctypes.CDLL(None)
memory.allocations_left.restype = ctypes.c_long
memory.fail_at.argtypes = [ctypes.c_long, ctypes.c_int]


def settle(backend: Backend) -> BackendState:
    """Wait until the back end is ready or lost."""
    end_s = time.monotonic() + TIMEOUT_S
    while (state := backend.state()).phase not in (Phase.READY, Phase.LOST):
        if time.monotonic() > end_s:
            break
        time.sleep(0.005)
    return state


def open_and_close(kind: str, engine: Engine, choose: random.Random) -> BackendState:
    """Open a back end, change its device, close it, and return its state before the closing."""
    backend = Backend(kind, engine, "speakers")
    settle(backend)
    backend.set_target("headphones")
    state = settle(backend)
    left = memory.allocations_left()
    memory.fail_at(choose.randrange(AT_CLOSE), 1)
    backend.close()
    memory.fail_at(left, 0)
    return state


def main(kind: str, seconds: float) -> None:
    choose = random.Random(1)
    lost = 0
    with Engine() as engine:
        memory.fail_at(MANY, 0)
        open_and_close(kind, engine, choose)
        allocations = MANY - memory.allocations_left()
        began_s = time.monotonic()
        while (spent_s := time.monotonic() - began_s) < seconds or lost < LEAST_LOST:
            if spent_s > seconds + PATIENCE_S:
                break
            memory.fail_at(choose.randrange(allocations), 0)
            state = open_and_close(kind, engine, choose)
            if state.phase == Phase.LOST:
                assert state.error == "out of memory", state
                lost += 1
        memory.fail_at(-1, 0)
        backend = Backend(kind, engine, "speakers")
        state = settle(backend)
        backend.close()
        assert state.phase == Phase.READY, state
    print(lost)


main(sys.argv[1], float(sys.argv[2]))
