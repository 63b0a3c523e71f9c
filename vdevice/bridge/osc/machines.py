"""The machines that messages come from: where answers go, and which of them are clients.

A client is a machine that gets changes, since it has asked for them by `xmit`.

As with FAUST, an answer goes to the machine that has asked, at the feedback port.

A machine that vanishes does not say so.  Its port may be closed, or its network may report that it
is away; otherwise it keeps its place as a client until another machine needs that.
"""

import collections
import contextlib
import errno
import ipaddress
import socket
import time
from collections.abc import Callable, Iterator

from entrain.vdevice.bridge.osc.budget import Budget

MAX_MACHINES = 16
"""Most machines that are remembered; the machine that was used longest ago is forgotten first."""
MAX_CLIENTS = 8
"""Most clients."""
SILENT_S = 60.0
"""Silence after which a client's place may go to another machine, in seconds."""
AWAY_S, PAUSE_S = 30.0, 10.0
"""A machine is forgotten after it was away for the first of these, in seconds.

It is away while errors come, without a pause of the second, in which packets may have arrived.
Before each error, the system looks for the machine for 3 s, and takes packets meanwhile.
"""
MACHINE_BYTES_PER_S, ALL_BYTES_PER_S = 64 << 10, 256 << 10
"""Most bytes that go to one machine, and to all of them.

The sender of a UDP packet can be made up: without a bound, short requests would make Entrain flood
a machine that has not asked.
"""
QUIET_S = 0.3
"""Time after a machine's own value in which it does not get that address back, in seconds.

A fader that moves must not be pulled back by a value that it has sent before.
"""

_AWAY = (errno.EHOSTUNREACH, errno.EHOSTDOWN)

Sender = tuple[str, int] | tuple[str, int, int, int]
"""Address of a packet's sender, as `socket` has it."""


class Machine:
    """One machine.

    Parameters
    ----------
    connected : socket
        Leads to its feedback port; not blocking.
    budget : Budget
        Bounds what it gets.
    now_s : float
        When its first packet has come.

    """

    def __init__(self, connected: socket.socket, budget: Budget, now_s: float) -> None:
        self.budget = budget
        self.heard_at_s = now_s
        """When its last packet has come."""
        self.mode = 0
        """0: it wants no changes; 1: all; 2: without measurements."""
        self.known: dict[str, bytes] = {}
        """The last message about each address that it has got."""
        self.quiet_until_s: dict[str, float] = {}
        self._socket = connected
        self._errors_s: tuple[float, float] | None = None
        """When the first and the last error has come that says that it is away."""

    @property
    def own_host(self) -> str:
        """Address of Entrain's machine, as this one reaches it."""
        return str(self._socket.getsockname()[0])

    def send(self, packet: bytes, now_s: float) -> bool:
        """Send a packet; returns False if the machine has vanished, or its port is closed."""
        try:
            self._socket.send(packet)
        except ConnectionRefusedError:  # ICMP's answer to a packet before this one
            return False
        except OSError as error:
            if error.errno in _AWAY:
                return not self._has_vanished(now_s)
            # Our network is away or busy: this packet is lost, as any other may be.
        return True

    def _has_vanished(self, now_s: float) -> bool:
        """Note an error, and return whether there have been such errors for long."""
        first_s, last_s = self._errors_s or (now_s, now_s)
        if now_s - last_s > PAUSE_S or self.heard_at_s > last_s:
            first_s = now_s
        self._errors_s = (first_s, now_s)
        return now_s - first_s >= AWAY_S

    def close(self) -> None:
        """Close the socket.  Idempotent."""
        self._socket.close()


class Machines:
    """All machines that answers go to.

    Parameters
    ----------
    feedback_port : int
        Their UDP port.
    now_s : callable
        A clock that never goes back.
    client_lost : callable
        Called when a client is forgotten because it has vanished, in the middle of `send`.

    """

    def __init__(
        self,
        feedback_port: int,
        now_s: Callable[[], float] = time.monotonic,
        client_lost: Callable[[], None] = lambda: None,
    ) -> None:
        self.feedback_port = feedback_port
        self._now_s = now_s
        self._client_lost = client_lost
        self._budget = Budget(ALL_BYTES_PER_S, now_s())
        self._machines: collections.OrderedDict[tuple[object, ...], Machine] = (
            collections.OrderedDict()
        )

    @property
    def clients(self) -> list[Machine]:
        """The machines that get changes."""
        return [each for each in self._machines.values() if each.mode]

    def make_place(self) -> bool:
        """Make place for one more client; returns False if all places stay taken.

        If all places are taken, the client that is silent for longest loses its place.
        """
        clients = self.clients
        if len(clients) < MAX_CLIENTS:
            return True
        last = min(clients, key=lambda each: each.heard_at_s)
        if self._now_s() - last.heard_at_s < SILENT_S:
            return False
        self._forget_machine(last)
        return True

    def heard(self, sender: Sender) -> None:
        """Note that a packet has come from a machine."""
        if machine := self.remembered(sender):
            machine.heard_at_s = self._now_s()

    def remembered(self, sender: Sender) -> Machine | None:
        """Return the machine of a sender, if it is remembered."""
        return self._machines.get(_key(sender))

    def at(self, sender: Sender) -> Machine | None:
        """Return the machine of a sender; None if it is far away, or cannot be reached."""
        if not is_near(str(sender[0])):
            return None
        key = _key(sender)
        if machine := self._machines.get(key):
            self._machines.move_to_end(key)
            return machine
        family = socket.AF_INET6 if len(sender) == 4 else socket.AF_INET
        made = socket.socket(family, socket.SOCK_DGRAM)
        try:
            made.setblocking(False)
            made.connect((sender[0], self.feedback_port, *sender[2:]))
        except OSError:
            made.close()
            return None
        if len(self._machines) >= MAX_MACHINES:
            # A machine that gets changes stays; a machine that has only asked goes.
            idle = (key for key, each in self._machines.items() if not each.mode)
            self._forget(next(idle, next(iter(self._machines))))
        now_s = self._now_s()
        machine = self._machines[key] = Machine(made, Budget(MACHINE_BYTES_PER_S, now_s), now_s)
        return machine

    def may_send(self, machine: Machine) -> bool:
        """Return whether a machine may get something now, as far as the budgets go."""
        now_s = self._now_s()
        return machine.budget.has_some(now_s) and self._budget.has_some(now_s)

    def send(self, machine: Machine, packets: Iterator[bytes]) -> None:
        """Send packets to a machine; forget it if it has vanished, or its port is closed."""
        for packet in packets:
            machine.budget.spend(len(packet))
            self._budget.spend(len(packet))
            if not machine.send(packet, self._now_s()):
                self._forget_machine(machine)
                if machine.mode:
                    self._client_lost()
                return

    def close(self) -> None:
        """Forget all machines.  Idempotent."""
        for key in list(self._machines):
            self._forget(key)

    def _forget_machine(self, machine: Machine) -> None:
        for key, each in list(self._machines.items()):
            if each is machine:
                self._forget(key)

    def _forget(self, key: tuple[object, ...]) -> None:
        with contextlib.suppress(KeyError):
            self._machines.pop(key).close()


def is_near(host: str) -> bool:
    """Return whether an address is this machine's own, private, or local to a link."""
    try:
        return ipaddress.ip_address(host).is_private  # includes the other two
    except ValueError:
        return False


def _key(sender: Sender) -> tuple[object, ...]:
    return (sender[0], *sender[2:])
