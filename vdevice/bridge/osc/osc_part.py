"""The part of the bridge that other programs steer by OSC: its ports, counters and reports."""

import asyncio
import contextlib
import math
import socket
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from entrain.vdevice.bridge.app_mirror import AppMirror
from entrain.vdevice.bridge.control_link import ControlLink
from entrain.vdevice.bridge.monitor import Monitor
from entrain.vdevice.bridge.osc.arrival import Arrival
from entrain.vdevice.bridge.osc.feedback import Feedback
from entrain.vdevice.bridge.osc.interpreter import Interpreter
from entrain.vdevice.bridge.osc.machines import Machines, Sender
from entrain.vdevice.bridge.osc.patterns import is_pattern
from entrain.vdevice.bridge.osc.schedule import Schedule
from entrain.vdevice.bridge.osc_reader import (
    MAX_PACKET_BYTES,
    MalformedPacket,
    Message,
    read_packet,
)
from entrain.vdevice.bridge.part import Report
from entrain.vdevice.bridge.udp import RetryingPort, bound, reason
from entrain.vdevice.limits import LOOPBACK, OSC_MONITOR_SOCKET

REPORT_S = 1.0
"""Shortest time between two reports, in seconds."""
MAX_PATTERNS = 16
"""Most addresses of one packet that may be patterns, since patterns take time."""
MAX_REFUSAL_CHARS, MAX_REFUSED_ADDRESS_CHARS = 200, 80
MAX_SHOWN_ARGUMENTS, MAX_SHOWN_CHARS = 16, 100
"""Most arguments of a message that a monitor shows, and most characters of a text."""
_MOST_PACKETS = 16
"""Packets of one socket that are read before the others have their turn."""


