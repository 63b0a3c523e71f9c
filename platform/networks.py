"""Addresses by which the networks of this computer reach it."""

import contextlib
import socket
import struct
import sys

if sys.platform == "linux":
    import fcntl

ANY = "0.0.0.0"
"""Stands for all addresses of this computer."""
_SIOCGIFADDR = 0x8915
_NAME_BYTES = 15
_ELSEWHERE = ("192.0.2.1", 9)
"""An address that belongs to no computer (RFC 5737)."""


def addresses() -> dict[str, str]:
    """Return the IPv4 addresses of this computer, except for 127.x.x.x.

    Returns
    -------
    dict
        By the address, its network's name on this computer, such as ``wlan0``, if that is known.

    """
    found = {}
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        if sys.platform == "linux":
            for _, name in socket.if_nameindex():
                if address := _address(asking, name):
                    found[address] = name
        else:
            asking.connect(_ELSEWHERE)  # sends nothing, and chooses the network that leads there
            found[str(asking.getsockname()[0])] = ""
    return {address: name for address, name in found.items() if not address.startswith("127.")}


if sys.platform == "linux":

    def _address(asking: socket.socket, name: str) -> str:
        """Return the first address of a network; "" if it has none, or has just gone."""
        try:
            request = struct.pack("256s", name.encode()[:_NAME_BYTES])
            return socket.inet_ntoa(fcntl.ioctl(asking, _SIOCGIFADDR, request)[20:24])
        except OSError:
            return ""
