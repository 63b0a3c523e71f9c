"""The part of the bridge that hears head trackers."""

import asyncio
import socket
from collections.abc import Mapping
from typing import Any

from entrain.vdevice.bridge.osc_reader import MAX_PACKET_BYTES
from entrain.vdevice.bridge.part import Report
from entrain.vdevice.bridge.tracking.ports import Port, open_ports
from entrain.vdevice.bridge.tracking.pose_link import PoseLink
from entrain.vdevice.bridge.tracking.receiver import Pacing, Rate, Receiver
from entrain.vdevice.bridge.tracking.senders import Senders
from entrain.vdevice.bridge.udp import RetryingPort

_MOST_PACKETS = 64
"""Packets of one port that are read before the other sockets have their turn."""


class Tracker:
    """Hears trackers until it is closed.

    Parameters
    ----------
    settings : mapping
        `port`, `lan`, `preset` and `invert`, as in `TrackingSettings`.
    link : socket
        Takes the poses.
    report : callable
        Takes what is to be reported.

    """

    def __init__(self, settings: Mapping[str, Any], link: socket.socket, report: Report) -> None:
        self._settings = settings
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._receiver = Receiver(Senders(settings["preset"], settings["invert"]))
        self._pacing = Pacing()
        self._rate = Rate()
        self._link = PoseLink(link)
        self._ports: list[Port] = []
        self._problems: list[str] = []
        self._opening = RetryingPort(self._open)
        self._sending: asyncio.TimerHandle | None = None
        self._counting: asyncio.TimerHandle | None = None
        self._opening.open()

    def change(self, settings: Mapping[str, Any], report: Report) -> bool:
        """Start anew with other settings."""
        return False

    def close(self) -> None:
        """Stop hearing trackers.  Idempotent."""
        self._opening.close()
        for timer in (self._sending, self._counting):
            if timer is not None:
                timer.cancel()
        self._close_ports()

    def _open(self) -> bool:
        """Open the ports; return False if another app uses all of them."""
        self._close_ports()
        self._ports, self._problems = open_ports(self._settings["port"], self._settings["lan"])
        for port in self._ports:
            self._loop.add_reader(port.socket, self._receive, port)
        self._tell()
        return bool(self._ports)

    def _close_ports(self) -> None:
        for port in self._ports:
            self._loop.remove_reader(port.socket)
            port.socket.close()
        self._ports = []

    def _receive(self, port: Port) -> None:
        take = self._receiver.take_opentrack if port.is_opentrack else self._receiver.take_osc
        for _ in range(_MOST_PACKETS):
            try:
                packet, sender = port.socket.recvfrom(MAX_PACKET_BYTES + 1)
            except OSError:  # no more of them, or a report that one of ours did not arrive
                break
            now_s = self._loop.time()
            if pose := take(packet, sender[0], now_s, sender[1]):
                self._pacing.put(pose, now_s)
                self._rate.add(now_s)
            else:
                self._rate.add(now_s, 0)
        self._send()
        if self._counting is None and (due_s := self._rate.due_s()) is not None:
            self._counting = self._loop.call_at(due_s, self._count)

    def _send(self) -> None:
        """Send the pose if it is due, otherwise when it is due."""
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None
        now_s = self._loop.time()
        if turned := self._pacing.take(now_s):
            self._link.send(turned, now_s)
        if (due_s := self._pacing.due_s()) is not None:
            self._sending = self._loop.call_at(due_s, self._send)

    def _count(self) -> None:
        self._counting = None
        if self._rate.look(self._loop.time()):
            self._tell()
        if (due_s := self._rate.due_s()) is not None:
            self._counting = self._loop.call_at(due_s, self._count)

    def _tell(self) -> None:
        counters = self._receiver.counters
        self._report(
            {
                "listening": sorted({each.number for each in self._ports}),
                "source": self._receiver.source,
                "packets_per_s": round(self._rate.per_s, 1),
                "ignored": counters.ignored,
                "malformed": counters.malformed,
                "problem": "; ".join(self._problems),
            }
        )
