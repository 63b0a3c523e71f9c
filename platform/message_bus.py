"""A D-Bus client: connects for a while and calls methods.

`entrain.tray.statusnotifier` has the objects that Entrain itself offers on a bus.  The functions
import dbus_fast late, since few commands need it.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from entrain.platform.adapter import PlatformError

if TYPE_CHECKING:
    from dbus_fast import Message
    from dbus_fast.aio import MessageBus


class BusError(PlatformError):
    """The bus cannot be reached, or the called service refuses.

    Attributes
    ----------
    name : str
        D-Bus's name of the error in an answer, such as ``org.freedesktop.DBus.Error.NoReply``.

    """

    def __init__(self, text: str, name: str = "") -> None:
        super().__init__(text)
        self.name = name


@dataclass(frozen=True)
class Method:
    """A method that a service offers on a bus.

    Attributes
    ----------
    service, path, interface, name : str
        The service's name on the bus, its object, that object's interface and the method.
    signature : str
        Types of the arguments, in D-Bus's own notation.
    starts : bool
        Whether the bus may start the service for this call.

    """

    service: str
    path: str
    interface: str
    name: str
    signature: str = ""
    starts: bool = True


def session_bus_address() -> str | None:
    """Return the address of the session bus, or None if there is none."""
    if address := os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    folder = os.environ.get("XDG_RUNTIME_DIR")
    if folder and (socket := Path(folder) / "bus").exists():
        return f"unix:path={quote(str(socket))}"
    return None


@contextlib.asynccontextmanager
async def connected(address: str | None) -> AsyncIterator["MessageBus"]:
    """Stay connected to a bus during the block.

    Parameters
    ----------
    address : str or None
        The bus's address, such as `session_bus_address` returns; None: the system's bus.

    Raises
    ------
    BusError
        The bus cannot be reached.

    """
    from dbus_fast import BusType
    from dbus_fast.aio import MessageBus

    bus = MessageBus(address, BusType.SYSTEM)
    try:
        try:
            await bus.connect()
        except (OSError, EOFError, ValueError) as error:
            raise BusError(str(error) or type(error).__name__) from error
        yield bus
    finally:
        was_connected = bus.connected
        bus.disconnect()
        if was_connected:
            with contextlib.suppress(Exception):
                await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]


async def call(bus: "MessageBus", method: Method, *arguments: object) -> "Message":
    """Call a method and return the answer; its ``body`` has the method's result.

    Raises
    ------
    BusError
        The service does not run, or refuses; the message is the service's own.

    """
    from dbus_fast import Message, MessageFlag, MessageType

    message = Message(
        destination=method.service,
        path=method.path,
        interface=method.interface,
        member=method.name,
        signature=method.signature,
        body=list(arguments),
        flags=MessageFlag.NONE if method.starts else MessageFlag.NO_AUTOSTART,
    )
    try:
        answer = await bus.call(message)
    except (OSError, EOFError) as error:
        raise BusError("the bus has ended") from error
    if answer.message_type is MessageType.ERROR:
        name = str(answer.error_name)
        raise BusError(str(answer.body[0] if answer.body else name), name)
    return answer


def call_once(
    address: str | None, who: str, timeout_s: float, method: Method, *arguments: object
) -> None:
    """Connect, call a method, and disconnect; for threads on which no asyncio loop runs.

    Parameters
    ----------
    address : str or None
        See `connected`.
    who : str
        Name of the service in error messages.
    timeout_s : float
        Longest wait, for the connection and the answer together.
    method : Method
        The method to call.
    *arguments
        Arguments of the method.

    Raises
    ------
    PlatformError
        The bus or the service does not run, it refuses, or it does not answer in time.

    """

    async def exchange() -> None:
        async with asyncio.timeout(timeout_s), connected(address) as bus:
            await call(bus, method, *arguments)

    try:
        asyncio.run(exchange())
    except TimeoutError:
        raise PlatformError(f"{who} does not answer") from None
    except BusError as error:
        raise PlatformError(f"cannot ask {who}: {error}") from error
