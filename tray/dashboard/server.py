"""Serves the page at a port of this computer, and the page's WebSocket."""

import asyncio
import contextlib
import itertools
import logging
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

import entrain
from entrain.tray.dashboard.door import ADDRESS, Door
from entrain.tray.dashboard.keys import Keys
from entrain.tray.dashboard.page_files import PageFile
from entrain.tray.dashboard.page_link import PageLink
from entrain.tray.dashboard.sample_feed import SampleFeed
from entrain.tray.dashboard.status_feed import StatusFeed

MAX_MESSAGE_BYTES = 1 << 16
MAX_PAGES = 12
"""Most open pages; each may need a connection to the control socket, which has 32."""
MAX_WAITING = 64
"""Most connections that are not a page's; a new one replaces the oldest one."""
REQUEST_TIMEOUT_S = 5.0
"""Longest time for a request, or for reading an answer, in seconds."""
PING_S = 20.0
"""Interval at which an open page must show that it lives, in seconds."""
_SEND_BUFFER_BYTES = 1 << 17
"""The system's buffer for one connection; a longer one would only make a slow page later."""
_BACKLOG = 512
_CLOSE_TIMEOUT_S = 1.0

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())
_log.propagate = False  # strangers could fill the log: each bad request has a traceback


class DashboardServer:
    """The server; runs on one asyncio loop.

    Parameters
    ----------
    files : mapping
        The page's files by path.
    path : Path
        The control socket.
    keys : Keys
        The keys that open.
    ping_s : float
        Interval of the signs of life, in seconds.

    """

    def __init__(
        self, files: Mapping[str, PageFile], path: Path, keys: Keys, ping_s: float = PING_S
    ) -> None:
        self.pages: set[PageLink] = set()
        self._files = files
        self._path = path
        self._keys = keys
        self._ping_s = ping_s
        self._numbers = itertools.count(1)
        self._status = StatusFeed(path, self.pages)
        self._samples = SampleFeed(path, self.pages)
        self._server: Server
        self.feeds: list[asyncio.Task[None]] = []
        """They run until `close`."""
        self._is_there = True
        self.door: Door

    async def start(self) -> None:
        """Listen at a port that the system chooses."""
        listener = socket.create_server((ADDRESS, 0))
        port = listener.getsockname()[1]
        self.door = Door(port, self._files, self._keys)
        self._server = await serve(
            self._serve,
            sock=listener,
            backlog=_BACKLOG,
            process_request=lambda _, request: self.door.answer(request),
            create_connection=_bounded(),
            compression=None,  # packets of samples hardly shrink
            open_timeout=REQUEST_TIMEOUT_S,
            ping_interval=self._ping_s,
            ping_timeout=self._ping_s,
            close_timeout=_CLOSE_TIMEOUT_S,
            max_size=MAX_MESSAGE_BYTES,
            max_queue=8,
            server_header=None,
            logger=_log,
        )
        self.feeds = [asyncio.create_task(each.run()) for each in (self._status, self._samples)]

    def tell_presence(self, there: bool, reason: str = "") -> None:
        """Tell all pages whether Entrain is there."""
        self._is_there = there
        for page in self.pages:
            page.tell(_presence(there, reason))

    async def close(self, reason: str) -> None:
        """Close all pages and the port; the reason is one short line for the pages."""
        for feed in self.feeds:
            feed.cancel()
        await asyncio.gather(*self.feeds, return_exceptions=True)
        self._server.close(reason=reason)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * _CLOSE_TIMEOUT_S):
                await self._server.wait_closed()

    async def _serve(self, connection: ServerConnection) -> None:
        if len(self.pages) >= MAX_PAGES:
            await connection.close(1013, f"{MAX_PAGES} pages are open already; close one of them")
            return
        name = f"dashboard-{next(self._numbers)}"
        page = PageLink(connection, name, self._path, self._subscribed)
        with self._opened(page), contextlib.suppress(ConnectionClosed):
            async for message in connection:
                await page.pace()
                await connection.send(await page.answer(message))

    def _subscribed(self, page: PageLink) -> None:
        self._status.subscribe(page)
        self._samples.look()

    @contextlib.contextmanager
    def _opened(self, page: PageLink) -> Iterator[None]:
        self.pages.add(page)
        page.tell({"event": "hello", "client": page.name, "version": entrain.__version__})
        page.tell(_presence(self._is_there, ""))
        sending = asyncio.create_task(page.send_news())
        try:
            yield
        finally:
            sending.cancel()
            self.pages.discard(page)
            self._status.unsubscribe(page)
            self._samples.look()
            page.close()


def _presence(there: bool, reason: str) -> Mapping[str, object]:
    return {"event": "app", "there": there, "reason": reason}


def _bounded() -> type[ServerConnection]:
    """Return a class of connections of which at most `MAX_WAITING` wait for a request's end."""
    waiting: dict[ServerConnection, None] = {}  # in the order of their arrival

    class Bounded(ServerConnection):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
            super().connection_made(transport)
            waiting[self] = None
            if len(waiting) > MAX_WAITING:
                oldest = next(iter(waiting))
                del waiting[oldest]
                oldest.transport.abort()

        def start_keepalive(self) -> None:  # the WebSocket is open
            waiting.pop(self, None)
            super().start_keepalive()

        def connection_lost(self, exc: Exception | None) -> None:
            waiting.pop(self, None)
            super().connection_lost(exc)

    return Bounded
