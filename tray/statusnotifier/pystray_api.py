"""pystray's classes, imported without a display, and a menu item with a key."""

import os
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["KeyedItem", "Menu", "MenuItem", "PystrayIcon"]


def _import_pystray() -> Any:
    """Import pystray with its dummy backend; the other backends look for a display."""
    before = os.environ.get("PYSTRAY_BACKEND")
    os.environ["PYSTRAY_BACKEND"] = "dummy"
    try:
        return import_module("pystray._base")
    finally:
        if before is None:
            del os.environ["PYSTRAY_BACKEND"]
        else:
            os.environ["PYSTRAY_BACKEND"] = before


if TYPE_CHECKING:
    from pystray._base import Icon as PystrayIcon
    from pystray._base import Menu, MenuItem
else:
    _base = _import_pystray()
    PystrayIcon, Menu, MenuItem = _base.Icon, _base.Menu, _base.MenuItem


class KeyedItem(MenuItem):  # type: ignore[misc]  # pystray has no types
    """A menu item that a tray recognises after a change of the menu.

    Parameters
    ----------
    key : str
        Unique in its menu; stays the same when the text changes.
    text, action, **options
        The same as for pystray's `MenuItem`.

    """

    def __init__(
        self,
        key: str,
        text: str | Callable[[Any], str],
        action: "Callable[..., object] | Menu | None",
        **options: Any,
    ) -> None:
        super().__init__(text, action, **options)
        self.key = key
