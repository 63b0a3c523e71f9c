"""The portal on one connection to the session bus: calls, requests and signals.

https://flatpak.github.io/xdg-desktop-portal: a request is a call whose answer comes later, as the
signal `Response` of an object of its own.  Everything here runs on one asyncio loop.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from entrain.errors import EntrainError
from entrain.platform.app_id import APP_ID
from entrain.platform.message_bus import BusError, Method, call

SERVICE = "org.freedesktop.portal.Desktop"
PATH = "/org/freedesktop/portal/desktop"

DISCONNECT_TIMEOUT_S = 0.4
CALL_TIMEOUT_S = 25.0
"""Longest wait for an answer to a call; the bus may have to start the portal first."""

_BUS = "org.freedesktop.DBus"
_ADD_MATCH = Method(_BUS, "/org/freedesktop/DBus", _BUS, "AddMatch", "s")
_GET_OWNER = Method(_BUS, "/org/freedesktop/DBus", _BUS, "GetNameOwner", "s")
_GET_PROPERTY = Method(SERVICE, PATH, "org.freedesktop.DBus.Properties", "Get", "ss")
_REGISTER = Method(SERVICE, PATH, "org.freedesktop.host.portal.Registry", "Register", "sa{sv}")
_REQUEST = "org.freedesktop.portal.Request"
_MISSING = {
    f"{_BUS}.Error.{name}" for name in ("InvalidArgs", "ServiceUnknown", "UnknownInterface")
}
"""Errors that mean that there is no such interface."""


class NoResponse(EntrainError):
    """A request has had no `Response` in time."""


class Portal:
    """The desktop's portal, wherever its process is now.

    Parameters
    ----------
    bus : MessageBus
        A connection to the session bus.
    heard : callable
        Takes each signal of the portal except `Response`, and the end of the portal as None.

    Attributes
    ----------
    came : asyncio.Event
        Set each time a portal comes to the bus.
    ready : asyncio.Event
        Set while the present portal has been told, or could not be told, which app this is.
    knows_app : bool
        Whether it has been told.

    """

    def __init__(self, bus: MessageBus, heard: Callable[[Message | None], None]) -> None:
        self._bus = bus
        self._heard = heard
        self._owner = ""
        self._pending: dict[str, asyncio.Future[Message]] = {}
        self.came = asyncio.Event()
        self.ready = asyncio.Event()
        self.knows_app = False

    @property
    def owner(self) -> str:
        """Name of the present portal's connection to the bus; "": there is none."""
        return self._owner

    async def follow(self) -> None:
        """Begin to hear the portal, and to notice when it comes and goes."""
        self._bus.add_message_handler(self._hear)
        rules = (
            f"type='signal',sender='{SERVICE}'",
            f"type='signal',sender='{_BUS}',member='NameOwnerChanged',arg0='{SERVICE}'",
        )
        for rule in rules:
            await self.call(_ADD_MATCH, rule)
        with contextlib.suppress(BusError):  # no portal runs yet; a call may start it
            owner = await self.call(_GET_OWNER, SERVICE)
            self._owner = owner.body[0] if owner.signature == "s" else ""

    async def call(self, method: Method, *arguments: object) -> Message:
        """Call a method; raises `BusError`, or TimeoutError after `CALL_TIMEOUT_S`."""
        async with asyncio.timeout(CALL_TIMEOUT_S):
            return await call(self._bus, method, *arguments)

    async def version(self, interface: str) -> int:
        """Return the version of one of the portal's interfaces; 0: it is missing.

        Raises
        ------
        BusError
            The portal fails, perhaps because it ends at the moment.
        TimeoutError
            The portal does not answer.

        """
        try:
            answer = await self.call(_GET_PROPERTY, interface, "version")
        except BusError as error:
            if error.name not in _MISSING:
                raise
            return 0
        found = answer.body[0].value if answer.signature == "v" else 0
        return found if isinstance(found, int) else 0

    async def register(self) -> None:
        """Say which app this is, once to each portal, before any other call.

        Portals before 1.20 cannot be told, and find out by themselves.  Newer ones look for an
        entry ``APP_ID.desktop`` among the installed apps.
        """
        if self.ready.is_set():
            return
        try:
            await self.call(_REGISTER, APP_ID, {})
            self.knows_app = True
        except BusError:
            self.knows_app = False
        if self._owner:
            self.ready.set()

    async def request(
        self,
        interface: str,
        name: str,
        signature: str,
        *arguments: object,
        timeout_s: float,
        **options: Variant,
    ) -> tuple[int, dict[str, Variant]]:
        """Make a request and wait for its `Response`.

        Parameters
        ----------
        interface, name, signature : str
            The method; the signature includes the options, which come last.
        *arguments
            The arguments before the options.
        timeout_s : float
            Longest wait for the `Response`: perhaps the user has a dialog to answer.
        **options
            Options of the method; `handle_token` is added.

        Returns
        -------
        int
            0: done; 1: the user refuses; anything else: it failed.
        dict of str to Variant
            The results.

        Raises
        ------
        BusError
            The portal refuses the call, or has ended.
        NoResponse
            The call was accepted, but there was no `Response` in time.
        TimeoutError
            The portal does not answer at all.

        """
        token = f"entrain_{secrets.token_hex(8)}"
        sender = (self._bus.unique_name or "").removeprefix(":").replace(".", "_")
        path = f"{PATH}/request/{sender}/{token}"
        method = Method(SERVICE, PATH, interface, name, signature)
        with self._waiting(path) as response:
            options["handle_token"] = Variant("s", token)
            await self.call(method, *arguments, options)
            try:
                message = await asyncio.wait_for(response, timeout_s)
            except TimeoutError:
                with contextlib.suppress(BusError, TimeoutError):
                    await self.call(Method(SERVICE, path, _REQUEST, "Close"))
                raise NoResponse from None
        return message.body[0], message.body[1]

    @contextlib.contextmanager
    def _waiting(self, path: str) -> Any:
        """Wait for a `Response` during the block, which begins before the call."""
        self._pending[path] = future = asyncio.get_running_loop().create_future()
        try:
            yield future
        finally:
            del self._pending[path]
            future.cancel()

    def _hear(self, message: Message) -> None:
        """Sort a message.  Every app on the bus may send any signal, so the sender counts."""
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.sender == _BUS:
            if message.member == "NameOwnerChanged" and message.signature == "sss":
                self._change_owner(*message.body)
        elif message.sender == self._owner:
            if message.interface == _REQUEST and message.member == "Response":
                waiting = self._pending.get(message.path or "")
                if waiting and not waiting.done() and message.signature == "ua{sv}":
                    waiting.set_result(message)
            else:
                self._heard(message)

    def _change_owner(self, name: str, former: str, owner: str) -> None:
        if name != SERVICE:
            return
        self._owner = owner
        self.ready.clear()
        if former:  # otherwise none has ended: the first call has started this one
            for waiting in self._pending.values():
                if not waiting.done():
                    waiting.set_exception(BusError("the portal has ended"))
            self._heard(None)
        if owner:
            self.came.set()


@contextlib.asynccontextmanager
async def on_bus(
    address: str, heard: Callable[[Message | None], None]
) -> AsyncIterator[tuple[Portal, MessageBus]]:
    """Stay connected to a session bus during the block, and hear its portal."""
    async with asyncio.timeout(CALL_TIMEOUT_S):
        bus = await MessageBus(address).connect()
    try:
        portal = Portal(bus, heard)
        await portal.follow()
        yield portal, bus
    finally:
        if bus.connected:
            bus.disconnect()
            with contextlib.suppress(Exception):
                end = bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
                await asyncio.wait_for(end, DISCONNECT_TIMEOUT_S)
