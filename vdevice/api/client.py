"""Client of the running Entrain.  Its calls block; each thread needs a client of its own.

It uses plain JSON, without asyncio and pydantic, so that a command starts fast.
"""

import contextlib
import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, overload

from entrain.platform.folders import user_paths
from entrain.platform.local_socket import connect
from entrain.vdevice.api.client_requests import (
    ClientError,
    NotRunning,
    check_askable,
    pose,
    request_text,
    use_request,
)

if TYPE_CHECKING:
    from entrain.vdevice.api import answers
    from entrain.vdevice.api.messages import Status
    from entrain.vdevice.protocol.model import Protocol

__all__ = ["Client", "ClientError", "News", "NotRunning", "Sound", "result_of", "status_of"]

SOCKET_NAME = "control.sock"
TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 20.0
MAX_REQUEST_BYTES = 1 << 20
MAX_ANSWER_BYTES = 16 << 20


class News(NamedTuple):
    """A change, for a client that watches parts of the status."""

    parts: Mapping[str, Any]
    """Changed fields of the status; the first event has all fields that were asked for."""
    caused_by: Sequence[str]
    """Names of the clients whose commands were carried out since the last event."""


class Sound(NamedTuple):
    """Frames of the input and of the output, as `Client.tap` returns them."""

    first: int
    """Number of the first frame."""
    frames: int
    rate_hz: int
    content: bytes
    """The input, then the output: little-endian float32, left and right by turns."""


def result_of(line: bytes) -> Any:
    """Return the `result` in the line of an answer; raises `ClientError` if there is none."""
    try:
        answer = json.loads(line)
        if answer["ok"] is True:
            return answer["result"]
        raise ClientError(str(answer["error"]))
    except (ValueError, TypeError, KeyError):
        raise ClientError("cannot understand Entrain's answer") from None


def status_of(result: object) -> "Status":
    """Turn the JSON of a status into an object.

    Raises
    ------
    ClientError
        The running Entrain has another version, whose status has other fields.

    """
    from pydantic import ValidationError

    from entrain.vdevice.api.messages import Status

    try:
        return Status.model_validate_json(json.dumps(result))
    except ValidationError:
        raise ClientError(
            "the running Entrain has another version; restart it, or use plain JSON: ask('status')"
        ) from None


