"""Watches whether Entrain is there, without asking it anything."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from entrain.platform.local_socket import SocketError
from entrain.vdevice.api.app_link import AppLink
from entrain.vdevice.api.client import ClientError, NotRunning

CRASH_S = 60.0
"""Time for which the dashboard waits for a restart of an Entrain that has died, in seconds."""
STOP_S = 2.0
"""The same after Entrain was stopped; a restart takes about a second."""
LOOK_S = 0.2
"""Pause between two attempts to reach Entrain again."""
DISPLACED_S = 1.0
"""Pause after Entrain has hung up on this connection in favour of another client."""


class Presence:
    """An idle connection to Entrain: when it closes, Entrain has gone.

    Parameters
    ----------
    path : Path
        The control socket.
    tell : callable
        Called with true when Entrain is back, and with false when it has gone.

    """

    def __init__(self, path: Path, tell: Callable[[bool], object]) -> None:
        self._path = path
        self._tell = tell
        self._link = AppLink(path)

    async def open(self) -> None:
        """Connect; raises NotRunning, or ClientError if the socket cannot be opened."""
        await self._link.open()

    async def run(self) -> None:
        """Watch until Entrain has ended for good: it was stopped, or died and did not return."""
        try:
            while True:
                if await self._link.line():  # a reason for hanging up on this client alone
                    await asyncio.sleep(DISPLACED_S)
                    if await self._is_there():
                        continue
                self._tell(False)
                if not await self._is_back():
                    return
                self._tell(True)
        finally:
            self._link.close()

    async def _is_back(self) -> bool:
        """Wait until Entrain is back; returns False if it has ended for good."""
        now_s = asyncio.get_running_loop().time
        gone_s = stopped_s = now_s()
        while now_s() < gone_s + CRASH_S:
            if await self._is_there():
                return True
            if os.path.lexists(self._path):  # only an Entrain that was stopped removes it
                stopped_s = now_s()
            elif now_s() > stopped_s + STOP_S:
                return False
            await asyncio.sleep(LOOK_S)
        return False

    async def _is_there(self) -> bool:
        self._link.close()
        with contextlib.suppress(NotRunning, ClientError, SocketError):
            await self._link.open()
            return True
        return False
