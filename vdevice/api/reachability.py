"""Keeps the control socket where clients look for it.

Somebody may remove the socket, or the folder that it is in, while Entrain runs: programs that
tidy up do so.  Then no command would reach it, and a second Entrain would start.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from entrain.platform.adapter import PlatformError
from entrain.platform.folder_watch import FolderWatch
from entrain.platform.local_socket import Claim

SETTLE_S = 0.2
"""How long whoever removes things is given to come to an end, in seconds."""
RETRY_S = 2.0
"""Pause between two tries to listen again, and between two looks where nobody tells of changes."""

_log = logging.getLogger(__name__)


async def stay_reachable(claim: Claim, listen: Callable[[], Awaitable[None]]) -> None:
    """Claim the socket anew whenever its path no longer leads to it, until cancelled.

    Costs nothing while nothing is removed, where the system tells of that.

    Parameters
    ----------
    claim : Claim
        To be renewed.
    listen : async callable
        Begins to answer at the renewed claim's listener, and ends the former one.

    """
    told = ""
    while True:
        with FolderWatch(claim.path.parent) as watch:
            while claim.is_reachable():
                await _news(watch)
        await asyncio.sleep(SETTLE_S)
        try:
            claim.renew()
        except PlatformError as error:
            if str(error) != told:
                _log.warning("the control socket was removed, and is missing: %s", error)
            told = str(error)
            await asyncio.sleep(RETRY_S)
            continue
        _log.warning("the control socket was removed; it is there again")
        await listen()


async def _news(watch: FolderWatch) -> None:
    """Wait until something was removed, or for a while where nobody tells."""
    if not watch.works:
        await asyncio.sleep(RETRY_S)
        return
    loop, news = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(watch.fileno(), news.set)
    try:
        await news.wait()
    finally:
        loop.remove_reader(watch.fileno())
    with contextlib.suppress(OSError):
        watch.drain()
