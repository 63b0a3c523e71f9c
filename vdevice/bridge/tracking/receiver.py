"""Turns UDP packets into the newest pose, and counts them.  Knows no sockets, and no clock.

While one sender is heard, others are not: two of them would pull the head to and fro.
"""

import struct
from collections import deque
from dataclasses import dataclass, field

from entrain.vdevice.bridge.osc_reader import MalformedPacket, read_packet
from entrain.vdevice.bridge.tracking.senders import Pose, Senders
from entrain.vdevice.rotation import Rotation

SILENT_S = 1.0
"""Silence after which another sender is heard, in seconds."""
OPENTRACK_BYTES = 48
_OPENTRACK = struct.Struct("<6d")  # x, y and z in cm, then yaw, pitch and roll in degrees
_REPORT_S = 1.0
_RECENT_PORTS = 8


@dataclass
class Counters:
    """Packets since the start."""

    poses: int = 0
    """Packets with a pose of the sender that is heard."""
    ignored: int = 0
    """Packets of other senders, or without a pose."""
    malformed: int = 0
    """Packets that no known sender should send."""


@dataclass
class Receiver:
    """The newest pose of the sender that is heard.

    Parameters
    ----------
    senders : Senders
        Reads poses.

    """

    senders: Senders
    counters: Counters = field(default_factory=Counters)
    source: str = ""
    """The sender's address and machine, or "" before the first pose."""
    _heard: tuple[str, str] = ("", "")
    _heard_at_s: float = -1e9
    _pose: Pose | None = None
    """The last pose of the sender that is heard, for the axes that the next message leaves out."""
    _ports: deque[int] = field(default_factory=lambda: deque(maxlen=_RECENT_PORTS))
    """UDP ports of the sender's last packets; some senders take another one for each packet."""
    _port: int | None = None
    """The port that has come again, which tells the sender from a second one like it."""

    def take_osc(self, packet: bytes, host: str, now_s: float, port: int = 0) -> Pose | None:
        """Read an OSC packet; returns its pose if it counts."""
        try:
            return self._counted(self.senders.pose(read_packet(packet)), host, now_s, port)
        except MalformedPacket:
            self.counters.malformed += 1
            return None

    def take_opentrack(self, packet: bytes, host: str, now_s: float, port: int = 0) -> Pose | None:
        """Read one of opentrack's packets; returns its pose if it counts."""
        try:
            if len(packet) != OPENTRACK_BYTES:
                raise MalformedPacket("length")
            angles = _OPENTRACK.unpack(packet)[3:]
            return self._counted(self.senders.opentrack(angles), host, now_s, port)
        except MalformedPacket:
            self.counters.malformed += 1
            return None

    def _counted(self, pose: Pose | None, host: str, now_s: float, port: int) -> Pose | None:
        sender = (pose.form, host) if pose else None
        is_other = sender != self._heard or self._port not in (None, port)
        if pose is None or sender is None or (is_other and now_s - self._heard_at_s < SILENT_S):
            self.counters.ignored += 1
            return None
        if is_other:
            self._heard = sender
            self.source = f"{pose.form} from {host}"
            self._pose = None
            self._ports.clear()
            self._port = None
        if port in self._ports:
            self._port = port
        self._ports.append(port)
        self._heard_at_s = now_s
        self.counters.poses += 1
        self._pose = self.senders.completed(pose, self._pose)
        return self._pose


class Pacing:
    """Decides when the newest pose is handed on: at once, but at most 100 times a second.

    A message with one axis waits a moment for the messages with the others.
    """

    INTERVAL_S = 0.01
    SETTLE_S = 0.002

    def __init__(self) -> None:
        self._newest: Rotation | None = None
        self._due_s = 0.0
        self._next_s = 0.0

    def put(self, pose: Pose, now_s: float) -> None:
        """Replace the pose that waits."""
        if self._newest is None:
            self._due_s = max(self._next_s, now_s + (self.SETTLE_S if pose.is_partial else 0.0))
        self._newest = pose.rotation

    def due_s(self) -> float | None:
        """Return when a pose is due; None while none waits."""
        return None if self._newest is None else self._due_s

    def take(self, now_s: float) -> Rotation | None:
        """Return the pose if it is due."""
        if self._newest is None or now_s < self._due_s:
            return None
        newest, self._newest = self._newest, None
        # From when it was due: a loop that is a little late keeps the rate.
        self._next_s = max(self._due_s, now_s - self.INTERVAL_S / 2) + self.INTERVAL_S
        return newest


class Rate:
    """Counts what happens in a second."""

    def __init__(self) -> None:
        self.per_s = 0.0
        self._count = 0
        self._since_s: float | None = None

    def add(self, now_s: float, count: int = 1) -> None:
        """Count some; with 0, only let `per_s` be looked at again."""
        if self._since_s is None:
            self._since_s = now_s
        self._count += count

    def due_s(self) -> float | None:
        """Return when `per_s` changes; None while nothing happens."""
        return None if self._since_s is None else self._since_s + _REPORT_S

    def look(self, now_s: float) -> bool:
        """Bring `per_s` up to date if it is due; tells whether it was."""
        if self._since_s is None or now_s < self._since_s + _REPORT_S:
            return False
        self.per_s = self._count / (now_s - self._since_s)
        self._since_s = now_s if self._count else None
        self._count = 0
        return True
