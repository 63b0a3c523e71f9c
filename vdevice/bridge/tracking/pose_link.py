"""Sends poses to Entrain, over the socket that is the bridge's standard input.

Each pose is four float64.  Entrain waits for them on a thread of its own: to wake its event loop
100 times a second, as messages at the control socket do, takes up to four times the processor time.
"""

import socket
import struct

from entrain.vdevice.rotation import Rotation, inverse, is_near

POSE = struct.Struct("<4d")  # w, x, y, z of the rotation from the room to the head
STILL_S = 0.25
"""Longest time between two poses of a head that keeps still, in seconds."""
STILL_RAD = 0.0017
"""A head that has turned by less keeps still: 0.1 degrees."""


class PoseLink:
    """Sends poses, and never waits for the app: a pose that does not fit is out of date anyway.

    Parameters
    ----------
    link : socket
        A stream socket; not blocking.

    """

    def __init__(self, link: socket.socket) -> None:
        self._socket = link
        self._sent: Rotation | None = None
        self._sent_at_s = 0.0

    def send(self, turned: Rotation, now_s: float) -> None:
        """Send a pose, unless the head keeps still."""
        is_recent = now_s - self._sent_at_s < STILL_S
        if self._sent is not None and is_recent and is_near(self._sent, turned, STILL_RAD):
            return
        try:
            self._socket.send(POSE.pack(*inverse(turned)))  # so few bytes go whole or not at all
        except OSError:  # Entrain is busy, or has ended
            return
        self._sent, self._sent_at_s = turned, now_s
