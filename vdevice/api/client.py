"""Talks to the running Entrain.  Blocking, any thread; one thread per client.

Plain JSON in and out, so that a command starts fast: neither asyncio nor pydantic is imported.
"""

import contextlib
import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, overload

from entrain.errors import EntrainError
from entrain.platform.folders import user_paths
from entrain.platform.local_socket import connect

if TYPE_CHECKING:
    from entrain.vdevice.api import answers

SOCKET_NAME = "control.sock"
TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 20.0
MAX_REQUEST_BYTES = 1 << 20
MAX_ANSWER_BYTES = 16 << 20


class NotRunning(EntrainError):
    """Nobody listens at the control socket."""

    def __init__(self) -> None:
        super().__init__("Entrain is not running; start it with `entrain run`")


class ClientError(EntrainError):
    """The running Entrain refuses, or cannot be understood."""


class News(NamedTuple):
    """What has changed, for a client who watches parts of the status."""

    parts: Mapping[str, Any]
    """By field of the status; the first news have all fields that were asked for."""
    caused_by: Sequence[str]
    """The clients whose commands were carried out since the news before."""


class Client:
    """One connection to the running Entrain; a context manager.

    Parameters
    ----------
    path : Path, optional
        The control socket; by default the one in this user's runtime folder.
    timeout_s : float
        Longest wait for an answer.

    Raises
    ------
    NotRunning
        Nobody listens there.
    SocketError
        The socket is another user's, or cannot be opened.

    """

    def __init__(self, path: Path | None = None, timeout_s: float = TIMEOUT_S) -> None:
        found = connect(path or user_paths().runtime / SOCKET_NAME, timeout_s)
        if found is None:
            raise NotRunning
        self._socket = found
        self._received = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up.  Idempotent."""
        self._socket.close()

    def hang_up(self) -> None:
        """Let a `watch` end; from any thread, idempotent."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    @overload
    def ask(self, command: "answers.StatusCommand", **fields: object) -> "answers.Status": ...

    @overload
    def ask(self, command: Literal["devices"]) -> "list[answers.Device]": ...

    @overload
    def ask(self, command: Literal["protocols"]) -> "answers.Protocols": ...

    @overload
    def ask(self, command: Literal["stop"]) -> None: ...

    def ask(self, command: str, **fields: object) -> Any:
        """Send one request and wait for its answer.

        Parameters
        ----------
        command : str
            As in `entrain.vdevice.api.messages`.
        **fields
            The request's other fields, as JSON values.

        Returns
        -------
        JSON value
            The answer's `result`: dict, list or None.

        Raises
        ------
        ClientError
            Entrain refuses (its own words), hangs up or does not answer in time.

        """
        return self._ask({"command": command, **fields})

    def _ask(self, request: Mapping[str, object]) -> Any:
        self._send(request)
        return self._result(self._answer())

    def _send(self, request: Mapping[str, object]) -> None:
        line = json.dumps(request).encode() + b"\n"
        if len(line) > MAX_REQUEST_BYTES:
            raise ClientError(f"request is longer than {MAX_REQUEST_BYTES} bytes")
        try:
            self._socket.sendall(line)
        except TimeoutError:
            raise ClientError("Entrain does not answer") from None
        except OSError:
            pass  # it has hung up, perhaps after saying why

    def set_values(self, values: Mapping[str, float], over_s: float = 0.0) -> "answers.Values":
        """Move several parameters, all or none; answered quickly, without a status.

        Parameters
        ----------
        values : mapping
            By address, in the parameters' own units.
        over_s : float
            Duration of the glide, in seconds.

        Raises
        ------
        ClientError
            As `ask`.

        """
        answered: answers.Values = self._ask({"command": "set", "values": values, "over_s": over_s})
        return answered

    def watch(self, interval_s: float, changes_only: bool = False) -> "Iterator[answers.Status]":
        """Yield the status now and after each interval, until Entrain ends.

        Parameters
        ----------
        interval_s : float
            Shortest time between two of them, 0.05 … 60.
        changes_only : bool
            Only where it says something new; `hang_up` ends the wait for it.

        Raises
        ------
        ClientError
            As `ask`.

        """
        self._socket.settimeout(TIMEOUT_S + interval_s)
        request = {"command": "watch", "interval_s": interval_s, "changes_only": changes_only}
        for line in self._watched(request, waits=changes_only):
            yield self._result(line)

    def watch_parts(
        self, parts: Sequence[str], interval_s: float, name: str = ""
    ) -> Iterator[News]:
        """Yield fields of the status now, and whenever some have changed those, until Entrain ends.

        Parameters
        ----------
        parts : sequence of str
            Fields of `answers.Status`.
        interval_s : float
            Shortest time between two of them, 0.05 … 60.
        name : str
            What `caused_by` calls this client for others.

        Raises
        ------
        ClientError
            As `ask`.

        """
        self._socket.settimeout(TIMEOUT_S + interval_s)
        request = {"command": "watch", "interval_s": interval_s, "parts": parts, "client": name}
        for line in self._watched(request, waits=True):
            yield News(self._result(line), json.loads(line)["caused_by"])

    def wait_closed(self) -> None:
        """Wait until Entrain, told to stop, has left; raises ClientError if it takes too long."""
        self._socket.settimeout(STOP_TIMEOUT_S)
        while self._line() is not None:
            pass

    def _watched(self, request: Mapping[str, object], waits: bool) -> Iterator[bytes]:
        self._send(request)
        yield self._answer()
        if waits:
            self._socket.settimeout(None)
        while (line := self._line()) is not None:
            yield line

    def _answer(self) -> bytes:
        line = self._line()
        if line is None:
            raise ClientError("Entrain has ended without an answer")
        return line

    def _result(self, line: bytes) -> Any:
        try:
            answer = json.loads(line)
            if answer["ok"] is True:
                return answer["result"]
            raise ClientError(str(answer["error"]))
        except (ValueError, TypeError, KeyError):
            raise ClientError("the answer of Entrain cannot be understood") from None

    def _line(self) -> bytes | None:
        """One line, or None when Entrain has hung up."""
        try:
            while (end := self._received.find(b"\n")) < 0:
                if len(self._received) > MAX_ANSWER_BYTES:
                    raise ClientError("the answer of Entrain is too long")
                data = self._socket.recv(65536)
                if not data:
                    return None
                self._received += data
        except TimeoutError:
            raise ClientError("Entrain does not answer") from None
        except OSError:
            return None
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return line
