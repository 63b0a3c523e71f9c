"""Follows the status for all pages with one `watch`; without subscribers it asks for nothing."""

import asyncio
import contextlib
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from entrain.errors import EntrainError
from entrain.tray.dashboard.page_link import PageLink
from entrain.vdevice.api.app_link import AppLink, request_line

INTERVAL_S = 0.2
"""Shortest time between two events, in seconds, except after commands and other news."""
RETRY_S = 0.2
"""Pause before the next attempt while Entrain does not answer, in seconds."""
REFUSED_S = 5.0
"""The same after Entrain has refused the watch, in seconds."""


class StatusFeed:
    """One watch.

    Parameters
    ----------
    path : Path
        The control socket.
    pages : collection of PageLink
        All open pages.

    """

    def __init__(self, path: Path, pages: Collection[PageLink]) -> None:
        self._link = AppLink(path)
        self._pages = pages
        self._watched: frozenset[str] = frozenset()
        """Parts in the present watch."""
        self._known: dict[str, Any] = {}
        """The newest value of each watched part, as soon as it has arrived."""
        self._owed: dict[PageLink, frozenset[str]] = {}
        """Parts that have not arrived since their page has asked for them."""
        self._is_wanted = asyncio.Event()

    def subscribe(self, page: PageLink) -> None:
        """Send all parts that this page wants, and from now on changes of them."""
        known = {name: self._known[name] for name in page.parts & self._known.keys()}
        if known:
            page.tell_status(known)
        self._owed[page] = page.parts - known.keys()
        self._look()

    def unsubscribe(self, page: PageLink) -> None:
        """Forget a page that has closed."""
        self._owed.pop(page, None)
        self._look()

    async def run(self) -> None:
        """Follow the status until cancelled."""
        try:
            while True:
                await self._is_wanted.wait()
                pause_s = RETRY_S
                # An answer that cannot be understood must not end the news for good.
                with contextlib.suppress(EntrainError, OSError, ValueError, LookupError, TypeError):
                    await self._link.open()
                    self._watch()  # of nothing, if the wishes have been withdrawn meanwhile
                    while self._watched and (line := await self._link.line()):
                        answer = json.loads(line)
                        if answer["ok"] is not True:  # an older Entrain lacks one of the parts
                            pause_s = REFUSED_S
                            break
                        self._take(answer["result"], answer.get("caused_by", ()))
                self._forget()
                await asyncio.sleep(pause_s)
        finally:
            self._link.close()

    def _look(self) -> None:
        """Adapt the watch to the wishes of all pages."""
        wanted = self._wanted()
        if not wanted:
            self._is_wanted.clear()
            self._forget()
            return
        self._is_wanted.set()
        if self._watched and self._watched != wanted:
            self._watch()

    def _watch(self) -> None:
        """Begin a watch; Entrain then ends the former one."""
        self._watched = self._wanted()
        self._known = {name: self._known[name] for name in self._watched & self._known.keys()}
        if self._watched:
            parts = sorted(self._watched)
            self._link.send(request_line("watch", interval_s=INTERVAL_S, parts=parts, prompt=True))

    def _wanted(self) -> frozenset[str]:
        return frozenset().union(*(page.parts for page in self._pages))

    def _take(self, parts: Mapping[str, Any], caused_by: Iterable[str]) -> None:
        changed = {
            name: value
            for name, value in parts.items()
            if name not in self._known or self._known[name] != value
        }
        self._known.update(parts)
        for page in self._pages:
            owed = self._owed.pop(page, frozenset())
            self._owed[page] = owed - parts.keys()
            names = (changed.keys() | owed & parts.keys()) & page.parts
            if names:
                page.tell_status({name: parts[name] for name in names}, caused_by)

    def _forget(self) -> None:
        self._link.close()
        self._known, self._watched = {}, frozenset()
        self._owed = {page: page.parts for page in self._pages}
