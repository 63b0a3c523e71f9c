"""UDP sockets."""

import errno
import os
import socket


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


def reason(port: int, error: OSError) -> str:
    """Return in one line why a port cannot be opened."""
    if error.errno == errno.EADDRINUSE:
        return f"another app uses UDP port {port}"
    return f"cannot listen on UDP port {port}: {os.strerror(error.errno or 0)}"
