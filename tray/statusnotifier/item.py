"""The icon on the bus: org.kde.StatusNotifierItem."""

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from dbus_fast import DBusError, ErrorType, PropertyAccess
from dbus_fast.annotations import DBusBool, DBusInt32, DBusObjectPath, DBusSignature, DBusStr
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

from entrain.tray.statusnotifier.dbusmenu import MENU_PATH
from entrain.tray.statusnotifier.pixmap import Pixmap

ITEM_PATH = "/StatusNotifierItem"

_READ = PropertyAccess.READ

Pixmaps = Annotated[list[Any], DBusSignature("a(iiay)")]
ToolTip = Annotated[tuple[str, list[Any], str, str], DBusSignature("(sa(iiay)ss)")]


@dataclass(frozen=True)
class Look:
    """The visible properties of the icon."""

    title: str = ""
    """The first line explains the icon; further lines are details for the tooltip."""
    is_visible: bool = False
    pixmaps: tuple[Pixmap, ...] = ()
    icon_name: str = ""
    """Name of an icon in the theme, which a tray prefers to the pixmaps; may be ""."""
    icon_theme_path: str = ""
    """Another folder to search for the named icon; may be ""."""

    @property
    def headline(self) -> str:
        return self.title.partition("\n")[0]

    @property
    def details(self) -> str:
        return self.title.partition("\n")[2]


class StatusNotifierItem(ServiceInterface):
    """The icon's D-Bus interface for a tray.  Used on the loop of its bus.

    Parameters
    ----------
    item_id : str
        The application's name; the same at each start.
    activate : callable
        Handles a click on the icon.  Must return at once; returns False if clicks have no effect.

    """

    def __init__(self, item_id: str, activate: Callable[[], bool]) -> None:
        super().__init__("org.kde.StatusNotifierItem")
        self.look = Look()
        self._id = item_id
        self._activate = activate

    def update(self, look: Look) -> None:
        """Show this look from now on, and signal the changes."""
        old, self.look = self.look, look
        if old.icon_theme_path != look.icon_theme_path:
            self.new_icon_theme_path()
        if (old.pixmaps, old.icon_name) != (look.pixmaps, look.icon_name):
            self.new_icon()
        if old.title != look.title:
            self.new_title()
            self.new_tool_tip()
        if old.is_visible != look.is_visible:
            self.new_status()

    # ---- methods and properties ------------------------------------------------------------

    @dbus_method(name="Activate")
    def activate(self, x: DBusInt32, y: DBusInt32) -> None:
        if not self._activate():
            # After this error, a tray opens the menu.
            raise DBusError(ErrorType.UNKNOWN_METHOD, "a click on this icon has no effect")

    @dbus_method(name="SecondaryActivate")
    def secondary_activate(self, x: DBusInt32, y: DBusInt32) -> None:
        """Ignore a middle click: users would have to guess its effect."""

    @dbus_method(name="ContextMenu")
    def context_menu(self, x: DBusInt32, y: DBusInt32) -> None:
        """Ignore the request: a tray opens the menu at `Menu` by itself."""

    @dbus_method(name="Scroll")
    def scroll(self, delta: DBusInt32, orientation: DBusStr) -> None:
        """Ignore the wheel: users expect it to change the volume."""

    @dbus_property(access=_READ, name="Category")
    def category(self) -> DBusStr:
        return "ApplicationStatus"

    @dbus_property(access=_READ, name="Id")
    def id(self) -> DBusStr:
        return self._id

    @dbus_property(access=_READ, name="Title")
    def title(self) -> DBusStr:
        return self.look.headline

    @dbus_property(access=_READ, name="Status")
    def status(self) -> DBusStr:
        return "Active" if self.look.is_visible else "Passive"

    @dbus_property(access=_READ, name="WindowId")
    def window_id(self) -> DBusInt32:
        return 0

    @dbus_property(access=_READ, name="IconName")
    def icon_name(self) -> DBusStr:
        return self.look.icon_name

    @dbus_property(access=_READ, name="IconThemePath")
    def icon_theme_path(self) -> DBusStr:
        return self.look.icon_theme_path

    @dbus_property(access=_READ, name="IconPixmap")
    def icon_pixmap(self) -> Pixmaps:
        return list(self.look.pixmaps)

    @dbus_property(access=_READ, name="IconAccessibleDesc")
    def icon_accessible_desc(self) -> DBusStr:
        return self.look.title.replace("\n", ", ")

    @dbus_property(access=_READ, name="OverlayIconName")
    def overlay_icon_name(self) -> DBusStr:
        return ""

    @dbus_property(access=_READ, name="OverlayIconPixmap")
    def overlay_icon_pixmap(self) -> Pixmaps:
        return []

    @dbus_property(access=_READ, name="AttentionIconName")
    def attention_icon_name(self) -> DBusStr:
        return ""

    @dbus_property(access=_READ, name="AttentionIconPixmap")
    def attention_icon_pixmap(self) -> Pixmaps:
        return []

    @dbus_property(access=_READ, name="AttentionMovieName")
    def attention_movie_name(self) -> DBusStr:
        return ""

    @dbus_property(access=_READ, name="AttentionAccessibleDesc")
    def attention_accessible_desc(self) -> DBusStr:
        return self.look.title.replace("\n", ", ")

    @dbus_property(access=_READ, name="ToolTip")
    def tool_tip(self) -> ToolTip:
        # The tooltip's title is plain text, its description is markup.
        return "", [], self.look.headline, html.escape(self.look.details, quote=False)

    @dbus_property(access=_READ, name="ItemIsMenu")
    def item_is_menu(self) -> DBusBool:
        return False

    @dbus_property(access=_READ, name="Menu")
    def menu(self) -> DBusObjectPath:
        return MENU_PATH

    # ---- signals ---------------------------------------------------------------------------

    @dbus_signal(name="NewTitle")
    def new_title(self) -> None:
        """Signal that Title and IconAccessibleDesc have changed."""

    @dbus_signal(name="NewToolTip")
    def new_tool_tip(self) -> None:
        """Signal that ToolTip has changed."""

    @dbus_signal(name="NewIcon")
    def new_icon(self) -> None:
        """Signal that IconName or IconPixmap has changed."""

    @dbus_signal(name="NewIconThemePath")
    def new_icon_theme_path(self) -> DBusStr:
        return self.look.icon_theme_path

    @dbus_signal(name="NewStatus")
    def new_status(self) -> DBusStr:
        return "Active" if self.look.is_visible else "Passive"
