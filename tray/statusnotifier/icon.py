"""A pystray backend: the icon as a StatusNotifierItem, its menu by com.canonical.dbusmenu."""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from entrain.tray.notifications.notification_policy import Notice
from entrain.tray.notifications.notifier import Notifier
from entrain.tray.statusnotifier.item import Look
from entrain.tray.statusnotifier.layout import valid_text
from entrain.tray.statusnotifier.pixmap import Pixmap, pixmaps
from entrain.tray.statusnotifier.pystray_api import Menu, MenuItem, PystrayIcon
from entrain.tray.statusnotifier.service import TrayService

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_WAITING_CLICKS = 16

_log = logging.getLogger(__name__)


class Icon(PystrayIcon):  # type: ignore[misc]  # pystray has no types
    """A tray icon with pystray's interface.

    Attributes, `update_menu`, `notify` and `stop` may be used from any thread, before and
    after `run` begins.  The icon shows changes at most twice a second, and updates only the
    changed parts, so that an open menu stays open.  A `KeyedItem` stays the same line of the menu
    for as long as it keeps its key.

    `run` may be called on any thread, and once.  Actions run on that thread one after the other.
    Icon and menu stay alive meanwhile, but a long action delays the next action and the end of
    `run`.  Exceptions of actions are logged.  Texts and states of items are read on the icon's own
    thread.

    The icon appears in each tray and on each session bus that comes, or returns, later.

    Parameters
    ----------
    name : str
        The application's name.
    icon : PIL.Image.Image or sequence of them, optional
        One image, or the same image in several sizes.
    title : str, optional
        The first line explains the icon, also to a screen reader; further lines are details for
        the tooltip.
    menu : Menu, optional
        A click on the icon has the effect of the item with ``default=True``.
    **options
        Options of other backends; ignored.

    """

    HAS_DEFAULT_ACTION: ClassVar[bool] = True
    HAS_MENU: ClassVar[bool] = True
    HAS_MENU_RADIO: ClassVar[bool] = True
    HAS_NOTIFICATION: ClassVar[bool] = True
    ACCEPTS_SIZES: ClassVar[bool] = True
    SETUP_THREAD_TIMEOUT: ClassVar[float] = 0.5

    def __init__(
        self,
        name: str,
        icon: "Image | Sequence[Image] | None" = None,
        title: str | None = None,
        menu: Menu | None = None,
        **options: Any,
    ) -> None:
        self._icon_name = ""
        self._icon_theme_path = ""
        self._drawn: tuple[object, tuple[Pixmap, ...]] = (None, ())
        self._is_stopped = threading.Event()
        self._clicks: queue.SimpleQueue[Callable[[Any], object] | None] = queue.SimpleQueue()
        self._failure: Exception | None = None
        self._service = TrayService(
            name, self._look, lambda: self._menu, self._clicked, self._failed
        )
        self._notifier = Notifier()
        super().__init__(name, icon, title, menu, **options)

    @property
    def icon_name(self) -> str:
        """Name of an icon in the theme, which a tray prefers to `icon`; may be ""."""
        return self._icon_name

    @icon_name.setter
    def icon_name(self, name: str) -> None:
        self._icon_name = name
        self._service.changed()

    @property
    def icon_theme_path(self) -> str:
        """Another folder in which a tray looks for `icon_name`; may be ""."""
        return self._icon_theme_path

    @icon_theme_path.setter
    def icon_theme_path(self, folder: str) -> None:
        self._icon_theme_path = folder
        self._service.changed()

    def stop(self) -> None:
        """End `run`, even before it has begun.  Callable from any thread, also in an action."""
        self._is_stopped.set()
        super().stop()

    # ---- the methods that pystray requires of a backend ------------------------------------

    def _run(self) -> None:
        self._service.start()
        try:
            self._mark_ready()
            while not self._is_stopped.is_set():
                if (action := self._clicks.get()) is not None:
                    self._do(action)
                elif self._failure is not None:
                    raise self._failure
        finally:
            self._is_stopped.set()
            self._running = False
            self._service.stop()
            self._service.join()

    def _run_detached(self) -> None:
        threading.Thread(target=self._run, name="tray", daemon=True).start()

    def _stop(self) -> None:
        self._service.stop()
        self._clicks.put(None)

    def _show(self) -> None:
        self._set_visible(True)

    def _hide(self) -> None:
        self._set_visible(False)

    def _update_icon(self) -> None:
        self._icon_valid = True
        self._service.changed()

    def _update_title(self) -> None:
        self._service.changed()

    def _update_menu(self) -> None:
        self._service.changed()

    def _notify(self, message: str, title: str | None = None) -> None:
        title = valid_text(title or self.title or self.name)
        self._notifier.show(Notice("running", title, valid_text(message)))

    def _remove_notification(self) -> None:
        self._notifier.remove("running")

    # ----------------------------------------------------------------------------------------

    def _set_visible(self, is_visible: bool) -> None:
        # pystray's class sets `_visible` only after this call, too late for the service's thread.
        self._visible = is_visible
        self._service.changed()

    def _look(self) -> Look:
        """Return the icon's look; called on the service's thread."""
        images = self._icon
        if images is not self._drawn[0]:
            self._drawn = images, (pixmaps(images) if images else ())
        return Look(
            valid_text(self._title or ""),
            self._visible,
            self._drawn[1],
            valid_text(self._icon_name),
            valid_text(self._icon_theme_path),
        )

    def _clicked(self, item: MenuItem | None) -> None:
        """Queue the action of an item, or of the icon; called on the service's thread."""
        if self._clicks.qsize() >= MAX_WAITING_CLICKS:
            _log.warning("the tray's menu is busy and ignores a click")
            return
        self._clicks.put(item if item is not None else self._default_action)

    def _failed(self, error: Exception) -> None:
        """Make `run` raise the service's error; called on the service's thread."""
        self._failure = error
        self._clicks.put(None)

    @staticmethod
    def _default_action(icon: Any) -> None:
        icon._menu(icon)

    def _do(self, action: Callable[[Any], object]) -> None:
        try:
            action(self)
        except Exception as error:
            _log.error("the tray's action failed: %r", error)
        self._service.changed()
