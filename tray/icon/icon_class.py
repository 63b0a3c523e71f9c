"""Chooses what shows the icon in the tray that is there."""

import sys
from importlib import import_module
from typing import Any

from entrain.tray.statusnotifier.host import TrayHost


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
