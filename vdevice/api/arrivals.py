"""Client of a monitor in the process for outside control: a line for each message that arrives."""

import json
from collections.abc import Iterator
from typing import Any

from entrain.platform.folders import user_paths
from entrain.platform.local_socket import connect

_CONNECT_TIMEOUT_S = 3.0
_MOST_LINE_BYTES = 1 << 16


def arrivals(socket_name: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of a monitor until its process ends; none if it does not run.

    Parameters
    ----------
    socket_name : str
        Name of its socket, in the folder of the control socket.

    """
    found = connect(user_paths().runtime / socket_name, _CONNECT_TIMEOUT_S)
    if found is None:
        return
    with found:
        found.settimeout(None)
        with found.makefile("rb") as stream:
            while (data := stream.readline(_MOST_LINE_BYTES)).endswith(b"\n"):
                yield json.loads(data)
