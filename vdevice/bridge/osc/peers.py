"""The other programs, as their messages show them: where answers go, and who wants changes.

As with FAUST, an answer goes to the machine that has asked, at the feedback port.
"""

import collections
import contextlib
import ipaddress
import socket
import time
from collections.abc import Callable, Iterator

from entrain.vdevice.bridge.osc.budget import Budget

MAX_PEERS = 16
"""Most machines that are remembered; the machine that was used longest ago is forgotten first."""
MAX_CLIENTS = 8
"""Most machines that get changes."""
MACHINE_BYTES_PER_S, ALL_BYTES_PER_S = 64 << 10, 256 << 10
"""Most bytes that go to one machine, and to all of them.

The sender of a UDP packet can be made up: without a bound, short requests would make Entrain flood
a machine that has not asked.
"""
QUIET_S = 0.3
"""Time after a peer's own value in which it does not get that address back, in seconds.

A fader that moves must not be pulled back by a value that it has sent before.
"""

Sender = tuple[str, int] | tuple[str, int, int, int]
"""Address of a packet's sender, as `socket` has it."""


class Peer:
    """One machine.

    Parameters
    ----------
    connected : socket
        Leads to its feedback port; not blocking.
    budget : Budget
        Bounds what it gets.

    """

    def __init__(self, connected: socket.socket, budget: Budget) -> None:
        self.budget = budget
        self.mode = 0
        """0: it wants no changes; 1: all; 2: without measurements."""
        self.known: dict[str, bytes] = {}
        """The last message about each address that it has got."""
        self.quiet_until_s: dict[str, float] = {}
        self._socket = connected

    @property
    def own_host(self) -> str:
        """Address of this machine, as the peer reaches it."""
        return str(self._socket.getsockname()[0])

    def send(self, packet: bytes) -> bool:
        """Send a packet; returns False if the port is closed there."""
        try:
            self._socket.send(packet)
        except ConnectionRefusedError:  # ICMP's answer to a packet before this one
            return False
        except OSError:  # the network is away or busy: this packet is lost, as any other may be
            pass
        return True

    def close(self) -> None:
        """Close the socket.  Idempotent."""
        self._socket.close()


class Peers:
    """All machines that answers go to.

    Parameters
    ----------
    feedback_port : int
        Their UDP port.
    now_s : callable
        A clock that never goes back.

    """

    def __init__(self, feedback_port: int, now_s: Callable[[], float] = time.monotonic) -> None:
        self.feedback_port = feedback_port
        self._now_s = now_s
        self._budget = Budget(ALL_BYTES_PER_S, now_s())
        self._peers: collections.OrderedDict[tuple[object, ...], Peer] = collections.OrderedDict()

    @property
    def clients(self) -> list[Peer]:
        """Peers that want changes."""
        return [each for each in self._peers.values() if each.mode]

    @property
    def is_full(self) -> bool:
        """Whether no more peers can want changes."""
        return len(self.clients) >= MAX_CLIENTS

    def known(self, sender: Sender) -> Peer | None:
        """Return the peer at this machine, if it is remembered."""
        return self._peers.get(_key(sender))

    def at(self, sender: Sender) -> Peer | None:
        """Return the peer at this machine; None if it is far away, or cannot be reached."""
        if not is_near(str(sender[0])):
            return None
        key = _key(sender)
        if peer := self._peers.get(key):
            self._peers.move_to_end(key)
            return peer
        family = socket.AF_INET6 if len(sender) == 4 else socket.AF_INET
        made = socket.socket(family, socket.SOCK_DGRAM)
        try:
            made.setblocking(False)
            made.connect((sender[0], self.feedback_port, *sender[2:]))
        except OSError:
            made.close()
            return None
        if len(self._peers) >= MAX_PEERS:
            # A machine that gets changes stays; a machine that has only asked goes.
            idle = (key for key, each in self._peers.items() if not each.mode)
            self._forget(next(idle, next(iter(self._peers))))
        peer = self._peers[key] = Peer(made, Budget(MACHINE_BYTES_PER_S, self._now_s()))
        return peer

    def may_send(self, peer: Peer) -> bool:
        """Return whether a peer may get something now, as far as the budgets go."""
        now_s = self._now_s()
        return peer.budget.has_some(now_s) and self._budget.has_some(now_s)

    def send(self, peer: Peer, packets: Iterator[bytes]) -> None:
        """Send packets to a peer; forget it if its port is closed."""
        for packet in packets:
            peer.budget.spend(len(packet))
            self._budget.spend(len(packet))
            if not peer.send(packet):
                for key, each in list(self._peers.items()):
                    if each is peer:
                        self._forget(key)
                return

    def close(self) -> None:
        """Forget all peers.  Idempotent."""
        for key in list(self._peers):
            self._forget(key)

    def _forget(self, key: tuple[object, ...]) -> None:
        with contextlib.suppress(KeyError):
            self._peers.pop(key).close()


def is_near(host: str) -> bool:
    """Return whether an address is this machine's own, private, or local to a link."""
    try:
        return ipaddress.ip_address(host).is_private  # includes the other two
    except ValueError:
        return False


def _key(sender: Sender) -> tuple[object, ...]:
    return (sender[0], *sender[2:])
