"""UDP sockets, and ports that are opened again later while another app uses them."""

import asyncio
import errno
import os
import socket
from collections.abc import Callable

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Pause before a port is opened again that another app uses; it doubles each time."""


def bound(family: int, host: str, port: int) -> socket.socket:
    """Open a socket that does not block; raises OSError."""
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.setblocking(False)
        made.bind((host, port))
    except BaseException:
        made.close()
        raise
    return made


def reason(port: int, error: OSError, host: str = "") -> str:
    """Return in one line why a port cannot be opened, at this address if one is given."""
    if error.errno == errno.EADDRINUSE:
        return f"another app uses UDP port {port}"
    if error.errno == errno.EADDRNOTAVAIL and host:
        return f"{host} is not an address of this computer now"
    return f"cannot listen on UDP port {port}: {os.strerror(error.errno or 0)}"


class RetryingPort:
    """Opens a port, and tries again later until that succeeds.

    Parameters
    ----------
    attempt : callable
        Opens the port; returns False if it must be tried again.

    """

    def __init__(self, attempt: Callable[[], bool]) -> None:
        self._attempt = attempt
        self._pause_s = FIRST_PAUSE_S
        self._next: asyncio.TimerHandle | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether another attempt will come."""
        return self._next is not None

    def open(self) -> None:
        """Make an attempt now, and more of them later if it fails."""
        self.close()
        if not self._attempt():
            self._next = asyncio.get_running_loop().call_later(self._pause_s, self.open)
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def close(self) -> None:
        """Make no more attempts.  Idempotent."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
