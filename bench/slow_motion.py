"""Slow motion: a benchmark and all that it starts, on clocks that go slower.

A machine that is shared stands still for some milliseconds now and then, and no program of its
own can help that.  Where every clock goes slower, the work is the same, and so are its times as
the programs see them; what the machine misses becomes so much shorter, as on a better one.

libfaketime does the like, but it is under the GPL, and does not know sem_clockwait() and
pthread_cond_clockwait(), with which Python and C++ wait.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")
LIBRARY = Path(__file__).parents[1] / "build" / "slow_motion.so"


def begin(factor: int) -> None:
    """Start this program once more, `factor` times slower; does nothing where it is so already."""
    if factor == 1 or "SLOW_MOTION" in os.environ:
        return
    LIBRARY.parent.mkdir(exist_ok=True)
    command = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", LIBRARY]
    subprocess.run([*command, SOURCE, "-ldl"], check=True)
    os.environ["SLOW_MOTION"] = str(factor)
    os.environ["SLOW_MOTION_FROM"] = str(int(time.time()))
    os.environ["LD_PRELOAD"] = str(LIBRARY)
    os.execv(sys.executable, sys.orig_argv)
