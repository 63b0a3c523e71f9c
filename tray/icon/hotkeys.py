"""Keyboard shortcuts of the desktop: the shortcuts that Entrain offers, and their requests.

Until the user enables them, this module imports no D-Bus and starts no thread.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from entrain.tray.icon.menu_items import Ask

if TYPE_CHECKING:
    from entrain.tray.portal.service import PortalService
    from entrain.tray.portal.shortcuts import Report
    from entrain.vdevice.api.answers import Status

OFFERED: dict[str, tuple[str, str, Ask]] = {
    "bypass": (
        "Hear the sound with and without Entrain",
        "LOGO+ALT+b",
        Ask("bypass", {"matched": True}),
    ),
    "next": ("Next protocol of the same category", "LOGO+ALT+n", Ask("next")),
    "faster": ("Faster rhythm", "", Ask("adjust", {"rate_steps": 1})),
    "slower": ("Slower rhythm", "", Ask("adjust", {"rate_steps": -1})),
    "stronger": ("Stronger effect", "", Ask("adjust", {"level_steps": 1})),
    "weaker": ("Weaker effect", "", Ask("adjust", {"level_steps": -1})),
    "undo": ("Undo the last change of the sound", "", Ask("undo")),
}
"""By id: the description for the desktop, the proposed keys, and the request."""


class Hotkeys:
    """Asks the desktop for the shortcuts while the user wants them.  Used on one thread.

    Parameters
    ----------
    send : callable
        Takes each request of a shortcut, and each report to the app; may be called on another
        thread, must return at once.

    """

    def __init__(self, send: Callable[[Ask], object]) -> None:
        self._send = send
        self._service: PortalService | None = None
        self._reported: Report | None = None

    def take(self, status: "Status", title: str) -> None:
        """Begin or end, as this status wishes, and show the icon's title as the app's status."""
        wish = status["hotkeys"]
        if not wish["enabled"]:
            self.close()
            return
        reported = self._reported if wish["state"] == "off" else None
        if reported is not None:  # the wish is new to the app, but not to the desktop
            if reported.state in ("failed", "missing"):
                self.close()
            else:
                self._tell(reported)
        if self._service is None:
            self._service = self._started()
        self._service.say(title.removeprefix("Entrain: "))

    def close(self) -> None:
        """Give the shortcuts back.  Idempotent."""
        if self._service is not None:
            self._service.stop()
        self._service = self._reported = None

    def _started(self) -> "PortalService":
        from entrain.tray.portal.service import PortalService
        from entrain.tray.portal.shortcuts import Shortcut

        shortcuts = [Shortcut(name, told, keys) for name, (told, keys, _) in OFFERED.items()]
        service = PortalService(shortcuts, lambda name: self._send(OFFERED[name][2]), self._report)
        service.start()
        return service

    def _report(self, report: "Report") -> None:
        """Take a report; called on the service's thread."""
        self._reported = report
        self._tell(report)

    def _tell(self, report: "Report") -> None:
        told = {"state": report.state, "reason": report.reason, "keys": dict(report.keys)}
        self._send(Ask("hotkeys", {"report": told}))
