"""One call of a program on a D-Bus, on a connection of its own."""

import asyncio

from dbus_fast import BusType, DBusError, ErrorType, Message, MessageType
from dbus_fast.aio import MessageBus

from entrain.platform.adapter import PlatformError


def call(
    message: Message, who: str, bus_type: BusType, timeout_s: float, address: str | None = None
) -> None:
    """Send a message and wait for the answer, which is not looked at.

    Parameters
    ----------
    message : Message
        The call.
    who : str
        What users call the program that is asked.
    bus_type : BusType
        The system's bus or the session's.
    timeout_s : float
        Longest wait, for the connection and the answer together.
    address : str, optional
        Where the bus is, if not in its usual place.

    Raises
    ------
    PlatformError
        There is no such bus or program, it refuses, or it does not answer in time.

    """
    try:
        asyncio.run(_call(message, bus_type, timeout_s, address))
    except TimeoutError:
        raise PlatformError(f"{who} does not answer") from None
    except DBusError as error:
        raise PlatformError(f"{who} refuses: {error.text}") from error
    except (OSError, EOFError, ValueError) as error:
        raise PlatformError(f"no {bus_type.name.lower()} bus: {error}") from error


async def _call(message: Message, bus_type: BusType, timeout_s: float, address: str | None) -> None:
    bus = MessageBus(bus_address=address, bus_type=bus_type)
    try:
        async with asyncio.timeout(timeout_s):
            await bus.connect()
            answer = await bus.call(message)
    finally:
        bus.disconnect()
    if answer.message_type == MessageType.ERROR:
        reason = answer.body[0] if answer.body else answer.error_name
        raise DBusError(answer.error_name or ErrorType.FAILED, str(reason))