class OscPart:
    """Obeys OSC messages until it is closed.

    Parameters
    ----------
    settings : mapping
        `port`, `feedback_port` and `listen`, as in `OscSettings`.
    control_socket : Path
        The control socket.
    mirror : AppMirror
        Knows what the app does.
    report : callable
        Takes what is to be reported.

    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        control_socket: Path,
        mirror: AppMirror,
        report: Report,
    ) -> None:
        self._settings = settings
        self._report = report
        self._mirror = mirror
        self._loop = asyncio.get_running_loop()
        self._reporting: asyncio.TimerHandle | None = None
        self._packets = self._refused = 0
        self._reason = self._refused_address = ""
        """Reason and address of the last refusal."""
        self._advice: Callable[[], str] | None = None
        self._monitor = Monitor(control_socket.with_name(OSC_MONITOR_SOCKET))
        self._app = ControlLink(control_socket, "osc", self.refuse)
        self._machines = Machines(settings["feedback_port"], self._loop.time, self._client_lost)
        self._feedback = Feedback(mirror, self._machines)
        self._interpreter = Interpreter(
            self._app,
            mirror,
            self._machines,
            settings["port"],
            self._loop.time,
            self,
        )
        self._schedule = Schedule(self._interpreter.take)
        self._sockets: list[socket.socket] = []
        self._problem = ""
        self._port = RetryingPort(self._open)
        mirror.add(self)
        self._open_when_ready()

    @property
    def wants_meters(self) -> bool:
        """Whether a client wants measurements."""
        return any(each.mode == 1 for each in self._machines.clients)

    def app_changed(self, parts: AbstractSet[str]) -> None:
        """Listen as soon as it is known what there is to set, and send changes."""
        self._open_when_ready()
        self._feedback.look()

    def last_refusal(self) -> str:
        """Return the address and the reason of the last refusal, in one line."""
        begin = f"{self._refused_address}: " if self._refused_address else ""
        return begin + self._last_reason()

    def _last_reason(self) -> str:
        """Return the reason of the last refusal, with what to do."""
        if self._advice is not None:  # it takes time, so it is asked once, and for a reader
            advice, self._advice = self._advice(), None
            self._reason += f"; {advice}" if advice else ""
        return self._reason

    def take_packet(self, packet: bytes, sender: Sender) -> None:
        """Carry out what is in a packet."""
        self._packets += 1
        self._report_soon()
        self._machines.heard(sender)
        try:
            messages = read_packet(packet)
            if sum(is_pattern(each.address) for each in messages) > MAX_PATTERNS:
                raise MalformedPacket(f"more than {MAX_PATTERNS} patterns")
        except MalformedPacket as error:
            self.refuse(f"malformed packet: {error}", Arrival(Message("", ()), sender))
            return
        for message in messages:
            if problem := self._schedule.put(message, sender):
                self.refuse(problem, Arrival(message, sender))

    # ---- outcomes ----------------------------------------------------------------------------

    def refuse(
        self, why: str, arrival: Arrival | None = None, advice: Callable[[], str] | None = None
    ) -> None:
        """Count a refusal."""
        self._refused += 1
        self._reason, self._advice = _printable(why[:MAX_REFUSAL_CHARS]), advice
        address = arrival.message.address if arrival else ""
        self._refused_address = _printable(address[:MAX_REFUSED_ADDRESS_CHARS])
        self._report_soon()
        self._monitor.show(lambda: _shown(arrival, refused=self._last_reason()))

    def carried_out(self, arrival: Arrival, effect: str) -> None:
        """Show the effect of a message."""
        self._monitor.show(lambda: _shown(arrival, effect=effect))

    def clients_changed(self) -> None:
        """Let the app know whether a client wants measurements, and send values to a new one."""
        self._mirror.look()
        self._feedback.look()
        self._report_soon()

    def _client_lost(self) -> None:
        """Let the app know that a client has vanished."""
        self._mirror.look()
        self._report_soon()

    def change(self, settings: Mapping[str, Any], report: Report) -> bool:
        """Start anew with other settings."""
        return False

    def close(self) -> None:
        """Stop to listen.  Idempotent."""
        self._port.close()
        self._monitor.close()
        if self._reporting is not None:
            self._reporting.cancel()
        for each in self._sockets:
            self._loop.remove_reader(each)
            each.close()
        self._sockets = []
        self._mirror.remove(self)
        self._schedule.close()
        self._feedback.close()
        self._machines.close()
        self._app.close()

    def _open_when_ready(self) -> None:
        if self._mirror.status and not self._sockets and not self._port.is_waiting:
            self._port.open()

    def _open(self) -> bool:
        self._problem = ""
        host, port = self._settings["listen"], self._settings["port"]
        try:
            self._sockets = [bound(socket.AF_INET6 if ":" in host else socket.AF_INET, host, port)]
        except OSError as error:
            self._problem = reason(port, error, host)
        else:
            if host == LOOPBACK:  # "localhost" is either of the two, and some machines have no IPv6
                with contextlib.suppress(OSError):
                    self._sockets.append(bound(socket.AF_INET6, "::1", port))
        for each in self._sockets:
            self._loop.add_reader(each, self._receive, each)
        self._tell()
        return bool(self._sockets)

    def _receive(self, listening: socket.socket) -> None:
        for _ in range(_MOST_PACKETS):
            try:
                packet, sender = listening.recvfrom(MAX_PACKET_BYTES + 1)
            except OSError:  # no more of them, or a report that one of ours did not arrive
                return
            self.take_packet(packet, sender)

    def _report_soon(self) -> None:
        if self._reporting is None:
            self._reporting = self._loop.call_later(REPORT_S, self._tell)

    def _tell(self) -> None:
        self._reporting = None
        self._report(
            {
                "listening": bool(self._sockets),
                "clients": len(self._machines.clients),
                "packets": self._packets,
                "refused": self._refused,
                "refusal": self.last_refusal(),
                "problem": self._problem,
            }
        )


def _shown(arrival: Arrival | None, *, effect: str = "", refused: str = "") -> dict[str, object]:
    """Return the line of a monitor about a message; None: a message of before."""
    (address, arguments, _), (host, *_) = arrival or (Message("", ()), ("",))
    return {
        "sender": host,
        "address": address[:MAX_SHOWN_CHARS],
        "arguments": [_argument(each) for each in arguments[:MAX_SHOWN_ARGUMENTS]],
        "effect": effect,
        "refused": refused,
    }


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)


def _argument(each: float | str) -> float | str:
    if isinstance(each, str):
        return each[:MAX_SHOWN_CHARS]
    return each if math.isfinite(each) else str(each)  # JSON has no such numbers
