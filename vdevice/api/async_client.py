"""Client of the running Entrain for an asyncio loop.

Like `Client`, it uses plain JSON, and imports pydantic only where a status becomes an object.
"""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from entrain.platform.folders import user_paths
from entrain.vdevice.api.app_link import AppLink, request_line
from entrain.vdevice.api.client import SOCKET_NAME, ClientError, News, result_of, status_of
from entrain.vdevice.api.client_requests import check_askable, pose, request_text, use_request

if TYPE_CHECKING:
    from entrain.vdevice.api import answers
    from entrain.vdevice.api.messages import Status
    from entrain.vdevice.protocol.model import Protocol


class AsyncClient:
    """A client of the running Entrain; an asynchronous context manager.

    The first request connects, and after Entrain has hung up or was started anew, the next one.
    Requests of several tasks wait for each other.

    Parameters
    ----------
    path : str or Path, optional
        The control socket; by default the one in this user's runtime folder.
    name : str
        Name by which Entrain tells others, as in `News.caused_by`, who changed the sound.

    """

    def __init__(self, path: str | Path | None = None, name: str = "") -> None:
        self._named = {"client": name} if name else {}
        self._path = Path(path) if path else user_paths().runtime / SOCKET_NAME
        self._link = AppLink(self._path)

    async def __aenter__(self) -> Self:
        await self._link.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection.  Idempotent."""
        self._link.close()

    @overload
    async def ask(self, command: "answers.StatusCommand", **fields: object) -> "answers.Status": ...

    @overload
    async def ask(self, command: Literal["devices"]) -> "list[answers.Device]": ...

    @overload
    async def ask(self, command: Literal["protocols"]) -> "answers.Protocols": ...

    @overload
    async def ask(self, command: Literal["protocol"], *, id: str) -> "answers.WholeProtocol": ...

    @overload
    async def ask(self, command: Literal["blocks"]) -> "answers.Blocks": ...

    @overload
    async def ask(self, command: Literal["heads"]) -> "answers.Heads": ...

    @overload
    async def ask(self, command: Literal["stop"]) -> None: ...

    async def ask(self, command: str, **fields: object) -> Any:
        """Send one request and wait for its answer.

        Parameters
        ----------
        command : str
            A command of docs/control-api.md but `watch`, `head` and `tap`.
        **fields
            The request's other fields, as JSON values; a protocol can be a `Protocol`.

        Returns
        -------
        JSON value
            The answer's `result`: dict, list or None.

        Raises
        ------
        NotRunning
            No Entrain is listening.
        ClientError
            Entrain refuses the request, closes the connection or does not answer in time.

        """
        if command == "tap":  # bytes follow the line of its answer
            raise ClientError("ask() cannot send 'tap'; use Client")
        check_askable(command, fields)
        return await self._ask({"command": command, **fields})

    async def _ask(self, request: Mapping[str, object]) -> Any:
        return result_of(await self._link.ask(request_text(self._named | dict(request))))

    async def use(
        self,
        protocol: "Protocol | str",
        layers: Sequence[str] = (),
        *,
        standalone: bool = False,
        here: bool | None = None,
    ) -> "answers.Status":
        """Replace the running protocol; see `Client.use`."""
        answered: answers.Status = await self._ask(use_request(protocol, layers, standalone, here))
        return answered

    async def turn_head(self, w: float, x: float, y: float, z: float) -> None:
        """Turn the head, up to 100 times a second; see `Client.turn_head`."""
        await self._link.tell(request_text(self._named | pose(w, x, y, z)))

    async def set_values(
        self, values: Mapping[str, float], over_s: float = 0.0
    ) -> "answers.Values":
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
        request = {"command": "set", "values": values, "over_s": over_s}
        answered: answers.Values = await self._ask(request)
        return answered

    async def status(self) -> "Status":
        """Return the status as an object; see `Client.status`."""
        return status_of(await self.ask("status"))

    @contextlib.asynccontextmanager
    async def watching(
        self, interval_s: float = 1.0, *, changes_only: bool = False
    ) -> "AsyncIterator[AsyncIterator[Status]]":
        """Follow the status on a connection of its own, until the end of the ``with`` block.

        Entrain hangs up on a program that takes no status for long.

        Parameters
        ----------
        interval_s : float
            Shortest time between two of these, 0.05 … 60 s.
        changes_only : bool
            Yield a status only if it differs from the last one.

        Raises
        ------
        ClientError
            See `ask`.

        """
        link = AppLink(self._path)
        request = request_line("watch", interval_s=interval_s, changes_only=changes_only)

        async def states() -> "AsyncIterator[Status]":
            while line := await link.line():
                yield status_of(result_of(line))

        try:
            await link.open()
            link.send(request)
            yield states()
        finally:
            link.close()

    @contextlib.asynccontextmanager
    async def watching_parts(
        self, parts: Sequence[str], interval_s: float, name: str = "", *, prompt: bool = False
    ) -> AsyncIterator[AsyncIterator[News]]:
        """Follow fields of the status, as plain JSON, on a connection of its own.

        Parameters
        ----------
        parts, interval_s, name, prompt
            See `Client.watching_parts`.

        Raises
        ------
        ClientError
            See `ask`.

        """
        link = AppLink(self._path)
        request = request_line(
            "watch", interval_s=interval_s, parts=parts, client=name, prompt=prompt
        )

        async def news() -> AsyncIterator[News]:
            while line := await link.line():
                yield News(result_of(line), json.loads(line)["caused_by"])

        try:
            await link.open()
            link.send(request)
            yield news()
        finally:
            link.close()
