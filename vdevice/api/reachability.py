"""Restores the control socket after its removal.

Some apps that tidy up remove the socket or its folder while Entrain runs.  Then no command would
reach Entrain, and a second Entrain could start.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from entrain.platform.adapter import PlatformError
from entrain.platform.folder_watch import FolderWatch
from entrain.platform.local_socket import Claim

SETTLE_S = 0.2
"""Pause after a removal, so that the app that removes files can finish, in seconds."""
RETRY_S = 2.0
"""Pause between attempts, and between looks if the system reports no changes, in seconds."""

_log = logging.getLogger(__name__)


async def stay_reachable(claim: Claim, listen: Callable[[], Awaitable[None]]) -> None:
    """Claim the socket again whenever its path does not lead to it any more, until cancelled.

    If the system reports changes of the folder, this does no work until the socket is removed.

    Parameters
    ----------
    claim : Claim
        The claim to renew.
    listen : async callable
        Starts to answer at the new claim's listener, and stops doing so at the former one.

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
                _log.warning("the control socket was removed; cannot make a new one: %s", error)
            told = str(error)
            await asyncio.sleep(RETRY_S)
            continue
        _log.warning("the control socket was removed; Entrain has made a new one")
        await listen()


async def _news(watch: FolderWatch) -> None:
    """Wait until a file was removed, or for `RETRY_S` if the system does not report that."""
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
