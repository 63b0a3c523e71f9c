"""The UDP ports at which senders are heard."""

import contextlib
import socket
from dataclasses import dataclass

from entrain.vdevice.bridge.udp import bound, reason
from entrain.vdevice.limits import OPENTRACK_PORT


@dataclass(frozen=True)
class Port:
    """A bound socket."""

    number: int
    socket: socket.socket
    is_opentrack: bool


def open_ports(osc_port: int, lan: bool) -> tuple[list[Port], list[str]]:
    """Listen on this machine, or on its network, too.

    Returns
    -------
    list of Port
        May be empty.
    list of str
        Reasons why a port is missing, one line each.

    """
    found: list[Port] = []
    problems: list[str] = []
    for number in dict.fromkeys((osc_port, OPENTRACK_PORT)):
        is_opentrack = number == OPENTRACK_PORT
        try:
            found.append(
                Port(
                    number, bound(socket.AF_INET, "" if lan else "127.0.0.1", number), is_opentrack
                )
            )
        except OSError as error:
            problems.append(reason(number, error))
            continue
        # "localhost" is either of the two, and some machines have no IPv6.
        with contextlib.suppress(OSError):
            second = bound(socket.AF_INET6, "" if lan else "::1", number)
            found.append(Port(number, second, is_opentrack))
    return found, problems
