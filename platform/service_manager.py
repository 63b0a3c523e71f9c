"""systemd of this user: gives a process a control group of its own.

What ends all of a group, as the kernel does when a session runs out of memory, leaves the process
alone then.  systemd is asked on the session's bus.
"""

import os

from dbus_fast import BusType, Message, MessageFlag, Variant

from entrain.platform import bus_call
from entrain.platform.adapter import PlatformError

NAME = "org.freedesktop.systemd1"
PATH = "/org/freedesktop/systemd1"
INTERFACE = "org.freedesktop.systemd1.Manager"
TIMEOUT_S = 3.0


def move_to_own_group(process_id: int) -> None:
    """Have systemd make a scope for a process, and wait for the answer.

    Parameters
    ----------
    process_id : int
        A process of this user's.

    Raises
    ------
    PlatformError
        There is no session bus or no systemd on it, it refuses, or it does not answer within
        `TIMEOUT_S`.

    """
    properties = [
        ["Description", Variant("s", "Entrain's guardian")],
        ["PIDs", Variant("au", [process_id])],
        # One that has failed is forgotten, so that nothing is left in the user's systemd.
        ["CollectMode", Variant("s", "inactive-or-failed")],
    ]
    message = Message(
        destination=NAME,
        path=PATH,
        interface=INTERFACE,
        member="StartTransientUnit",
        signature="ssa(sv)a(sa(sv))",
        body=[f"entrain-guardian-{process_id}.scope", "fail", properties, []],
        flags=MessageFlag.NO_AUTOSTART,  # where it does not run, it is not wanted
    )
    bus_call.call(message, "systemd", BusType.SESSION, TIMEOUT_S, _address())


def _address() -> str:
    """Return where the session's bus is; systemd's is always in the runtime folder."""
    if address := os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    if folder := os.environ.get("XDG_RUNTIME_DIR"):
        return f"unix:path={folder}/bus"
    raise PlatformError("no session bus: XDG_RUNTIME_DIR is not set")
