"""Whether the user wants keyboard shortcuts, and what Entrain's icon reports of them.

The icon talks to the desktop; the app only keeps the wish and shows the report.
"""

from entrain.vdevice.api.messages import HotkeysReport
from entrain.vdevice.storage.saver import Saver


class ReportedHotkeys:
    """The stored wish and the icon's last report.  Called on the main thread only.

    Parameters
    ----------
    saver : Saver
        Keeps the wish.

    """

    def __init__(self, saver: Saver) -> None:
        self._saver = saver
        self.report = HotkeysReport()
        """The last report; an ``off`` one after each new wish."""

    def take(self, enabled: bool | None, report: HotkeysReport | None) -> None:
        """Take a new wish, a report, or both; None means no change.

        A user who refuses in the desktop's dialog is not asked again at the next login.  The wish
        of a user who repeats it after a failure is new.
        """
        failed = self.report.state in ("failed", "missing")
        if enabled is not None and (enabled != self._saver.kept.hotkeys or failed):
            self._saver.keep(hotkeys=enabled)
            self.report = HotkeysReport()
        if report is not None and self._saver.kept.hotkeys:
            self.report = report
            if report.state == "denied":
                self._saver.keep(hotkeys=False)
