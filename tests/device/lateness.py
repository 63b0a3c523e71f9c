"""Measures the machine's own delays, so that tests do not blame Entrain for them.

A shared or virtual machine sometimes stands still for tens of milliseconds.  A `Witness` wakes up
regularly on each core and adds up how late it wakes.
"""

import mmap
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
from typing import Self

STEP_S = 0.004
UNREMARKABLE_S = 0.001
SIZE = struct.calcsize("d")


class Witness:
    """Adds up, in a separate process, the time in which the machine ran no process."""

    def __enter__(self) -> Self:
        self._file = tempfile.TemporaryFile()
        self._cores = sorted(os.sched_getaffinity(0))
        self._file.truncate(SIZE * len(self._cores))
        self._shared = mmap.mmap(self._file.fileno(), 0)
        number = self._file.fileno()
        self._process = subprocess.Popen([sys.executable, __file__, str(number)], pass_fds=[number])
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._shared.close()
        self._file.close()

    def lost_s(self) -> float:
        """Return the time lost since the start, summed over all cores."""
        assert self._process.poll() is None
        return sum(struct.unpack(f"{len(self._cores)}d", self._shared[:]))


def _watch(core: int, shared: mmap.mmap, place: int) -> None:
    os.sched_setaffinity(threading.get_native_id(), {core})
    lost_s = 0.0
    before_s = time.monotonic()
    while True:
        time.sleep(STEP_S)
        now_s = time.monotonic()
        if (late_s := now_s - before_s - STEP_S) > UNREMARKABLE_S:
            lost_s += late_s
            struct.pack_into("d", shared, place * SIZE, lost_s)
        before_s = now_s


if __name__ == "__main__":
    memory = mmap.mmap(int(sys.argv[1]), 0)
    for place, core in enumerate(sorted(os.sched_getaffinity(0))):
        threading.Thread(target=_watch, args=(core, memory, place)).start()
