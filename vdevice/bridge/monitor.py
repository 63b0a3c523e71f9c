"""Lets commands see what arrives: a local socket that they connect to and read lines from.

A line is a JSON object.  Work and memory are bounded, and lines are made only for a watcher.
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from entrain.platform.local_socket import SocketError, listen

LINES_PER_S = 50
"""Most lines in a second; the others are counted."""
MAX_WATCHERS = 4
_ACCEPT_AGAIN_S = 1.0
"""Pause after a watcher could not be accepted, in seconds."""

Line = Mapping[str, object]
"""JSON values."""


class Monitor:
    """Serves its socket until it is closed.

    Parameters
    ----------
    path : Path
        The socket, in the folder of the control socket.  Without it, there are no watchers.

    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._listener: socket.socket | None = None
        self._watchers: list[socket.socket] = []
        self._second_s = self._loop.time()
        """When the present second has begun."""
        self._shown = self._skipped = 0
        """Lines in this second."""
        self._timer: asyncio.TimerHandle | None = None
        with contextlib.suppress(SocketError, OSError):
            self._listener = listen(path, MAX_WATCHERS)
            self._made = path.lstat()
            self._listen()

    def _listen(self) -> None:
        if self._listener is not None:
            self._loop.add_reader(self._listener, self._accept)

    def show(self, make: Callable[[], Line]) -> None:
        """Show a line to the watchers, unless too many lines came before it in this second.

        Parameters
        ----------
        make : callable
            Makes the line; called only if that is shown.

        """
        if not self._watchers:
            return
        now_s = self._loop.time()
        if now_s - self._second_s >= 1.0 and self._timer is None:
            self._second_s, self._shown = now_s, 0
        if self._shown < LINES_PER_S:
            self._shown += 1
            self._send(make())
            return
        self._skipped += 1
        if self._timer is None:
            self._timer = self._loop.call_at(self._second_s + 1.0, self._tell_skipped)

    def close(self) -> None:
        """End it, and remove the socket.  Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
        for each in list(self._watchers):
            self._drop(each)
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
            with contextlib.suppress(OSError):
                if os.path.samestat(self._path.lstat(), self._made):  # no other Entrain's
                    self._path.unlink()

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            watcher, _ = self._listener.accept()
        except (
            OSError
        ):  # no descriptor is left, for example: the loop would call this at once again
            self._loop.remove_reader(self._listener)
            self._loop.call_later(_ACCEPT_AGAIN_S, self._listen)
            return
        watcher.setblocking(False)
        self._watchers.append(watcher)
        if len(self._watchers) > MAX_WATCHERS:
            with contextlib.suppress(OSError):
                watcher.send(_written({"problem": f"{MAX_WATCHERS} monitors run already"}))
            self._drop(watcher)
        else:
            self._loop.add_reader(watcher, self._receive, watcher)

    def _receive(self, watcher: socket.socket) -> None:
        """Notice that a watcher hangs up; it has nothing to say."""
        with contextlib.suppress(BlockingIOError):
            try:
                data = watcher.recv(4096)
            except ConnectionError:
                data = b""
            if not data:
                self._drop(watcher)

    def _tell_skipped(self) -> None:
        self._timer = None
        self._second_s, self._shown = self._loop.time(), 0
        skipped, self._skipped = self._skipped, 0
        self._send({"skipped": skipped})

    def _send(self, line: Line) -> None:
        """Send a line; a watcher that does not read is dropped, and may connect again."""
        data = _written(line)
        for each in list(self._watchers):
            try:
                has_all = each.send(data) == len(data)
            except OSError:
                has_all = False
            if not has_all:
                self._drop(each)

    def _drop(self, watcher: socket.socket) -> None:
        self._watchers.remove(watcher)
        self._loop.remove_reader(watcher)
        watcher.close()


def _written(line: Line) -> bytes:
    return json.dumps(line).encode() + b"\n"
