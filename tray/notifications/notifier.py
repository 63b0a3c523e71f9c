"""Shows notifications through the desktop: org.freedesktop.Notifications on the session bus.

https://specifications.freedesktop.org/notification-spec/1.2
"""

import asyncio
import html
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from entrain.platform.app_id import APP_ID
from entrain.platform.message_bus import BusError, Method, call, connected, session_bus_address
from entrain.tray.notifications.notification_policy import Kind, Notice

if TYPE_CHECKING:
    from dbus_fast.aio import MessageBus

TIMEOUT_S = 0.5
"""Longest time for one notification, in seconds."""

_SERVICE = "org.freedesktop.Notifications"
_PATH = "/org/freedesktop/Notifications"
_GET_CAPABILITIES = Method(_SERVICE, _PATH, _SERVICE, "GetCapabilities")
_NOTIFY = Method(_SERVICE, _PATH, _SERVICE, "Notify", "susssasa{sv}i")
_CLOSE = Method(_SERVICE, _PATH, _SERVICE, "CloseNotification", "u")
_NORMAL, _CRITICAL = 1, 2


class Notifier:
    """Shows notifications; a new notification replaces the former one of its kind.

    It connects to the bus for each notification.  Used on one thread without an asyncio loop.
    """

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], int] = {}
        """Notification ids by server and kind; a restarted server counts from the beginning."""

    def show(self, notice: Notice) -> bool:
        """Show a notification; return within `TIMEOUT_S` whether it is shown.  Never raises."""
        return _on_bus(lambda bus: self._notify(bus, notice))

    def remove(self, kind: Kind) -> None:
        """Remove the notifications of this kind, within `TIMEOUT_S`.  Never raises."""
        keys = [key for key in self._ids if key[1] == kind]
        numbers = [self._ids.pop(key) for key in keys]
        if numbers:
            _on_bus(lambda bus: _close(bus, numbers))

    async def _notify(self, bus: "MessageBus", notice: Notice) -> None:
        from dbus_fast import Variant

        able = await call(bus, _GET_CAPABILITIES)
        has_markup = "body-markup" in able.body[0]
        key = (able.sender or "", notice.kind)
        shown = await call(
            bus,
            _NOTIFY,
            "Entrain",
            self._ids.get(key, 0),
            APP_ID,
            notice.title,
            html.escape(notice.text, quote=False) if has_markup else notice.text,
            [],
            # No "desktop-entry": GNOME withdraws such notifications when the app leaves the bus.
            {"urgency": Variant("y", _CRITICAL if notice.urgent else _NORMAL)},
            -1,  # the desktop's own duration
        )
        self._ids[key] = int(shown.body[0])


say = Notifier().show
"""Shows a notification with the notifier that the whole process shares."""


def _on_bus(action: "Callable[[MessageBus], Awaitable[object]]") -> bool:
    """Run an action on the session bus; return whether it succeeded."""
    try:
        asyncio.run(_connected(action))
    except Exception:  # any failure of the bus or the server means that no notification is shown
        return False
    return True


async def _connected(action: "Callable[[MessageBus], Awaitable[object]]") -> None:
    address = session_bus_address()
    if address is None:
        raise BusError("there is no session bus")
    async with asyncio.timeout(TIMEOUT_S), connected(address) as bus:
        await action(bus)


async def _close(bus: "MessageBus", numbers: Sequence[int]) -> None:
    for number in numbers:
        await call(bus, _CLOSE, number)
