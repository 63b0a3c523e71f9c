"""Client of a monitor in a bridge: a line for each message that arrives from outside."""

import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any

from entrain.errors import EntrainError
from entrain.platform.folders import user_paths
from entrain.platform.local_socket import connect

_CONNECT_TIMEOUT_S = 3.0
_MOST_LINE_BYTES = 1 << 16


def arrivals(socket_name: str) -> Iterator[dict[str, Any]] | None:
    """Return the lines of a monitor until its process ends; None if its socket is not there.

    Parameters
    ----------
    socket_name : str
        Name of its socket, in the folder of the control socket.

    Raises
    ------
    EntrainError
        Another program answers there.

    """
    found = connect(user_paths().runtime / socket_name, _CONNECT_TIMEOUT_S)
    return None if found is None else _lines(found)


def _lines(found: socket.socket) -> Iterator[dict[str, Any]]:
    with found:
        found.settimeout(None)
        # A process that is killed may reset the connection.
        with found.makefile("rb") as stream, contextlib.suppress(ConnectionError):
            while (data := stream.readline(_MOST_LINE_BYTES)).endswith(b"\n"):
                yield _read(data)


def _read(data: bytes) -> dict[str, Any]:
    try:
        line = json.loads(data)
    except (ValueError, RecursionError):
        line = None
    if not isinstance(line, dict):
        raise EntrainError("another program answers at the monitor's socket")
    return line
