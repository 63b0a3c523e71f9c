"""The terminal of a full-screen program: single keys, its size, and its state restored at the end.

`Terminal` is for the main thread, except `wake`.  It knows bytes, but neither keys nor a screen.
"""

import os
import sys
from typing import Self

if sys.platform == "win32":
    import msvcrt
    import threading
    import time
else:
    import contextlib
    import select
    import signal
    import termios
    from types import FrameType

MAX_READ_BYTES = 256
"""Most bytes of keys that one `Terminal.read` returns."""

_ENTER = b"\x1b[?1049h\x1b[?25l\x1b[2J"  # the alternate screen, without a cursor, empty
_LEAVE = b"\x1b[0m\x1b[?25h\x1b[?1049l"


def is_interactive() -> bool:
    """Return whether keys can be read from a terminal, and a screen drawn in it."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    is_unicode = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    return is_unicode and os.environ.get("TERM", "" if os.name == "posix" else "windows") not in (
        "",
        "dumb",
        "unknown",
    )


if sys.platform == "win32":
    _POLL_S = 0.02
    _SPECIAL = {"H": b"\x1b[A", "P": b"\x1b[B", "M": b"\x1b[C", "K": b"\x1b[D"}

    class Terminal:
        """The console.  See the version for POSIX below."""

        ended_by: int | None = None

        def __init__(self) -> None:
            self._is_awake = threading.Event()
            self._size = os.terminal_size((0, 0))

        def __enter__(self) -> Self:
            os.system("")  # switches the console's escape sequences on
            os.write(1, _ENTER)
            return self

        def __exit__(self, *_: object) -> None:
            os.write(1, _LEAVE)

        def wake(self) -> None:
            self._is_awake.set()

        def read(self, timeout_s: float) -> bytes:
            deadline_s = time.monotonic() + timeout_s
            while not msvcrt.kbhit():
                rest_s = deadline_s - time.monotonic()
                if rest_s <= 0 or self._is_awake.wait(min(_POLL_S, rest_s)):
                    self._is_awake.clear()
                    return b""
            found = b""
            while msvcrt.kbhit() and len(found) < MAX_READ_BYTES:
                key = msvcrt.getwch()
                if key in "\x00\xe0":
                    found += _SPECIAL.get(msvcrt.getwch(), b"")
                else:
                    found += key.encode("utf-8", "ignore")
            return found

        def write(self, data: bytes) -> None:
            os.write(1, data)

        def size(self) -> tuple[int, int]:
            columns, rows = os.get_terminal_size(1)
            return columns, rows

        def was_cleared(self) -> bool:
            before, self._size = self._size, os.get_terminal_size(1)
            return before != self._size

else:
    _ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    _OTHERS = (signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT)

    class _Ended(BaseException):
        """A signal has come while a write waited for the terminal."""

    class Terminal:
        """The terminal at stdin and stdout; a context manager.

        Inside, keys come one by one without an echo, and the alternate screen is shown.  A signal
        that would end the process sets `ended_by` instead; Ctrl-Z restores the terminal until the
        process goes on.  At the end of the block, everything is as it was before.  After
        SIGKILL and SIGSTOP, the terminal stays as it is: no process can react to these two.
        """

        def __init__(self) -> None:
            self.ended_by: int | None = None
            self._in, self._out = sys.stdin.fileno(), sys.stdout.fileno()
            self._before = termios.tcgetattr(self._in)
            self._handlers: dict[int, object] = {}
            self._is_suspended = self._is_continued = self._is_cleared = self._writes = False
            self._woken, self._waker = os.pipe()
            os.set_blocking(self._woken, False)
            os.set_blocking(self._waker, False)

        def __enter__(self) -> Self:
            for each in (*_ENDING, *_OTHERS):
                self._handlers[each] = signal.signal(each, self._note)
            signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
            try:
                self._show()
            except BaseException:
                self.__exit__()
                raise
            return self

        def __exit__(self, kind: object = None, *_: object) -> bool:
            try:
                self._restore()
            finally:
                signal.set_wakeup_fd(-1)
                for each, handler in self._handlers.items():
                    signal.signal(each, handler)  # type: ignore[arg-type]
                os.close(self._woken)
                os.close(self._waker)
            return kind is _Ended  # it has come in the very last moment of a write

        def wake(self) -> None:
            """End a `read` early.  On any thread, until the end of the block."""
            with contextlib.suppress(OSError):  # it is full, so `read` ends anyway
                os.write(self._waker, b"\0")

        def read(self, timeout_s: float) -> bytes:
            """Wait for keys, a signal or `wake`.

            Returns
            -------
            bytes
                At most `MAX_READ_BYTES`; empty if no key was pressed.

            """
            if self._is_suspended:
                self._suspend()
            elif self._is_continued:  # the shell had the terminal meanwhile
                self._show()
            ready, _, _ = select.select([self._in, self._woken], [], [], max(timeout_s, 0.0))
            if self._woken in ready:
                with contextlib.suppress(BlockingIOError):
                    while os.read(self._woken, 4096):
                        pass
            if self._in not in ready:
                return b""
            try:
                found = os.read(self._in, MAX_READ_BYTES)
            except OSError:  # the terminal has gone
                found = b""
            if not found:
                self.ended_by = self.ended_by or signal.SIGHUP
            return found

        def write(self, data: bytes) -> None:
            """Send bytes to the terminal, unless it has gone or the process has to end."""
            try:
                self._writes = True
                while data and self.ended_by is None:
                    data = data[os.write(self._out, data) :]
            except _Ended:
                pass
            except OSError:
                self.ended_by = self.ended_by or signal.SIGHUP
            finally:
                self._writes = False

        def size(self) -> tuple[int, int]:
            """Return the number of columns and of rows."""
            try:
                columns, rows = os.get_terminal_size(self._out)
            except OSError:
                return 80, 24
            return (columns, rows) if columns > 0 and rows > 0 else (80, 24)

        def was_cleared(self) -> bool:
            """Return once, after a new size or Ctrl-Z, that everything must be drawn again."""
            cleared, self._is_cleared = self._is_cleared, False
            return cleared

        def _show(self) -> None:
            self._is_continued = False
            now = termios.tcgetattr(self._in)
            now[0] &= ~termios.IXON  # Ctrl-S must not stop the screen
            now[3] &= ~(termios.ICANON | termios.ECHO)
            now[6][termios.VMIN], now[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self._in, termios.TCSANOW, now)
            self._is_cleared = True
            self.write(_ENTER)

        def _restore(self) -> None:
            # Not TCSADRAIN: it would wait for a connection that has stalled.
            with contextlib.suppress(termios.error):  # the terminal has gone
                termios.tcsetattr(self._in, termios.TCSANOW, self._before)
            with contextlib.suppress(termios.error, OSError):
                if not select.select([], [self._out], [], 0)[1]:  # stalled: the write would wait
                    termios.tcflush(self._out, termios.TCOFLUSH)
                os.write(self._out, _LEAVE)

        def _suspend(self) -> None:
            """Stop as Ctrl-Z stops any other program, and go on when the shell says so."""
            self._is_suspended = False
            self._restore()
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTSTP)
            signal.signal(signal.SIGTSTP, self._note)
            self._show()

        def _note(self, number: int, _frame: FrameType | None) -> None:
            if number in _ENDING:
                self.ended_by = number
                if self._writes:
                    raise _Ended
            elif number == signal.SIGTSTP:
                self._is_suspended = True
            elif number == signal.SIGCONT:
                self._is_continued = True
            else:
                self._is_cleared = True
