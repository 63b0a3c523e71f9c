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
    after `run` begins.  Changes show at most twice a second, and only where something differs:
    an open menu stays open.  A `KeyedItem` stays the same line of the menu for as long as it
    keeps its key.

    `run` may be called on any thread, and once.  Actions run on that thread one after the other;
    icon and menu stay alive meanwhile, but an action that takes long holds up the next, and
    the end of `run`.  What an action raises is logged.  Texts and states of items are read on a
    thread of the icon's own.

    A tray that comes later, or comes back, gets the icon, and so does a session bus.

    Parameters
    ----------
    name : str
        The application's name.
    icon : PIL.Image.Image or sequence of them, optional
        One image, or the same in several sizes.
    title : str, optional
        What the icon stands for, also for a screen reader; from the second line on, more of it
        for the tooltip.
    menu : Menu, optional
        The item with ``default=True`` is what a click on the icon does.
    **options
        Of other backends; ignored.

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
        """The name of an icon in the theme, which a tray prefers to `icon`; "" for none."""
        return self._icon_name

    @icon_name.setter
    def icon_name(self, name: str) -> None:
        self._icon_name = name
        self._service.changed()

    @property
    def icon_theme_path(self) -> str:
        """A folder in which a tray also looks for `icon_name`; "" for none."""
        return self._icon_theme_path

    @icon_theme_path.setter
    def icon_theme_path(self, folder: str) -> None:
        self._icon_theme_path = folder
        self._service.changed()

    def stop(self) -> None:
        """End `run`, at once where it has not begun.  From any thread, also in an action."""
        self._is_stopped.set()
        super().stop()

    # ---- what pystray's own class asks of a backend ----------------------------------------

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
        # pystray's class sets it after this call: too late for the service's thread.
        self._visible = is_visible
        self._service.changed()

    def _look(self) -> Look:
        """Return what is to be seen; on the service's thread."""
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
        """Have an item's action, or that of the icon, done; on the service's thread."""
        if self._clicks.qsize() >= MAX_WAITING_CLICKS:
            _log.warning("the tray's menu is busy: a click is lost")
            return
        self._clicks.put(item if item is not None else self._default_action)

    def _failed(self, error: Exception) -> None:
        """Have `run` raise what ended the service; on the service's thread."""
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
