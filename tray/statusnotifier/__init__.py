"""A tray icon by StatusNotifierItem and com.canonical.dbusmenu: no toolkit, no display.

KDE, Xfce, LXQt, waybar and GNOME (with its AppIndicator extension) show the icon.  `icon` is the
public class, with pystray's interface.
"""
