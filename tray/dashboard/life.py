"""The life of the dashboard's process: one per user; it ends with its last page, or with Entrain.

Other processes of the user reach it at a socket of its own, to get a key to the page.
"""

import asyncio
import contextlib
import json
import math
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from entrain.platform.local_socket import Claim
from entrain.tray.dashboard.keys import Keys
from entrain.tray.dashboard.page_files import PageFile
from entrain.tray.dashboard.presence import Presence
from entrain.tray.dashboard.server import DashboardServer

FILE_S = 60.0
"""Time for which the key in a file is valid, in seconds; a browser may have to start first."""
ADDRESS_S = 10.0
"""The same for a key in an address that other users can read in the list of processes."""
IDLE_S = 300.0
"""Time after the last page until the end, in seconds."""
LOOK_S = 2.0
"""Pause between two looks whether it is time to end, in seconds."""
_PATIENCE_S = 5.0
"""Longest time for a request at the socket, in seconds."""
_MAX_LINE_BYTES = 4096
_PAGES = "open-{}.html"
"""Names of the pages that lead to the dashboard."""
_NOISE = (OSError, ValueError, TimeoutError, KeyError, TypeError, RecursionError)
"""Errors of a request at the socket that makes no sense, or whose sender leaves."""
ENDED = "Entrain has ended"


class Life:
    """One run of the dashboard.

    Parameters
    ----------
    files : mapping
        The page's files.
    path : Path
        The control socket of Entrain.
    claim : Claim
        The claim on the dashboard's own socket; this object releases it.
    lasts : bool
        Whether it stays without pages, as in a terminal.
    idle_s : float
        Time after the last page until the end, in seconds.

    """

    def __init__(
        self,
        files: Mapping[str, PageFile],
        path: Path,
        claim: Claim,
        *,
        lasts: bool = False,
        idle_s: float = IDLE_S,
    ) -> None:
        self._keys = Keys()
        self.server = DashboardServer(files, path, self._keys)
        self._claim = claim
        self._lasts = lasts
        self._idle_s = idle_s
        self._held = 0
        """Number of commands that wait at the socket, so that their key stays valid."""
        self._presence = Presence(path, self._tell_presence)
        self._end = asyncio.Event()
        self._reason = "the dashboard has ended"
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to serve; raises NotRunning if Entrain is not running, OSError without a port."""
        await self._presence.open()
        self._remove_leftovers()
        await self.server.start()
        self._listener = await asyncio.start_server(
            self._serve, sock=self._claim.listener, limit=_MAX_LINE_BYTES
        )
        self._tasks = [
            asyncio.create_task(self._follow_entrain()),
            asyncio.create_task(self._watch_pages()),
        ]
        for task in (*self._tasks, *self.server.feeds):
            task.add_done_callback(self._look_at)

    def lasting_address(self) -> str:
        """Return an address that opens the page until the end."""
        return self.server.door.entry(self._keys.make(math.inf, is_single=False))

    def stop(self) -> None:
        """End soon."""
        self._end.set()

    async def run(self) -> None:
        """Serve until the end, and tidy up."""
        try:
            await self._end.wait()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._listener.close()
            self._claim.release()
            self._keys.close()
            await self.server.close(f"{self._reason}; `entrain dashboard` opens this page again")

    def _look_at(self, ended: asyncio.Task[None]) -> None:
        """End after a bug: without one of its tasks, a page would stand still without a reason."""
        if not ended.cancelled() and (error := ended.exception()):
            self._reason = f"the dashboard has failed: {error!r}"
            self._end.set()

    def _tell_presence(self, there: bool) -> None:
        self.server.tell_presence(there, "" if there else ENDED)

    async def _follow_entrain(self) -> None:
        await self._presence.run()
        self._reason = ENDED
        self._end.set()

    async def _watch_pages(self) -> None:
        now_s = asyncio.get_running_loop().time
        seen_s = now_s()
        while True:
            await asyncio.sleep(min(LOOK_S, self._idle_s))
            self._keys.tidy()
            if self.server.pages or self._held or self._lasts:
                seen_s = now_s()
            if now_s() - seen_s >= self._idle_s or not self._claim.is_reachable():
                self._end.set()
                return

    # ---- the socket --------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request of a command: it wants to open the page."""
        with contextlib.suppress(*_NOISE, asyncio.CancelledError):  # asyncio would log the end
            async with asyncio.timeout(_PATIENCE_S):
                way = json.loads(await reader.readline())["way"]
            key = ""
            if way == "file":
                answer = {"place": str(self._file())}
            elif way in ("address", "held"):
                is_held = way == "held"
                key = self._keys.make(math.inf if is_held else ADDRESS_S, is_single=not is_held)
                answer = {"place": self.server.door.entry(key)}
            else:
                answer = {"error": "way must be file, address or held"}
            writer.write(json.dumps(answer).encode() + b"\n")
            if way == "held":
                self._held += 1
                try:
                    await reader.read()  # until the command ends
                finally:
                    self._held -= 1
                    self._keys.revoke(key)
        writer.close()

    def _remove_leftovers(self) -> None:
        """Remove pages of an earlier process that was killed; their keys have ended with it."""
        for path in self._claim.path.parent.glob(_PAGES.format("*")):
            _remove(path)

    def _file(self) -> Path:
        """Write a page that only this user can read, and that leads to the dashboard.

        A browser gets its path, and no key stands in the list of processes.
        """
        path = self._claim.path.parent / _PAGES.format(secrets.token_hex(8))
        key = self._keys.make(FILE_S, ended=lambda: _remove(path))
        address = self.server.door.entry(key)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(
                '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Entrain</title>'
                f'<meta http-equiv="refresh" content="0; url={address}">'
                f'<p><a href="{address}">Open the dashboard</a></p></html>\n'
            )
        return path


def _remove(path: Path) -> None:
    """Remove a file whose key has ended; if that fails, the file leads nowhere."""
    with contextlib.suppress(OSError):
        path.unlink()
