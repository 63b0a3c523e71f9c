"""Entry point of the tracker's process; Entrain starts it, and it ends with Entrain.

Usage: python -m entrain.vdevice.tracking --port N [--lan] [--preset NAME] [--invert AXIS]

Its standard input is a socket of Entrain's, to which it writes poses.  It ends when Entrain closes
the other end, or dies.  On its standard output it reports, one JSON object a line, at most once a
second.
"""

import argparse
import json
import select
import signal
import sys
import time
from typing import get_args

from entrain.vdevice.limits import OSC_PORT, HeadAxis, TrackerPreset
from entrain.vdevice.tracking.osc import MAX_PACKET_BYTES
from entrain.vdevice.tracking.ports import Port, open_ports
from entrain.vdevice.tracking.pose_link import PoseLink
from entrain.vdevice.tracking.receiver import Pacing, Rate, Receiver
from entrain.vdevice.tracking.senders import Senders

_MOST_PACKETS = 64
"""Packets of one port that are read before the others, and Entrain, have their turn."""


def main() -> int:
    """Serve until Entrain ends; returns 1 if no port can be opened."""
    options = _options()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is Entrain's; its end is ours
    ports, problems = open_ports(options.port, options.lan)
    tracker = _Tracker(options, ports, problems)
    tracker.report()
    if not ports:
        return 1
    while tracker.step():
        pass
    return 0


class _Tracker:
    def __init__(self, options: argparse.Namespace, ports: list[Port], problems: list[str]) -> None:
        self._ports = {each.socket.fileno(): each for each in ports}
        self._problems = problems
        self._receiver = Receiver(Senders(options.preset, options.invert))
        self._pacing = Pacing()
        self._rate = Rate()
        self._link = PoseLink(sys.stdin.fileno())
        self._reported = ""

    def step(self) -> bool:
        """Wait for something and do it; False when Entrain has ended."""
        due = [each for each in (self._pacing.due_s(), self._rate.due_s()) if each is not None]
        timeout_s = max(0.0, min(due) - time.monotonic()) if due else None
        ready, _, _ = select.select([self._link.fd, *self._ports], [], [], timeout_s)
        if self._link.fd in ready and not self._link.is_open():
            return False
        for number in ready:
            if port := self._ports.get(number):
                self._receive(port)
        now_s = time.monotonic()
        if turned := self._pacing.take(now_s):
            self._link.send(turned, now_s)
        if self._rate.look(now_s):
            self.report()
        return True

    def _receive(self, port: Port) -> None:
        take = self._receiver.take_opentrack if port.is_opentrack else self._receiver.take_osc
        for _ in range(_MOST_PACKETS):
            try:
                packet, sender = port.socket.recvfrom(MAX_PACKET_BYTES + 1)
            except OSError:  # no more of them, or a report that one of ours did not arrive
                return
            now_s = time.monotonic()
            if pose := take(packet, sender[0], now_s, sender[1]):
                self._pacing.put(pose, now_s)
                self._rate.add(now_s)
            else:
                self._rate.add(now_s, 0)

    def report(self) -> None:
        """Write a line if it says something new."""
        counters = self._receiver.counters
        line = json.dumps(
            {
                "listening": sorted({each.number for each in self._ports.values()}),
                "source": self._receiver.source,
                "packets_per_s": round(self._rate.per_s, 1),
                "ignored": counters.ignored,
                "malformed": counters.malformed,
                "problem": "; ".join(self._problems),
            }
        )
        if line != self._reported:
            self._reported = line
            print(line, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=OSC_PORT)
    parser.add_argument("--lan", action="store_true")
    parser.add_argument("--preset", choices=get_args(TrackerPreset), default="standard")
    parser.add_argument("--invert", action="append", choices=get_args(HeadAxis), default=[])
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
