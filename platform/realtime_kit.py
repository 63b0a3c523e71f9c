"""RealtimeKit: gives real-time priority to threads of programs that may not take it themselves.

It is asked on the system's bus.  It wants the process to have a limit on the time that its
real-time threads run without a pause, which native code has set by then.
"""

import asyncio
import os

from dbus_fast import BusType, DBusError, ErrorType, Message, MessageType
from dbus_fast.aio import MessageBus

from entrain.platform.adapter import PlatformError

NAME = "org.freedesktop.RealtimeKit1"
PATH = "/org/freedesktop/RealtimeKit1"
PRIORITY = 5
"""As the sound servers' own threads have; RealtimeKit gives 20 at most."""
TIMEOUT_S = 3.0


def make_realtime(thread_id: int) -> None:
    """Ask for real-time priority for a thread of this process, and wait for the answer.

    Parameters
    ----------
    thread_id : int
        The thread's number in the kernel.

    Raises
    ------
    PlatformError
        There is no system bus or no RealtimeKit, it refuses, or it does not answer within
        `TIMEOUT_S`.

    """
    try:
        asyncio.run(_ask(thread_id))
    except TimeoutError:
        raise PlatformError("RealtimeKit does not answer") from None
    except DBusError as error:
        raise PlatformError(f"RealtimeKit refuses: {error.text}") from error
    except (OSError, EOFError, ValueError) as error:
        raise PlatformError(f"no system bus: {error}") from error


async def _ask(thread_id: int) -> None:
    bus = MessageBus(bus_type=BusType.SYSTEM)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await bus.connect()
            answer = await bus.call(
                Message(
                    destination=NAME,
                    path=PATH,
                    interface=NAME,
                    member="MakeThreadRealtimeWithPID",
                    signature="ttu",
                    body=[os.getpid(), thread_id, PRIORITY],
                )
            )
    finally:
        bus.disconnect()
    if answer.message_type == MessageType.ERROR:
        reason = answer.body[0] if answer.body else answer.error_name
        raise DBusError(answer.error_name or ErrorType.FAILED, str(reason))