class Client:
    """One connection to the running Entrain; a context manager.

    Once `watch`, `watch_parts` or `follow_samples` has begun, the connection belongs to it, and
    further requests raise `ClientError`; `watching` and `watching_parts` open a connection of their
    own.

    Parameters
    ----------
    path : str or Path, optional
        The control socket; by default the one in this user's runtime folder.
    timeout_s : float
        Longest wait for an answer.
    name : str
        Name by which Entrain tells others, as in `News.caused_by`, who changed the sound.

    Raises
    ------
    NotRunning
        No Entrain is listening there.
    SocketError
        The socket belongs to another user, or cannot be opened.

    """

    def __init__(
        self, path: str | Path | None = None, timeout_s: float = TIMEOUT_S, name: str = ""
    ) -> None:
        self._name = name
        self._path = Path(path) if path else user_paths().runtime / SOCKET_NAME
        found = connect(self._path, timeout_s)
        if found is None:
            raise NotRunning
        self._socket = found
        self._received = bytearray()
        self._follows = False
        """Whether further lines are on their way, among which no answer could be told."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection.  Idempotent."""
        self._socket.close()

    def hang_up(self) -> None:
        """End a `watch`.  Idempotent; may be called on any thread."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    @overload
    def ask(self, command: "answers.StatusCommand", **fields: object) -> "answers.Status": ...

    @overload
    def ask(self, command: Literal["devices"]) -> "list[answers.Device]": ...

    @overload
    def ask(self, command: Literal["protocols"]) -> "answers.Protocols": ...

    @overload
    def ask(self, command: Literal["protocol"], *, id: str) -> "answers.WholeProtocol": ...

    @overload
    def ask(self, command: Literal["blocks"]) -> "answers.Blocks": ...

    @overload
    def ask(self, command: Literal["heads"]) -> "answers.Heads": ...

    @overload
    def ask(self, command: Literal["midi_mappings"]) -> "answers.MidiMappings": ...

    @overload
    def ask(self, command: Literal["stop"]) -> None: ...

    def ask(self, command: str, **fields: object) -> Any:
        """Send one request and wait for its answer.

        Parameters
        ----------
        command : str
            A command of docs/control-api.md but `watch`, `head`, and `tap` with `interval_s`, for
            which there are `watching`, `turn_head` and `follow_samples`.
        **fields
            The request's other fields, as JSON values; a protocol can be a `Protocol`.

        Returns
        -------
        JSON value
            The answer's `result`: dict, list or None.

        Raises
        ------
        ClientError
            Entrain refuses the request, closes the connection or does not answer in time.

        """
        check_askable(command, fields)
        return self._ask({"command": command, **fields})

    def use(
        self,
        protocol: "Protocol | str",
        layers: Sequence[str] = (),
        *,
        standalone: bool = False,
        here: bool | None = None,
    ) -> "answers.Status":
        """Replace the running protocol.

        Parameters
        ----------
        protocol : Protocol or str
            A protocol, the id of one in the library, or a SPEC (``"binaural:beat_hz=6"``).
        layers : sequence of str
            SPECs of layers to add.
        standalone : bool
            Play the tones without any input, too.
        here : bool, optional
            True: keep it for the present output; False: forget the output's own protocol.

        Returns
        -------
        dict
            The status.

        Raises
        ------
        ClientError
            See `ask`.

        """
        answered: answers.Status = self._ask(use_request(protocol, layers, standalone, here))
        return answered

    def turn_head(self, w: float, x: float, y: float, z: float) -> None:
        """Turn the head, up to 100 times a second; there is no answer.

        Parameters
        ----------
        w, x, y, z : float
            The rotation from the room to the head, as a quaternion of any length from 0.001 to
            1000; x points to the front, y to the left, z up.

        Raises
        ------
        ClientError
            These numbers are not a rotation, or Entrain has ended or takes no more of them.

        """
        if not self._send(pose(w, x, y, z)):
            raise ClientError("Entrain has ended")

    def status(self) -> "Status":
        """Return the status as an object: ``client.status().measured.tones.beat_hz``.

        The first call of a program imports pydantic, which takes a fifth of a second and 14 MB;
        ``ask("status")`` returns the same as plain JSON, and costs neither.

        Raises
        ------
        ClientError
            See `ask`.

        """
        return status_of(self.ask("status"))

    @contextlib.contextmanager
    def watching(
        self, interval_s: float = 1.0, *, changes_only: bool = False
    ) -> "Iterator[Iterator[Status]]":
        """Follow the status on a connection of its own, until the end of the ``with`` block.

        Meanwhile this client can ask and command as before.  The iterator ends when Entrain does.

        Parameters
        ----------
        interval_s, changes_only
            See `watch`.

        Raises
        ------
        ClientError
            See `ask`.

        """
        with Client(self._path) as other:
            yield map(status_of, other.watch(interval_s, changes_only))

    @contextlib.contextmanager
    def watching_parts(
        self, parts: Sequence[str], interval_s: float, name: str = "", *, prompt: bool = False
    ) -> "Iterator[Iterator[News]]":
        """Follow fields of the status on a connection of its own, as `watching` does.

        Parameters
        ----------
        parts, interval_s, name, prompt
            See `watch_parts`.

        Raises
        ------
        ClientError
            See `ask`.

        """
        with Client(self._path) as other:
            yield other.watch_parts(parts, interval_s, name, prompt=prompt)

    def _ask(self, request: Mapping[str, object]) -> Any:
        self._send(request)
        result = result_of(self._answer())
        if request["command"] == "tap":
            result["content"] = self._content(result["bytes"])
        return result

    def _send(self, request: Mapping[str, object]) -> bool:
        """Send a request; return False if Entrain has hung up, whose last line may say why."""
        if self._follows:
            raise ClientError("this client follows Entrain; ask with another Client")
        named = {"client": self._name} if self._name else {}
        line = request_text(named | dict(request)) + b"\n"
        if len(line) > MAX_REQUEST_BYTES:
            raise ClientError(f"request is longer than {MAX_REQUEST_BYTES} bytes")
        try:
            self._socket.sendall(line)
        except TimeoutError:
            raise ClientError("Entrain does not answer") from None
        except OSError:
            return False
        return True

    def set_values(self, values: Mapping[str, float], over_s: float = 0.0) -> "answers.Values":
        """Set several parameters, all or none; the answer is quick and has no status.

        Parameters
        ----------
        values : mapping
            Values by address, in the parameters' own units.
        over_s : float
            Duration of the glide, in seconds.

        Raises
        ------
        ClientError
            See `ask`.

        """
        answered: answers.Values = self._ask({"command": "set", "values": values, "over_s": over_s})
        return answered

    def tap(self, first: int | None = None, frames: int = 1600) -> Sound:
        """Return the latest frames of the input and of the output.

        Parameters
        ----------
        first : int, optional
            Number of the first frame; by default the newest frames are returned.
        frames : int
            Highest number of frames, 1 … 16384.

        Raises
        ------
        ClientError
            See `ask`.

        """
        told = self._ask({"command": "tap", "first": first, "frames": frames})
        return Sound(**{name: told[name] for name in Sound._fields})

    def follow_samples(self, interval_s: float, frames: int = 1600) -> "Iterator[Sound]":
        """Yield the latest frames, then all further ones as they come, until Entrain ends.

        Parameters
        ----------
        interval_s : float
            Shortest time between two of these, 0.015 … 0.25 s.
        frames : int
            Highest number of frames in the first one, 1 … 16384.

        Raises
        ------
        ClientError
            See `ask`.

        """
        request = {"command": "tap", "frames": frames, "interval_s": interval_s}
        for line in self._watched(request, waits=True):
            told = result_of(line)
            told["content"] = self._content(told["bytes"])
            yield Sound(**{name: told[name] for name in Sound._fields})

    def watch(self, interval_s: float, changes_only: bool = False) -> "Iterator[answers.Status]":
        """Yield the status now and after each interval, until Entrain ends.

        Parameters
        ----------
        interval_s : float
            Shortest time between two of these, 0.05 … 60 s.
        changes_only : bool
            Yield a status only if it differs from the last one; `hang_up` ends the wait.

        Raises
        ------
        ClientError
            See `ask`.

        """
        self._socket.settimeout(TIMEOUT_S + interval_s)
        request = {"command": "watch", "interval_s": interval_s, "changes_only": changes_only}
        for line in self._watched(request, waits=changes_only):
            yield result_of(line)

    def watch_parts(
        self, parts: Sequence[str], interval_s: float, name: str = "", *, prompt: bool = False
    ) -> Iterator[News]:
        """Yield fields of the status now, and after each change of one of them, until Entrain ends.

        Parameters
        ----------
        parts : sequence of str
            Fields of `answers.Status`.
        interval_s : float
            Shortest time between two events, 0.05 … 60 s.
        name : str
            The name of this client in the `caused_by` of other clients.
        prompt : bool
            Yield what a command has changed at once, not after the interval.

        Raises
        ------
        ClientError
            See `ask`.

        """
        self._socket.settimeout(TIMEOUT_S + interval_s)
        request = {
            "command": "watch",
            "interval_s": interval_s,
            "parts": parts,
            "client": name,
            "prompt": prompt,
        }
        for line in self._watched(request, waits=True):
            yield News(result_of(line), json.loads(line)["caused_by"])

    def wait_closed(self) -> None:
        """Wait for Entrain's end after `stop`; raises ClientError if it takes too long."""
        self._socket.settimeout(STOP_TIMEOUT_S)
        while self._line() is not None:
            pass

    def _watched(self, request: Mapping[str, object], waits: bool) -> Iterator[bytes]:
        self._send(request)
        first = self._answer()
        result_of(first)  # after a refusal nothing follows
        self._follows = True
        yield first
        if waits:
            self._socket.settimeout(None)
        while (line := self._line()) is not None:
            yield line
        self._follows = False

    def _answer(self) -> bytes:
        line = self._line()
        if line is None:
            raise ClientError("Entrain has ended without an answer")
        return line

    def _content(self, size: int) -> bytes:
        """Return the bytes that follow the line of an answer."""
        while len(self._received) < size:
            if not self._receive():
                raise ClientError("Entrain has ended without an answer")
        return self._taken(size)

    def _line(self) -> bytes | None:
        """Return one line, or None if Entrain has closed the connection."""
        while (end := self._received.find(b"\n")) < 0:
            if len(self._received) > MAX_ANSWER_BYTES:
                raise ClientError("Entrain's answer is too long")
            if not self._receive():
                return None
        return self._taken(end + 1)[:-1]

    def _receive(self) -> bool:
        """Wait for more data; returns False if Entrain has closed the connection."""
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            raise ClientError("Entrain does not answer") from None
        except OSError:
            return False
        self._received += data
        return bool(data)

    def _taken(self, size: int) -> bytes:
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken
