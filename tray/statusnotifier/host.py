"""Finds out whether the desktop can show a tray icon.  Takes a moment, and never hangs."""

import asyncio
import os
import sys
import threading
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from entrain.platform.message_bus import BusError, Method, call, connected, session_bus_address

WATCHER_NAME = "org.kde.StatusNotifierWatcher"
WATCHER_PATH = "/StatusNotifierWatcher"
_GET_PROPERTY = Method(
    WATCHER_NAME, WATCHER_PATH, "org.freedesktop.DBus.Properties", "Get", "ss", starts=False
)


@dataclass(frozen=True)
class TrayHost:
    """The kind of tray on this desktop."""

    kind: Literal["statusnotifier", "xembed", "native", "none"]
    """`native`: macOS and Windows, which always have a tray.  `xembed`: an old X11 tray, with
    pystray's requirements installed."""
    reason: str
    """One plain sentence for the user."""
    has_bus: bool
    """Whether the session bus answers; if so, a tray may come later."""
    has_display: bool


def find_host(timeout_s: float = 0.09) -> TrayHost:
    """Look for a tray.  May be called on any thread, also beside a running event loop.

    Parameters
    ----------
    timeout_s : float
        Longest wait for the session bus and the X server together.

    Returns
    -------
    TrayHost
        The kind is `none` also if the bus did not answer in time.  An icon that runs in spite of
        this appears as soon as the bus answers.

    """
    if sys.platform in ("darwin", "win32"):
        return TrayHost("native", "This system always has a tray.", False, True)
    else:
        return _find_linux_host(timeout_s)


def _find_linux_host(timeout_s: float) -> TrayHost:
    has_display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    address = session_bus_address()
    if address is None and not os.environ.get("DISPLAY"):
        return TrayHost("none", "There is no session bus, so no tray.", False, has_display)
    if address is not None:
        import dbus_fast.aio  # noqa: F401  (otherwise the wait below would include the import)
    found: list[TrayHost] = []
    # A hanging bus hangs only this thread, not the caller.
    thread = threading.Thread(
        target=lambda: found.append(_ask(address, has_display, timeout_s)),
        name="find-tray",
        daemon=True,
    )
    thread.start()
    thread.join(timeout_s)
    if found:
        return found[0]
    return TrayHost("none", "The session bus does not answer, so no tray.", False, has_display)


def _ask(address: str | None, has_display: bool, timeout_s: float) -> TrayHost:
    reason, has_bus = "There is no session bus, so no tray.", False
    if address is not None:
        try:
            reason = asyncio.run(_ask_bus(address, timeout_s))
            has_bus = True
        except TimeoutError:
            reason = "The session bus does not answer, so no tray."
        except Exception:  # a wrong address, a dead bus or a refusal: all have the same effect
            reason = "The session bus cannot be reached, so no tray."
        if not reason:
            return TrayHost("statusnotifier", "The desktop shows tray icons.", has_bus, has_display)
    # Without PyGObject, pystray has no menu in an X11 tray, which is then of no use.
    if os.environ.get("DISPLAY") and find_spec("gi") is not None and _has_xembed_tray():
        return TrayHost("xembed", "The desktop has an old X11 tray.", has_bus, has_display)
    return TrayHost("none", reason, has_bus, has_display)


async def _ask_bus(address: str, timeout_s: float) -> str:
    """Return why the bus has no tray, or "" if it has a tray."""
    async with asyncio.timeout(timeout_s), connected(address) as bus:
        try:
            answer = await call(bus, _GET_PROPERTY, WATCHER_NAME, "IsStatusNotifierHostRegistered")
        except BusError:
            return "The desktop has no tray (GNOME needs the AppIndicator extension)."
    if answer.signature != "v" or answer.body[0].value is not True:
        return "The desktop supports tray icons, but no panel shows them."
    return ""


def _has_xembed_tray() -> bool:
    try:
        from Xlib.display import Display

        display = Display()
        try:
            atom = display.intern_atom(f"_NET_SYSTEM_TRAY_S{display.get_default_screen()}")
            return bool(display.get_selection_owner(atom))
        finally:
            display.close()
    except Exception:  # python-xlib raises many kinds of errors if the display is dead
        return False
