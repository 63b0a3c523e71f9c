"""Connections to a PulseAudio-compatible server: one for calls, one for news."""

import contextlib
import math
import select
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from entrain.platform.adapter import CALL_TIMEOUT_S, PlatformError
from entrain.platform.libpulse import pulsectl

assert sys.platform == "linux"

_ERRORS = (
    pulsectl.PulseError,
    pulsectl.PulseDisconnected,
    pulsectl._pulsectl.LibPulse.CallError,
)
NO_SERVER = (
    "no sound server answers; is PipeWire or PulseAudio running? (entrain run --sandbox needs none)"
)
_NO_ACCESS = (
    "the sound server denies access; does it belong to another user, or is the PulseAudio cookie "
    "wrong?"
)
_PA_ERR_ACCESS = 1


class Connection:
    """A libpulse connection with a time limit for its calls.

    libpulse itself waits without a limit.  Here the function that waits knows the deadline, and a
    call that exceeds it ends the connection.
    """

    def __init__(self) -> None:
        self._deadline = math.inf
        try:
            self._pulse = pulsectl.Pulse("Entrain", connect=False)
        except _ERRORS as error:  # not connected yet, so the fault is on this computer
            raise PlatformError(
                "libpulse cannot start; there is too little memory, or too many files are open"
            ) from error
        self._pulse.set_poll_func(self._poll)
        try:
            with self.call(connecting=True) as pulse:
                pulse.connect()
        except PlatformError:
            self.close()
            raise

    @contextmanager
    def call(self, connecting: bool = False) -> Iterator[Any]:
        """Yield the pulsectl object for calls that together take at most `CALL_TIMEOUT_S`."""
        if not connecting and not self._pulse.connected:
            raise PlatformError("the connection to the sound server is lost")
        self._deadline = time.monotonic() + CALL_TIMEOUT_S
        try:
            yield self._pulse
        except _ERRORS as error:
            if connecting:
                denied = self._errno() == _PA_ERR_ACCESS
                raise PlatformError(_NO_ACCESS if denied else NO_SERVER) from error
            if self._pulse.connected:
                raise PlatformError("the sound server refuses") from error
            raise PlatformError("the sound server does not answer") from error
        finally:
            self._deadline = math.inf

    def listen(self) -> None:
        """Wait for news until `interrupt`, or until the connection is lost (a PlatformError)."""
        try:
            self._pulse.event_listen()
        except _ERRORS as error:
            raise PlatformError("the connection to the sound server is lost") from error

    def interrupt(self) -> None:
        """End `listen`.  Called on another thread; without effect if `listen` has not begun yet."""
        self._pulse.event_listen_stop()

    def close(self) -> None:
        self._pulse.close()

    def _errno(self) -> int:
        return int(pulsectl._pulsectl.pa.context_errno(self._pulse._ctx))

    def _poll(self, fds: list[Any], timeout_s: float) -> int:
        left_s = max(0.0, self._deadline - time.monotonic())
        ready = _poll(fds, left_s if timeout_s < 0 else min(timeout_s, left_s))
        if not ready and time.monotonic() >= self._deadline:
            self._pulse.connected = False  # pulsectl waits for answers only while this holds
        return ready


class Watcher:
    """A thread with its own connection that sleeps until the server has news.

    Parameters
    ----------
    callback : callable
        See `SoundServer.watch`.
    streams : bool
        See `SoundServer.watch`.

    """

    def __init__(self, callback: Callable[[], None], streams: bool) -> None:
        self.lost = False
        """Whether the connection is lost and the last callback has been made."""
        self._callback = callback
        self._closed = False
        self._changed: set[int] = set()
        """Streams that have changed."""
        self._places: dict[int, int] = {}
        """Number of each stream's device, by the stream's number."""
        self._link = Connection()
        try:
            with self._link.call() as pulse:
                pulse.event_callback_set(self._news)
                pulse.event_mask_set("sink", "server", *(["sink_input"] if streams else []))
        except PlatformError:
            self._link.close()
            raise
        self._thread = threading.Thread(target=self._run, name="entrain-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; not to be called from the callback."""
        self._closed = True
        while self._thread.is_alive():
            self._link.interrupt()
            self._thread.join(0.02)
        self._link.close()

    def _run(self) -> None:
        try:
            while not self._closed:
                if self._changed:
                    self._look_for_moves()
                else:
                    self._link.listen()
        except PlatformError:
            self.lost = True
            self._tell()

    def _news(self, event: Any) -> None:
        """Handle one event.  It runs inside libpulse, where calls of the server are not allowed."""
        if event.facility != "sink_input":
            self._tell()
        elif event.t == "remove":
            self._changed.discard(event.index)
            self._places.pop(event.index, None)
            self._tell()
        else:
            self._changed.add(event.index)
            raise pulsectl.PulseLoopStop

    def _look_for_moves(self) -> None:
        """Report new and moved streams; most changes only concern volumes."""
        changed, self._changed = self._changed, set()
        before = dict(self._places)
        for index in changed:
            with self._link.call() as pulse, contextlib.suppress(pulsectl.PulseIndexError):
                self._places[index] = pulse.sink_input_info(index).sink
        if self._places != before:
            self._tell()

    def _tell(self) -> None:
        if not self._closed:
            self._callback()


def _poll(fds: list[Any], timeout_s: float) -> int:
    """Do the work of poll(2), with pulsectl's structures."""
    poller = select.poll()
    for fd in fds:
        poller.register(fd.fd, fd.events)
        fd.revents = 0
    found = dict(poller.poll(None if math.isinf(timeout_s) else math.ceil(timeout_s * 1000)))
    for fd in fds:
        fd.revents = found.get(fd.fd, 0)
    return len(found)
