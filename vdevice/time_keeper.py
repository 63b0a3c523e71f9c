"""Does what is due by the clock: ends of sessions, the sleep timer, a reload of edited protocols.

Runs on the main thread's asyncio loop.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from entrain.errors import EntrainError
from entrain.platform import clock
from entrain.platform.folder_watch import ContentWatch
from entrain.vdevice.problems import Problems
from entrain.vdevice.session.output_protocols import OutputProtocols
from entrain.vdevice.session.player import Player

LIBRARY_LOOK_S = 2.0
"""Shortest interval between two looks at the files of protocols in use, in seconds."""
SETTLE_S = 0.2
"""Pause after a file has changed, so that its writer can finish, in seconds."""
LIBRARY_TIMEOUT_S = 3.0
"""Longest wait for the protocols folder, in seconds, so that the sleep timer is not delayed."""

_log = logging.getLogger(__name__)


class TimeKeeper:
    """Sleeps until the next deadline.

    While no app plays, it looks at files only after the system has reported a change.  Changes that
    the system does not report are found when an app plays.

    Parameters
    ----------
    player : Player
        Knows the next deadline.
    protocols : OutputProtocols
        Knows the files in use.
    switch_off : async callable
        Switches Entrain off when the sleep timer ends.
    problems : Problems
        Receives errors.
    changed : callable
        Called after each change that no request has caused.

    """

    def __init__(
        self,
        player: Player,
        protocols: OutputProtocols,
        switch_off: Callable[[], Awaitable[None]],
        problems: Problems,
        changed: Callable[[], None],
    ) -> None:
        self._player = player
        self._protocols = protocols
        self._switch_off = switch_off
        self._problems = problems
        self._changed = changed
        self._due = asyncio.Event()
        self._plays = False
        self._has_news = False
        """Files have changed since the last look."""
        self._look_at_s = 0.0
        """Time of the next look at files, by the loop's clock."""

    def wake(self) -> None:
        """Compute the next deadline again, since a request may have moved it."""
        self._due.set()

    def observe(self, plays: bool) -> None:
        """Note whether an app plays."""
        if plays and not self._plays:
            self._due.set()
        self._plays = plays

    async def run(self) -> None:
        """Meet the deadlines, and reload edited files, until cancelled."""
        with ContentWatch() as watch:
            try:
                await self._keep_time(watch)
            finally:
                self._ignore(watch)

    async def _keep_time(self, watch: ContentWatch) -> None:
        now_s = asyncio.get_running_loop().time
        while True:
            pause_s = LIBRARY_LOOK_S
            try:
                await self._do_what_is_due()
                looks = True
                if now_s() >= self._look_at_s:
                    self._look_at_s = now_s() + LIBRARY_LOOK_S
                    looks = await self._look_at_library(watch) and self._plays
                pause_s = self._player.pause_s(clock.suspended_too_s())
                if looks or self._has_news:
                    pause_s = min(pause_s, max(0.0, self._look_at_s - now_s()))
            except TimeoutError:
                _log.info("the protocols folder has not answered for %g s", LIBRARY_TIMEOUT_S)
            except EntrainError as error:
                self._problems.tell(str(error))
            except Exception as error:  # a bug in Entrain; the sleep timer must continue
                debug = _log.isEnabledFor(logging.DEBUG)
                _log.error("keeping time failed: %r", error, exc_info=debug)
                self._problems.tell(f"internal error while keeping time: {type(error).__name__}")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._due.wait()
            self._due.clear()

    def _listen(self, watch: ContentWatch) -> None:
        """Wake up once, at the next change of a file."""
        self._has_news = False
        if watch.fileno() >= 0:
            watch.drain()
            asyncio.get_running_loop().add_reader(watch.fileno(), self._take_news, watch)

    def _ignore(self, watch: ContentWatch) -> None:
        if watch.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(watch.fileno())

    def _take_news(self, watch: ContentWatch) -> None:
        self._ignore(watch)  # until the next look
        self._has_news = True
        settled_s = asyncio.get_running_loop().time() + SETTLE_S
        self._look_at_s = max(self._look_at_s, settled_s)
        self._due.set()

    async def _look_at_library(self, watch: ContentWatch) -> bool:
        """Reload files that have changed; returns whether any protocol in use is a file."""
        self._listen(watch)
        async with asyncio.timeout(LIBRARY_TIMEOUT_S):
            if await self._protocols.reload(watch):
                self._changed()
            return await self._protocols.are_files()

    async def _do_what_is_due(self) -> None:
        before = self._player.ended
        if self._player.tick(clock.suspended_too_s()):
            await self._fall_asleep()
        if self._player.ended != before:
            self._changed()

    async def _fall_asleep(self) -> None:
        try:
            await self._switch_off()
        except Exception as error:  # try again later: the sound server may be gone
            self._player.sleep(0, clock.suspended_too_s())
            if not isinstance(error, EntrainError):
                raise
        self._changed()
