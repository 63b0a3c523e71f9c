"""Calls into the drivers' libraries end in time, and write nothing to stderr."""

import signal
import subprocess
import sys

import pytest

SILENT = """
import ctypes, rtmidi
from entrain.vdevice.bridge.midi.driver_calls import silence
if {silent}:
    silence(rtmidi)
for api in (rtmidi.API_UNIX_JACK, rtmidi.API_LINUX_ALSA):
    try:
        rtmidi.MidiIn(rtapi=api, name="probe")
    except rtmidi.SystemError:
        pass
"""
HANGS = """
import ctypes
from entrain.vdevice.bridge.midi import driver_calls
driver_calls.LONGEST_CALL_S = 0.2
with driver_calls.bounded():
    with driver_calls.bounded():
        pass
    print("within its time", flush=True)
    {within}
with driver_calls.bounded():
    ctypes.PyDLL(None).sleep(60)  # holds Python's lock, as python-rtmidi does
"""
SLEEPS = "ctypes.PyDLL(None).sleep(60)"


def run(code: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("within", ["pass", SLEEPS], ids=["alone", "after an inner block"])
def test_a_driver_that_does_not_answer_ends_the_process(within):
    done = run(HANGS.format(within=within))
    assert done.returncode == -signal.SIGALRM
    assert done.stdout == "within its time\n"


def test_without_a_server_the_libraries_are_silent():
    pytest.importorskip("rtmidi", reason="python-rtmidi is not installed")
    missing = {"JACK_DEFAULT_SERVER": "entrain-no-such-server", "JACK_NO_START_SERVER": "1"}
    assert "annot" in run(SILENT.format(silent=False), **missing).stderr  # so this can fail
    done = run(SILENT.format(silent=True), **missing)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
