"""The line that the Background portal shows for an app without a window.  On one asyncio loop.

The portal takes it from sandboxed apps only, and refuses it otherwise.
"""

import asyncio
import logging

from dbus_fast import Variant

from entrain.platform.message_bus import BusError, Method
from entrain.tray.portal.portal import PATH, SERVICE, Portal
from entrain.tray.portal.shortcuts import MAX_REASON_CHARS, MAX_STATUS_CHARS, one_line

INTERVAL_S = 1.0
"""Shortest time between two lines."""

_SET_STATUS = Method(SERVICE, PATH, "org.freedesktop.portal.Background", "SetStatus", "a{sv}")

_log = logging.getLogger(__name__)


class StatusLine:
    """Sends the latest line, when it has changed."""

    def __init__(self) -> None:
        self._line = ""
        self._changed = asyncio.Event()
        self._is_refused = False
        self._has_complained = False

    def say(self, text: str) -> None:
        """Take a new text; its line ends are shown as `` · ``."""
        line = one_line(text.replace("\n", " · "), MAX_STATUS_CHARS)
        if line and line != self._line:
            self._line = line
            if not self._is_refused:
                self._changed.set()

    def begin_afresh(self) -> None:
        """Send the line again: another portal has not seen it, and may take it."""
        self._is_refused = False
        if self._line:
            self._changed.set()

    async def send_to(self, portal: Portal) -> None:
        """Send each new line, until the task is cancelled; none after a refusal."""
        self.begin_afresh()
        while True:
            await self._changed.wait()
            await portal.ready.wait()
            self._changed.clear()
            asked = portal.owner
            try:
                await portal.call(_SET_STATUS, {"message": Variant("s", self._line)})
            except TimeoutError:
                _log.debug("the desktop's portal does not answer")
            except BusError as error:
                if portal.owner == asked:  # otherwise it has ended, and refuses nothing
                    self._take_refusal(error)
            await asyncio.sleep(INTERVAL_S)

    def _take_refusal(self, error: BusError) -> None:
        self._is_refused = True
        if not self._has_complained:
            self._has_complained = True
            reason = one_line(error, MAX_REASON_CHARS)
            _log.info("the desktop does not show Entrain's status: %s", reason)
