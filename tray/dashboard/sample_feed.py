"""Fetches samples for all pages with one request at a time; without subscribers, with none."""

import asyncio
import struct
from collections.abc import Collection
from pathlib import Path

from websockets.asyncio.server import broadcast

from entrain.errors import EntrainError
from entrain.tray.dashboard.app_link import AppLink
from entrain.tray.dashboard.page_link import PageLink

PACKETS_PER_S = 30
QUIET_PACKETS_PER_S = 4
"""Requests a second while no sound flows."""
QUIET_AFTER_S = 1.0
"""Time without new samples after which no sound is taken to flow."""
MAX_FRAMES = 16_384
"""Most frames in one answer."""
FIRST_FRAMES = 2048
"""Most frames in the first packet."""
RETRY_S = 0.2
"""Pause before the next attempt while Entrain does not answer, in seconds."""

_HEAD = struct.Struct("<QII")
"""First frame, number of frames, sample rate in Hz; the samples follow."""


class SampleFeed:
    """The way of the samples.

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
        self._is_wanted = asyncio.Event()

    def look(self) -> None:
        """Begin or end: the wishes of the pages have changed."""
        if any(page.wants_samples for page in self._pages):
            self._is_wanted.set()
        else:
            self._is_wanted.clear()

    async def run(self) -> None:
        """Fetch samples while a page wants them, until cancelled."""
        try:
            while True:
                await self._is_wanted.wait()
                try:
                    await self._fetch()
                except EntrainError:
                    await asyncio.sleep(RETRY_S)
                self._link.close()
        finally:
            self._link.close()

    async def _fetch(self) -> None:
        now_s = asyncio.get_running_loop().time
        begin: int | None = None
        due_s = flowed_s = now_s()
        while self._is_wanted.is_set():
            tapped = await self._link.tap(begin, FIRST_FRAMES if begin is None else MAX_FRAMES)
            begin = tapped.first + tapped.frames
            if tapped.frames:
                flowed_s = now_s()
                self._send(_HEAD.pack(tapped.first, tapped.frames, tapped.rate_hz) + tapped.samples)
            if tapped.frames == MAX_FRAMES:  # more of them wait
                continue
            flows = now_s() - flowed_s < QUIET_AFTER_S
            # A late loop leaves out packets; the next one is longer.
            due_s = max(due_s + 1 / (PACKETS_PER_S if flows else QUIET_PACKETS_PER_S), now_s())
            await asyncio.sleep(due_s - now_s())

    def _send(self, packet: bytes) -> None:
        """Send a packet to all pages that are not behind; this never waits."""
        broadcast(
            [page.socket for page in self._pages if page.wants_samples and not page.is_slow],
            packet,
        )
