"""The part of the bridge that other programs steer by OSC."""

import asyncio
import math
import socket
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from entrain.vdevice.bridge.app_mirror import AppMirror
from entrain.vdevice.bridge.control_link import ControlLink
from entrain.vdevice.bridge.osc_reader import (
    MAX_PACKET_BYTES,
    MalformedPacket,
    Message,
    read_packet,
)
from entrain.vdevice.bridge.part import Report
from entrain.vdevice.bridge.udp import bound, reason

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""Pause before a port is opened again that another app uses; it doubles each time."""
REPORT_S = 1.0
_MOST_PACKETS = 16
"""Packets of one socket that are read before the others have their turn."""


class OscPart:
    """Obeys other programs until it is closed.

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

    wants_meters = False

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
        self._app = ControlLink(control_socket, "osc")
        self._loop = asyncio.get_running_loop()
        self._sockets: list[socket.socket] = []
        self._problem = ""
        self._pause_s = FIRST_PAUSE_S
        self._opening: asyncio.TimerHandle | None = None
        self._reporting: asyncio.TimerHandle | None = None
        self._packets = self._refused = 0
        self._refusal = ""
        mirror.add(self)
        self.app_changed(frozenset())

    def app_changed(self, parts: AbstractSet[str]) -> None:
        """Listen as soon as it is known what there is to set."""
        if self._mirror.status and not self._sockets and self._opening is None:
            self._open()

    def change(self, settings: Mapping[str, Any], report: Report) -> bool:
        """Start anew with other settings."""
        return False

    def close(self) -> None:
        """Stop to listen.  Idempotent."""
        for timer in (self._opening, self._reporting):
            if timer is not None:
                timer.cancel()
        for each in self._sockets:
            self._loop.remove_reader(each)
            each.close()
        self._sockets = []
        self._mirror.remove(self)
        self._app.close()

    def _open(self) -> None:
        self._opening, self._problem = None, ""
        host, port = self._settings["listen"], self._settings["port"]
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._sockets = [bound(family, host, port)]
        except OSError as error:
            self._problem = reason(port, error)
            self._opening = self._loop.call_later(self._pause_s, self._open)
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        for each in self._sockets:
            self._loop.add_reader(each, self._receive, each)
        self._tell()

    def _receive(self, listening: socket.socket) -> None:
        for _ in range(_MOST_PACKETS):
            try:
                packet, _sender = listening.recvfrom(MAX_PACKET_BYTES + 1)
            except OSError:
                break
            self._packets += 1
            try:
                for message in read_packet(packet):
                    self._obey(message)
            except MalformedPacket as error:
                self._refuse(f"malformed packet: {error}")
        if self._reporting is None:
            self._reporting = self._loop.call_later(REPORT_S, self._tell)

    def _obey(self, message: Message) -> None:
        root, _, path = message.address[1:].partition("/")
        layer, _, symbol = path.partition("/")
        found = self._mirror.layers.get(layer, {}).get(symbol) if root == "entrain" else None
        if found is None or len(message.arguments) != 1:
            self._refuse(f"no such address: {message.address[:80]}")
            return
        value = message.arguments[0]
        if isinstance(value, str) or not math.isfinite(value):
            self._refuse(f"{message.address}: not a number")
            return
        value = min(max(value, found.minimum), found.maximum)
        self._app.set_value(f"{layer}.{symbol}", value, self._answered)

    def _answered(self, _result: object, error: str) -> None:
        if error:
            self._refuse(error)

    def _refuse(self, why: str) -> None:
        self._refused += 1
        self._refusal = why
        if self._reporting is None:
            self._reporting = self._loop.call_later(REPORT_S, self._tell)

    def _tell(self) -> None:
        self._reporting = None
        self._report(
            {
                "listening": bool(self._sockets),
                "clients": 0,
                "packets": self._packets,
                "refused": self._refused,
                "refusal": self._refusal,
                "problem": self._problem,
            }
        )
