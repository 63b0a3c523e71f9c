"""Slow motion: runs a command and its children on slower clocks.

Usage: python bench/slow_motion.py N COMMAND…

A shared machine sometimes stalls for some milliseconds, which no program on it can prevent.  With
slower clocks, programs do the same work in the same time as they see it, while the stalls become
shorter, as on a better machine.

libfaketime does something similar, but it is under the GPL, and lacks sem_clockwait() and
pthread_cond_clockwait(), which Python and C++ use for waiting.
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
    """Restart this program `factor` times slower, unless it is slower already."""
    if factor > 1 and "SLOW_MOTION" not in os.environ:
        _become(factor, [sys.executable, *sys.orig_argv[1:]])


def _become(factor: int, command: list[str]) -> NoReturn:
    LIBRARY.parent.mkdir(exist_ok=True)
    compiler = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]
    subprocess.run([*compiler, str(LIBRARY), str(SOURCE), "-ldl"], check=True)
    os.environ["SLOW_MOTION"] = str(factor)
    os.environ["SLOW_MOTION_FROM"] = str(int(time.time()))
    os.environ["LD_PRELOAD"] = str(LIBRARY)
    os.execvp(command[0], command)


if __name__ == "__main__":
    if len(sys.argv) < 3 or not sys.argv[1].isdigit() or int(sys.argv[1]) < 1:
        sys.exit(__doc__)
    _become(int(sys.argv[1]), sys.argv[2:])
