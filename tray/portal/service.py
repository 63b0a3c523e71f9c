"""Talks to the desktop's portal on a thread with an event loop of its own, which sleeps in between.

The session bus and the portal may come late, go and come back.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from dbus_fast import Message

from entrain.platform.message_bus import session_bus_address
from entrain.tray.portal.binding import Binding
from entrain.tray.portal.portal import on_bus
from entrain.tray.portal.shortcuts import MAX_REASON_CHARS, Report, Shortcut, one_line
from entrain.tray.portal.status_line import StatusLine

FIRST_RETRY_S, LAST_RETRY_S = 1.0, 60.0
"""Pauses before the session bus is tried again."""
STOP_TIMEOUT_S = 0.9

_log = logging.getLogger(__name__)


class PortalService:
    """Shortcuts and a status line at the desktop's portal, on the thread ``tray-portal``.

    Methods may be called from any thread.

    Parameters
    ----------
    shortcuts : sequence of Shortcut
        The shortcuts to offer.
    activated : callable
        Takes the id of each shortcut whose keys are pressed; called on the service's thread, must
        return at once.
    tell : callable
        Takes each new `Report`; called likewise.

    """

    def __init__(
        self,
        shortcuts: Sequence[Shortcut],
        activated: Callable[[str], object],
        tell: Callable[[Report], object],
    ) -> None:
        self._shortcuts = shortcuts
        self._activated = activated
        self._tell = tell
        self._thread = threading.Thread(target=self._run, name="tray-portal", daemon=True)
        # Shared between threads, under the lock:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_stopped = False
        self._first_line = ""
        # Used only on the service's thread:
        self._life: asyncio.Task[None] | None = None
        self._status: StatusLine | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Give the shortcuts back, and end the thread, within `STOP_TIMEOUT_S`.  Idempotent."""
        with self._lock:
            self._is_stopped = True
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._end)
        if self._thread.is_alive():
            self._thread.join(STOP_TIMEOUT_S)

    def say(self, text: str) -> None:
        """Show this text as the app's status, where the desktop shows one."""
        with self._lock:
            self._first_line = text
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._say, text)

    # ---- the thread ------------------------------------------------------------------------

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._live())

    def _end(self) -> None:
        if self._life is not None:
            self._life.cancel()

    def _say(self, text: str) -> None:
        if self._status is not None:
            self._status.say(text)

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_log_in_one_line)
        self._life = asyncio.current_task()
        self._status = StatusLine()
        binding = Binding(self._shortcuts, self._activated, self._tell)
        with self._lock:
            if self._is_stopped:
                return
            self._loop = loop
            self._status.say(self._first_line)
        try:
            await self._stay_connected(binding, self._status)
        finally:
            with self._lock:
                self._loop = None

    async def _stay_connected(self, binding: Binding, status: StatusLine) -> None:
        """Serve the bus whenever it is there."""
        pause_s = FIRST_RETRY_S
        while True:
            began_s = asyncio.get_running_loop().time()
            address = session_bus_address()
            if address is None:
                binding.say(Report("missing", "there is no session bus"))
            else:
                try:
                    await self._serve(address, binding, status)
                    binding.say(Report("asking", "the session bus has ended"))
                except Exception as error:  # a refusal, a wrong address, garbage of a broken bus
                    reason = one_line(str(error) or type(error).__name__, MAX_REASON_CHARS)
                    binding.say(Report("failed", f"the session bus cannot be reached: {reason}"))
            if asyncio.get_running_loop().time() - began_s > LAST_RETRY_S:
                pause_s = FIRST_RETRY_S
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LAST_RETRY_S)

    async def _serve(self, address: str, binding: Binding, status: StatusLine) -> None:
        """Keep the shortcuts bound until the bus ends or this task is cancelled."""

        def hear(message: Message | None) -> None:
            binding.hear(message)
            if message is None:
                status.begin_afresh()

        async with on_bus(address, hear) as (portal, bus):
            end = asyncio.ensure_future(bus.wait_for_disconnect())  # type: ignore[no-untyped-call]
            works = [
                asyncio.create_task(work) for work in (binding.keep(portal), status.send_to(portal))
            ]
            try:
                await asyncio.wait({end})  # unlike `await end`, it can be cancelled without harm
            finally:
                for work in works:
                    work.cancel()
                await asyncio.gather(*works, return_exceptions=True)
                if end.done():
                    end.exception()  # read it, otherwise asyncio complains
                else:
                    end.cancel()


def _log_in_one_line(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log asyncio's errors in one line, without a traceback."""
    _log.debug("%s: %r", context.get("message"), context.get("exception"))
