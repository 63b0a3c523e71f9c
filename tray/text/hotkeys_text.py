"""Texts about keyboard shortcuts: the bound keys, and the page of each desktop's own settings."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from entrain.tray.text.text_layout import clean

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import Hotkeys

COMMANDS = ("toggle", "next", "faster", "slower", "stronger", "weaker", "undo")
"""Commands of `entrain` that are made for a shortcut."""

_PAGES = {
    "kde": "open System Settings, Shortcuts, Add New, Command or Script",
    "xfce": "open Settings, Keyboard, Application Shortcuts",
    "x-cinnamon": "open System Settings, Keyboard, Shortcuts, Custom Shortcuts",
    "mate": "open Control Center, Keyboard Shortcuts",
    "lxqt": "open LXQt settings, Shortcut Keys",
    # After Budgie's and Cinnamon's own names, these desktops also call themselves GNOME.
    "gnome": "open Settings, Keyboard, View and Customize Shortcuts, Custom Shortcuts",
    "sway": "add lines such as `bindsym $mod+b exec entrain toggle` to ~/.config/sway/config",
    "i3": "add lines such as `bindsym $mod+b exec entrain toggle` to ~/.config/i3/config",
    "hyprland": "add lines such as `bind = SUPER, B, exec, entrain toggle` to "
    "~/.config/hypr/hyprland.conf",
    "river": "add lines such as `riverctl map normal Super B spawn 'entrain toggle'` to "
    "~/.config/river/init",
    "labwc": "add key bindings with the action Execute to ~/.config/labwc/rc.xml",
    "wayfire": "add commands to the section [command] of ~/.config/wayfire.ini",
}
_ANY_PAGE = "open your desktop's keyboard settings"


def settings_page(environment: Mapping[str, str]) -> str:
    """Say in one line where shortcuts for commands are set on this desktop, and which commands.

    Parameters
    ----------
    environment : mapping
        Environment variables of the user's session.

    """
    names = environment.get("XDG_CURRENT_DESKTOP", "").lower().split(":")
    page = next((_PAGES[name] for name in names if name in _PAGES), _ANY_PAGE)
    commands = [f"`entrain {name}`" for name in COMMANDS]
    return f"{page}, and bind {', '.join(commands[:-1])} or {commands[-1]}"


def lines(found: "Hotkeys", descriptions: Mapping[str, str]) -> list[str]:
    """Describe the shortcuts, one line each after the first.

    Parameters
    ----------
    found : mapping
        The control API's `Hotkeys`.
    descriptions : mapping
        What each shortcut does, by its id.

    """
    reason = f": {clean(found['reason'])}" if found["reason"] else ""
    if not found["enabled"]:
        return [f"disabled{reason}"]
    if found["state"] != "bound":
        return [f"enabled, not bound yet{reason}"]
    keys = {name: clean(text) or "keys as in the settings" for name, text in found["keys"].items()}
    if not keys:
        return ["enabled, but the desktop has assigned no keys; look in its settings of shortcuts"]
    first, second = (max(map(len, texts)) for texts in (keys, keys.values()))
    return [
        "enabled; the desktop's own settings change the keys",
        *(
            f"  {name:<{first}}  {text:<{second}}  {descriptions.get(name, '')}".rstrip()
            for name, text in keys.items()
        ),
    ]
