"""A private system bus, and a RealtimeKit on it that does as the real one, or not."""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from dbus_fast import BusType, ErrorType, Message, MessageType, RequestNameReply
from dbus_fast.aio import MessageBus
from session_bus import PrivateBus

from entrain.platform.realtime_kit import NAME

MOST_US = 200_000
MOST_PRIORITY = 20

Behaviour = Literal["gives", "refuses", "silent"]


@contextmanager
def system_bus(folder: Path) -> Iterator[str]:
    """Run a bus; yields its address.  Programs find it by ``DBUS_SYSTEM_BUS_ADDRESS``."""
    bus = PrivateBus(folder)
    try:
        yield bus.address
    finally:
        bus.stop()


class RealtimeKit:
    """The service, on a thread of its own.  It gives what the user of the tests may give."""

    def __init__(self, address: str, behaviour: Behaviour) -> None:
        self.requests: list[tuple[int, int, int]] = []
        """Process, thread and priority of each."""
        self._address = address
        self._behaviour = behaviour
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(10)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        bus = await MessageBus(self._address, BusType.SYSTEM).connect()
        try:
            bus.add_message_handler(self._answer)
            assert await bus.request_name(NAME) == RequestNameReply.PRIMARY_OWNER
            self._ready.set()
            await self._end.wait()
        finally:
            bus.disconnect()

    def _answer(self, call: Message) -> Message | bool:
        if call.message_type != MessageType.METHOD_CALL or call.interface != NAME:
            return False
        assert (call.member, call.signature) == ("MakeThreadRealtimeWithPID", "ttu")
        process, thread, priority = call.body
        self.requests.append((process, thread, priority))
        if self._behaviour == "silent":
            return True
        if self._behaviour == "refuses" or not _may(process, thread, priority):
            return Message.new_error(call, ErrorType.ACCESS_DENIED, "Operation not permitted")
        how = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(thread, how, os.sched_param(priority))
        return Message.new_method_return(call)


def _may(process: int, thread: int, priority: int) -> bool:
    """Check what the real one checks."""
    limits = Path(f"/proc/{process}/limits").read_text()
    line = next(line for line in limits.splitlines() if line.startswith("Max realtime timeout"))
    hard = line.split()[4]
    limited = hard != "unlimited" and int(hard) <= MOST_US
    belongs = Path(f"/proc/{process}/task/{thread}").exists()
    return limited and belongs and 1 <= priority <= MOST_PRIORITY
