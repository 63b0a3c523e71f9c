"""Entrain's name on desktops."""

APP_ID = "org.entrain.Entrain"
"""Name of the desktop entries and of the icon, also at the portal; GNOME wants a dot in it."""
FORMER_IDS = ("entrain", "local.entrain.Entrain")
"""Names of the entries that earlier versions wrote."""
