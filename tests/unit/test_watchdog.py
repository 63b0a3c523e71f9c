"""The bridge ends when its loop stands still, also where no thread of Python's can run."""

import subprocess
import sys

PROGRAM = """
import asyncio, ctypes
from entrain.vdevice.bridge import watchdog
watchdog.BEAT_S, watchdog.PATIENCE_S = 0.05, 1.0

async def main():
    watching = asyncio.create_task(watchdog.keep_alarm_off())
    await asyncio.sleep(3)
    print("alive", flush=True)
    {then}

asyncio.run(main())
print("ended", flush=True)
"""


def run(then: str) -> tuple[int, str]:
    command = [sys.executable, "-c", PROGRAM.format(then=then)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_loop_that_stands_still_in_a_library_ends_the_process():
    """A function of `PyDLL` keeps Python's lock, as a badly wrapped driver does."""
    assert run("ctypes.PyDLL(None).sleep(50)") == (1, "alive\n")


def test_a_loop_that_runs_is_left_alone():
    assert run("watching.cancel()") == (0, "alive\nended\n")
