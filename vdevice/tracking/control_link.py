"""The connection over which poses go to the running Entrain; made again where it breaks."""

import contextlib
import json
import socket
from pathlib import Path

from entrain.platform.adapter import PlatformError
from entrain.platform.local_socket import connect
from entrain.vdevice.rotation import Rotation

RETRY_S = 0.5
"""Shortest time between two attempts to connect, in seconds."""
_CONNECT_TIMEOUT_S = 1.0
_MOST_BYTES = 8192


class ControlLink:
    """Sends poses, and never waits for the app: a pose that does not fit is out of date anyway.

    Parameters
    ----------
    path : Path
        The control socket.

    """

    def __init__(self, path: Path) -> None:
        self.refusal = ""
        """What Entrain has answered: only a refused pose has an answer."""
        self._path = path
        self._socket: socket.socket | None = None
        self._tried_at_s = -1e9

    def fileno(self) -> int | None:
        """Return the descriptor that is readable when `look` has work to do."""
        return None if self._socket is None else self._socket.fileno()

    def send(self, turned: Rotation, now_s: float) -> None:
        """Send a pose, or drop it."""
        if self._socket is None and not self._connected(now_s):
            return
        assert self._socket is not None
        w, x, y, z = turned
        line = f'{{"command":"head","w":{w:.7f},"x":{x:.7f},"y":{y:.7f},"z":{z:.7f}}}\n'.encode()
        try:
            if self._socket.send(line) != len(line):
                self.close()
        except BlockingIOError:
            pass
        except OSError:
            self.close()

    def look(self) -> None:
        """Take what Entrain says, or notice that it has hung up."""
        if self._socket is None:
            return
        try:
            said = self._socket.recv(_MOST_BYTES)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if not said:
            self.close()
            return
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
            self.refusal = str(json.loads(said.splitlines()[0]).get("error", ""))[:200]

    def close(self) -> None:
        """Hang up.  Idempotent."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connected(self, now_s: float) -> bool:
        if now_s - self._tried_at_s < RETRY_S:
            return False
        self._tried_at_s = now_s
        with contextlib.suppress(PlatformError):
            self._socket = connect(self._path, _CONNECT_TIMEOUT_S)
        if self._socket is None:
            return False
        self._socket.setblocking(False)
        return True
