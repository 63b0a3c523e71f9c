"""A restless head tracker: poses and nonsense over UDP and over the control socket.

It also stops, continues and kills Entrain's own process that listens to trackers.
"""

import json
import math
import os
import random
import signal
import socket
import threading
from contextlib import suppress

import app
import osc_packets
import processes

from entrain.vdevice.limits import OPENTRACK_PORT, OSC_PORT

PAUSE_S = 0.01
ODD_SHARE = 0.2
_ODD_NUMBERS = (0.0, -0.0, 1e-30, 1e30, -1e38, math.nan, math.inf)
_ODD_PACKETS = (b"", b"/", b"/ypr\0\0\0\0,fff", b"#bundle\0", b"\xff" * 48, b"\0" * 16_000)
_SIGNALS = (signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT, signal.SIGCONT, signal.SIGTERM)


class RestlessTracker:
    """Sends poses while it is entered, on a thread of its own.

    Parameters
    ----------
    entrain : App
        Receives the poses.
    chance : random.Random
        The generator; no other code may use it.

    """

    def __init__(self, entrain: app.App, chance: random.Random) -> None:
        self._entrain = entrain
        self._random = chance
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "RestlessTracker":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to Entrain's process that listens to trackers, if it runs."""
        with suppress(OSError):
            for child in processes.children(self._entrain.pid):
                if b"entrain.vdevice.bridge" in processes.command_line(child):
                    os.kill(child, number)

    def _run(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while not self._ended.wait(PAUSE_S):
                with suppress(OSError):  # also a port at which no process listens
                    sender.sendto(self._packet(), ("127.0.0.1", self._port()))
                if self._random.random() < 0.01:
                    self.signal(self._random.choice(_SIGNALS))
                if self._random.random() < 0.05:
                    self._send_poses()

    def _port(self) -> int:
        return self._random.choice((OSC_PORT, OPENTRACK_PORT))

    def _number(self, most: float) -> float:
        if self._random.random() < ODD_SHARE:
            return self._random.choice(_ODD_NUMBERS)
        return self._random.uniform(-most, most)

    def _packet(self) -> bytes:
        if self._random.random() < ODD_SHARE:
            return self._random.choice(_ODD_PACKETS)
        angles = [self._number(180) for _ in range(3)]
        if self._random.random() < 0.3:
            return osc_packets.opentrack(angles[0], angles[1], angles[2])
        message = osc_packets.message("/ypr", *angles)
        return osc_packets.bundle(message) if self._random.random() < 0.3 else message

    def _send_poses(self) -> None:
        """Send some poses over a connection of its own, and hang up without reading answers."""
        poses = [
            {"command": "head", **{axis: self._number(1) for axis in "wxyz"}}
            for _ in range(self._random.randrange(1, 20))
        ]
        with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(app.control_socket(self._entrain.environment)))
            connection.sendall(b"".join(json.dumps(pose).encode() + b"\n" for pose in poses))
