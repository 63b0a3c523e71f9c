"""systemd of this user: gives a process a control group of its own.

What ends all of a group, as the kernel does when a session runs out of memory, leaves the process
alone then.  systemd is asked on the session's bus.
"""

from dbus_fast import Variant

from entrain.platform import message_bus
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
    address = message_bus.session_bus_address()
    if address is None:
        raise PlatformError("there is no session bus")
    # Where systemd does not run, it is not to be started.
    method = message_bus.Method(
        NAME, PATH, INTERFACE, "StartTransientUnit", "ssa(sv)a(sa(sv))", starts=False
    )
    unit = f"entrain-guardian-{process_id}.scope"
    message_bus.call_once(address, "systemd", TIMEOUT_S, method, unit, "fail", properties, [])
