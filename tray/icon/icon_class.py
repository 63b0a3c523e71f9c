"""Chooses the class that shows the icon in the present tray."""

import sys
from importlib import import_module
from typing import Any

from entrain.tray.statusnotifier.host import TrayHost


def icon_class(host: TrayHost) -> type[Any]:
    """Return a class with the interface of pystray's `Icon` that can show a menu in this tray.

    Parameters
    ----------
    host : TrayHost
        The result of `find_host`.

    Returns
    -------
    type
        Entrain's own class for StatusNotifierItem, also without a tray: a tray may come later.
        One of pystray's classes for an old X11 tray, and on macOS and Windows.  The optional
        attribute `ACCEPTS_SIZES` says whether `icon` may be a sequence of images.

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
                except Exception:  # a missing typelib is a ValueError, not an ImportError
                    continue
                if found.HAS_MENU:
                    return found
        from entrain.tray.statusnotifier.icon import Icon

        return Icon


def _backend(name: str) -> type[Any]:
    backend: type[Any] = import_module(f"pystray.{name}").Icon
    return backend
