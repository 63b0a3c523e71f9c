"""Binds the shortcuts at a portal, and keeps them bound while portals come and go.

The interface is org.freedesktop.portal.GlobalShortcuts.  Everything here runs on one asyncio loop.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from dbus_fast import Message, Variant

from entrain.platform.message_bus import BusError
from entrain.tray.portal.portal import PATH, NoResponse, Portal
from entrain.tray.portal.shortcuts import MAX_REASON_CHARS, Report, Shortcut, bound_keys, one_line

RESPONSE_TIMEOUT_S = 30.0
"""Longest wait for a session."""
DIALOG_TIMEOUT_S = 600.0
"""Longest wait for the user, whom the desktop asks for the keys."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Pauses before the shortcuts are bound again."""
MAX_HANDLE_CHARS = 255
"""Longest name of a session; a name has four parts with a known beginning."""
MOST_FAILURES = 8
"""Attempts in a row; then the shortcuts wait for another portal."""

_SHORTCUTS = "org.freedesktop.portal.GlobalShortcuts"
_SESSION = "org.freedesktop.portal.Session"
_DONE, _REFUSED = 0, 1

_log = logging.getLogger(__name__)


class Binding:
    """The shortcuts, at one portal after the other.

    Parameters
    ----------
    shortcuts : sequence of Shortcut
        The shortcuts to offer.
    activated : callable
        Takes the id of each shortcut whose keys are pressed; must return at once.
    tell : callable
        Takes each new `Report`.

    """

    def __init__(
        self,
        shortcuts: Sequence[Shortcut],
        activated: Callable[[str], object],
        tell: Callable[[Report], object],
    ) -> None:
        self._shortcuts = shortcuts
        self._ids = {each.id for each in shortcuts}
        self._activated = activated
        self._tell = tell
        self._report = Report("off")
        self._session = ""
        self._ended = asyncio.Event()

    async def keep(self, portal: Portal) -> None:
        """Bind the shortcuts, and bind them again after each end of their session.

        Returns when the user has refused.
        """
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            portal.came.clear()
            self._ended.clear()
            began_s = loop.time()
            self.say(await self._outcome(portal))
            if self._report.state == "denied":
                return
            if self._report.state == "bound":
                await self._ended.wait()
                self.say(Report("asking", "the desktop's portal has ended the shortcuts"))
            self._session = ""
            failures = 1 if loop.time() - began_s > LONGEST_PAUSE_S else failures + 1
            await asyncio.sleep(FIRST_PAUSE_S)
            if self._report.state == "missing" or failures >= MOST_FAILURES:
                await portal.came.wait()
                failures = 0
            else:
                await _wait(portal.came, min(2.0**failures - 1, LONGEST_PAUSE_S))

    def hear(self, message: Message | None) -> None:
        """Take a signal of the portal, or its end as None."""
        if message is None:
            self._ended.set()
        elif not self._session:
            pass
        elif message.interface == _SESSION:
            if message.member == "Closed" and message.path == self._session:
                self._ended.set()
        elif message.interface == _SHORTCUTS and message.path == PATH:
            self._hear_shortcuts(message)

    def say(self, report: Report) -> None:
        """Tell a report if it is news."""
        if report != self._report:
            self._report = report
            self._tell(report)

    def _hear_shortcuts(self, message: Message) -> None:
        match message.member, message.signature, message.body:
            case "Activated", "osta{sv}", [self._session, str(name), *_] if name in self._ids:
                self._activated(name)
            case "ShortcutsChanged", "oa(sa{sv})", [self._session, list(listed)]:
                changed = bound_keys(listed, self._shortcuts)
                self.say(replace(self._report, keys={**self._report.keys, **changed}))

    async def _outcome(self, portal: Portal) -> Report:
        """Try once to bind the shortcuts, and return what came of it."""
        try:
            await portal.register()
            if await portal.version(_SHORTCUTS) < 1:
                return Report("missing", "this desktop has no portal for keyboard shortcuts")
            self.say(Report("asking", "the desktop asks which keys to use"))
            return await self._bind(portal)
        except (TimeoutError, NoResponse):
            reason = "the desktop's portal does not answer"
        except BusError as error:
            reason = f"the desktop's portal refuses: {one_line(error, MAX_REASON_CHARS)}"
            if not portal.knows_app:
                reason += "; run `entrain install-desktop`, then `entrain hotkeys enable` again"
        except Exception as error:  # an answer in another form than the portal's manual describes
            _log.debug("the portal", exc_info=True)
            reason = f"the desktop's portal answers {one_line(repr(error), MAX_REASON_CHARS)}"
        return Report("failed", reason)

    async def _bind(self, portal: Portal) -> Report:
        code, results = await portal.request(
            _SHORTCUTS,
            "CreateSession",
            "a{sv}",
            timeout_s=RESPONSE_TIMEOUT_S,
            session_handle_token=Variant("s", f"entrain_{secrets.token_hex(8)}"),
        )
        session = _text(results, "session_handle")
        fits = session.startswith(f"{PATH}/session/") and len(session) <= MAX_HANDLE_CHARS
        if code != _DONE or not fits:
            raise BusError("it opens no session")
        self._session = session
        try:
            code, results = await portal.request(
                _SHORTCUTS,
                "BindShortcuts",
                "oa(sa{sv})sa{sv}",
                session,
                [[each.id, _described(each)] for each in self._shortcuts],
                "",
                timeout_s=DIALOG_TIMEOUT_S,
            )
        except NoResponse:
            return Report("denied", "the desktop's dialog has had no answer")
        keys = bound_keys(getattr(results.get("shortcuts"), "value", None), self._shortcuts)
        if code == _REFUSED:
            return Report("denied", "the desktop's dialog was cancelled")
        # GNOME 48.0 binds shortcuts and then answers with any number, so the list counts, too.
        if code == _DONE or keys.keys() == self._ids:
            return Report("bound", keys=keys)
        raise BusError("it binds no shortcuts")


def _described(shortcut: Shortcut) -> dict[str, Variant]:
    told = {"description": Variant("s", shortcut.description)}
    if shortcut.preferred_trigger:
        told["preferred_trigger"] = Variant("s", shortcut.preferred_trigger)
    return told


def _text(results: dict[str, Any], name: str) -> str:
    value = getattr(results.get(name), "value", None)
    return value if isinstance(value, str) else ""


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except TimeoutError:
        return
