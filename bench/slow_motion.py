"""Slow motion: a program and all that it starts, on clocks that go slower.

Usage: python bench/slow_motion.py N COMMAND…

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
from typing import NoReturn

SOURCE = Path(__file__).with_suffix(".c")
LIBRARY = Path(__file__).parents[1] / "build" / "slow_motion.so"


def begin(factor: int) -> None:
    """Start this program once more, `factor` times slower; does nothing where it is so already."""
    if factor > 1 and "SLOW_MOTION" not in os.environ:
        _become(factor, [sys.executable, *sys.orig_argv[1:]])


def _become(factor: int, command: list[str]) -> NoReturn:
    LIBRARY.parent.mkdir(exist_ok=True)
    compiler = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", LIBRARY]
    subprocess.run([*compiler, SOURCE, "-ldl"], check=True)
    os.environ["SLOW_MOTION"] = str(factor)
    os.environ["SLOW_MOTION_FROM"] = str(int(time.time()))
    os.environ["LD_PRELOAD"] = str(LIBRARY)
    os.execvp(command[0], command)


if __name__ == "__main__":
    if len(sys.argv) < 3 or not sys.argv[1].isdigit() or int(sys.argv[1]) < 1:
        sys.exit(__doc__)
    _become(int(sys.argv[1]), sys.argv[2:])
