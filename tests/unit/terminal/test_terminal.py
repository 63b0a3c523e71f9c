"""The terminal's state, with a pseudo-terminal whose other end the test holds."""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator

import pytest

LEAVE = b"\x1b[?25h\x1b[?1049l"
PROGRAM = """
import sys
from entrain.platform.terminal import Terminal
with Terminal() as terminal:
    {body}
print("ended by", terminal.ended_by, flush=True)
"""


class Pair:
    """Both ends of a pseudo-terminal, and a program at one of them."""

    def __init__(self) -> None:
        self.ours, self.its = pty.openpty()
        self.before = termios.tcgetattr(self.its)
        self.program: subprocess.Popen[bytes] | None = None
        self.seen = b""

    def run(self, body: str) -> "subprocess.Popen[bytes]":
        self.program = subprocess.Popen(
            [sys.executable, "-P", "-c", PROGRAM.format(body=body)],
            stdin=self.its,
            stdout=self.its,
            stderr=self.its,
        )
        return self.program

    def read_until(self, wanted: bytes) -> None:
        deadline_s = time.monotonic() + 20
        while wanted not in self.seen:
            ready, _, _ = select.select([self.ours], [], [], 0.1)
            if ready:
                self.seen += os.read(self.ours, 65536)
            assert time.monotonic() < deadline_s, self.seen[-500:]

    def is_restored(self) -> bool:
        return termios.tcgetattr(self.its) == self.before


@pytest.fixture
def pair() -> Iterator[Pair]:
    found = Pair()
    yield found
    if found.program is not None:
        found.program.kill()
        found.program.wait()
    os.close(found.ours)
    os.close(found.its)


WAITS = "terminal.write(b'ready')\n    while not terminal.ended_by: terminal.read(10)"


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT], ids=lambda n: n.name
)
def test_a_signal_ends_the_wait_and_the_terminal_is_as_before(pair, number):
    program = pair.run(WAITS)
    pair.read_until(b"ready")
    assert not pair.is_restored()
    program.send_signal(number)
    pair.read_until(b"ended by %d" % number)
    assert program.wait(20) == 0
    assert LEAVE in pair.seen
    assert pair.is_restored()


def test_an_error_leaves_the_terminal_as_before_and_is_shown_there(pair):
    program = pair.run("raise LookupError('a mistake')")
    pair.read_until(b"LookupError: a mistake")
    assert program.wait(20) == 1
    assert pair.seen.index(LEAVE) < pair.seen.index(b"Traceback")
    assert pair.is_restored()


def test_keys_come_at_once_and_without_an_echo(pair):
    pair.run("terminal.write(b'ready')\n    keys = terminal.read(20)\n    terminal.write(keys * 3)")
    pair.read_until(b"ready")
    os.write(pair.ours, b"k")
    pair.read_until(b"kkk")
    assert b"kkkk" not in pair.seen


def test_a_terminal_that_takes_nothing_does_not_hold_up_the_end(pair):
    """No one reads, so the write waits; the signal ends it."""
    program = pair.run("terminal.write(b'ready' + b'x' * 1_000_000)")
    pair.read_until(b"ready")
    stalled_s = time.monotonic()
    while time.monotonic() < stalled_s + 0.5:  # until the terminal is full
        if select.select([], [pair.its], [], 0)[1]:
            stalled_s = time.monotonic()
        time.sleep(0.01)
    program.send_signal(signal.SIGTERM)
    assert program.wait(20) == 0
    assert pair.is_restored()


def test_an_end_of_the_connection_ends_the_wait(tmp_path):
    """As when ssh loses its connection: the read fails, and SIGHUP may not come."""
    found = Pair()
    said = tmp_path / "said"
    body = WAITS + f"\n    open({str(said)!r}, 'w').write(str(terminal.ended_by))"
    program = found.run(body)
    found.read_until(b"ready")
    os.close(found.its)
    os.close(found.ours)
    program.wait(20)
    assert said.read_text() == str(int(signal.SIGHUP))


def test_a_new_size_wakes_the_wait(pair):
    body = (
        "terminal.was_cleared()\n"
        "    terminal.write(b'ready')\n"
        "    while not terminal.was_cleared(): terminal.read(20)\n"
        "    terminal.write(repr(terminal.size()).encode())"
    )
    program = pair.run(body)
    pair.read_until(b"ready")
    termios.tcsetwinsize(pair.its, (33, 111))
    program.send_signal(signal.SIGWINCH)  # it has no controlling terminal to send it
    pair.read_until(b"(111, 33)")
