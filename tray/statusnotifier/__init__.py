"""A tray icon by StatusNotifierItem and com.canonical.dbusmenu: no toolkit, no display.

KDE, Xfce, LXQt, waybar and GNOME (with its AppIndicator extension) show it.  `icon` is the face
of it, with pystray's interface.
"""
