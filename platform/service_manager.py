"""Asks the user's systemd to give a process a control group of its own.

When the system ends a whole group, for example when memory is short, the process then survives.
systemd is a service on the session bus.
"""

from dbus_fast import Variant

from entrain.platform import message_bus
from entrain.platform.adapter import PlatformError

NAME = "org.freedesktop.systemd1"
PATH = "/org/freedesktop/systemd1"
INTERFACE = "org.freedesktop.systemd1.Manager"
TIMEOUT_S = 3.0


def move_to_own_group(process_id: int) -> None:
    """Let systemd create a scope for a process, and wait for the answer.

    Parameters
    ----------
    process_id : int
        A process of this user.

    Raises
    ------
    PlatformError
        There is no session bus or no systemd on it, it refuses, or it does not answer within
        `TIMEOUT_S`.

    """
    properties = [
        ["Description", Variant("s", "Entrain's guardian")],
        ["PIDs", Variant("au", [process_id])],
        # systemd also removes a failed scope.
        ["CollectMode", Variant("s", "inactive-or-failed")],
    ]
    address = message_bus.session_bus_address()
    if address is None:
        raise PlatformError("there is no session bus")
    # If systemd does not run, the bus must not start it.
    method = message_bus.Method(
        NAME, PATH, INTERFACE, "StartTransientUnit", "ssa(sv)a(sa(sv))", starts=False
    )
    unit = f"entrain-guardian-{process_id}.scope"
    message_bus.call_once(address, "systemd", TIMEOUT_S, method, unit, "fail", properties, [])
