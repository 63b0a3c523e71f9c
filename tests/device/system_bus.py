"""Private buses with imitations of RealtimeKit and systemd, which also refuse or stay silent."""

import asyncio
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Literal, Self

from dbus_fast import ErrorType, Message, MessageType, RequestNameReply
from dbus_fast.aio import MessageBus
from session_bus import PrivateBus

from entrain.platform import realtime_kit, service_manager

MOST_US = 200_000
MOST_PRIORITY = 20

Behaviour = Literal["gives", "refuses", "silent"]


@contextmanager
def private_bus(folder: Path) -> Iterator[str]:
    """Run a bus; yields its address.

    Set ``DBUS_SYSTEM_BUS_ADDRESS`` or ``DBUS_SESSION_BUS_ADDRESS`` to it.
    """
    bus = PrivateBus(folder)
    try:
        yield bus.address
    finally:
        bus.stop()


class _Service(ABC):
    """A service on its own thread; a context manager."""

    name: ClassVar[str]
    interface: ClassVar[str]

    def __init__(self, address: str, behaviour: Behaviour) -> None:
        self._address = address
        self._behaviour = behaviour
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        bus = await MessageBus(self._address).connect()
        try:
            bus.add_message_handler(self._answer)
            assert await bus.request_name(self.name) == RequestNameReply.PRIMARY_OWNER
            self._ready.set()
            await self._end.wait()
        finally:
            bus.disconnect()

    def _answer(self, call: Message) -> Message | bool:
        if call.message_type != MessageType.METHOD_CALL or call.interface != self.interface:
            return False
        answer = self._carry_out(call)
        if self._behaviour == "silent":
            return True
        if self._behaviour == "refuses" or answer is None:
            return Message.new_error(call, ErrorType.ACCESS_DENIED, "Operation not permitted")
        return answer

    @abstractmethod
    def _carry_out(self, call: Message) -> Message | None:
        """Carry out the call and return the answer; None refuses the call."""


class RealtimeKit(_Service):
    """Gives real-time priority as far as the user of the tests may."""

    name = realtime_kit.NAME
    interface = realtime_kit.NAME

    def __init__(self, address: str, behaviour: Behaviour) -> None:
        self.requests: list[tuple[int, int, int]] = []
        """Process, thread and priority of each request."""
        super().__init__(address, behaviour)

    def _carry_out(self, call: Message) -> Message | None:
        assert (call.member, call.signature) == ("MakeThreadRealtimeWithPID", "ttu")
        process, thread, priority = call.body
        self.requests.append((process, thread, priority))
        if self._behaviour != "gives" or not _may(process, thread, priority):
            return None
        how = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(thread, how, os.sched_param(priority))
        return Message.new_method_return(call)


class UserManager(_Service):
    """A user's systemd.  It only records the scopes that it is asked for."""

    name = service_manager.NAME
    interface = service_manager.INTERFACE

    def __init__(self, address: str, behaviour: Behaviour) -> None:
        self.scopes: dict[str, list[int]] = {}
        """The processes of each scope."""
        super().__init__(address, behaviour)

    def _carry_out(self, call: Message) -> Message | None:
        assert call.path == service_manager.PATH
        assert (call.member, call.signature) == ("StartTransientUnit", "ssa(sv)a(sa(sv))")
        unit, mode, properties, others = call.body
        assert (unit.endswith(".scope"), mode, others) == (True, "fail", [])
        values = dict(properties)
        assert values["PIDs"].signature == "au"
        processes = values["PIDs"].value
        # As the real systemd does, refuse processes that do not exist and names that are taken.
        if unit in self.scopes or not all(Path(f"/proc/{each}").exists() for each in processes):
            return None
        self.scopes[unit] = processes
        return Message.new_method_return(call, "o", ["/org/freedesktop/systemd1/job/1"])


def _may(process: int, thread: int, priority: int) -> bool:
    """Check the same conditions as the real RealtimeKit."""
    limits = Path(f"/proc/{process}/limits").read_text()
    line = next(line for line in limits.splitlines() if line.startswith("Max realtime timeout"))
    hard = line.split()[4]
    limited = hard != "unlimited" and int(hard) <= MOST_US
    belongs = Path(f"/proc/{process}/task/{thread}").exists()
    return limited and belongs and 1 <= priority <= MOST_PRIORITY
