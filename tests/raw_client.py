"""A client of the control socket that can misbehave."""

import contextlib
import socket
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path


@contextlib.contextmanager
def raw(path: Path) -> Iterator[tuple[socket.socket, BufferedReader]]:
    """Connect; yield the socket to send bytes, and a file to read lines."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        yield connection, connection.makefile("rb")
