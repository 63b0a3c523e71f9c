"""pystray, imported without a display, and with menu items that have a key."""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from entrain.tray.statusnotifier.host import TrayHost

__all__ = ["KeyedItem", "Menu", "MenuItem", "PystrayIcon", "icon_class"]


def _import_pystray() -> Any:
    """Import pystray with its backend that needs nothing: the others look for a display."""
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
        Unlike that of any other item of the same menu; stays the same whatever the text is.
    text, action, **options
        As pystray's `MenuItem`.

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


def icon_class(host: TrayHost) -> type[Any]:
    """Return what shows an icon with a menu in this tray, with the interface of pystray's `Icon`.

    Parameters
    ----------
    host : TrayHost
        As `find_host` found it.

    Returns
    -------
    type
        Entrain's own for StatusNotifierItem, also where there is no tray: one may come later.
        One of pystray's in a tray of the old kind, and on macOS and Windows.  Its attribute
        `ACCEPTS_SIZES`, if it has one, says whether `icon` may be a sequence of images.

    """
    if sys.platform == "darwin":
        return _backend("_darwin")
    elif sys.platform == "win32":
        return _backend("_win32")
    else:
        if host.kind == "xembed":
            for name in ("_gtk", "_appindicator"):
                try:
                    found = _backend(name)
                except Exception:  # not only ImportError: a missing typelib is a ValueError
                    continue
                if found.HAS_MENU:
                    return found
        from entrain.tray.statusnotifier.icon import Icon

        return Icon


def _backend(name: str) -> type[Any]:
    backend: type[Any] = import_module(f"pystray.{name}").Icon
    return backend
