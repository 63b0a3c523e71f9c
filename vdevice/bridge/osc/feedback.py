"""Sends changes to the programs that have asked for them by `xmit`."""

import asyncio

from entrain.vdevice.bridge.app_mirror import AppMirror
from entrain.vdevice.bridge.osc.peers import QUIET_S, Peer, Peers
from entrain.vdevice.bridge.osc.tree import LEVELS, MEASURED, ROOT, values
from entrain.vdevice.bridge.osc.writer import message, packets

_BY_THEMSELVES = frozenset((MEASURED, LEVELS, "position"))
"""First parts of the addresses that only peers of mode 1 get."""


class Feedback:
    """Knows which values each peer has got, and sends it the others.

    Parameters
    ----------
    mirror : AppMirror
        Has the values.
    peers : Peers
        Get them.

    """

    def __init__(self, mirror: AppMirror, peers: Peers) -> None:
        self._mirror, self._peers = mirror, peers
        self._loop = asyncio.get_running_loop()
        self._again: asyncio.TimerHandle | None = None

    def look(self) -> None:
        """Send the values that have changed."""
        clients = self._peers.clients
        if not clients or not self._mirror.status:
            return
        present = values(self._mirror)
        found = {path: message(f"/{ROOT}/{path}", each[0]) for path, each in present.items()}
        for peer in clients:
            if self._peers.may_send(peer):
                self._peers.send(peer, packets(self._news(peer, found)))
            else:
                self._look_again()

    def close(self) -> None:
        """Send nothing more.  Idempotent."""
        if self._again is not None:
            self._again.cancel()

    def _news(self, peer: Peer, found: dict[str, bytes]) -> list[bytes]:
        now_s = self._loop.time()
        news = []
        for path, told in found.items():
            if peer.known.get(path) == told:
                continue
            if peer.mode == 2 and path.partition("/")[0] in _BY_THEMSELVES:
                continue
            if peer.quiet_until_s.get(path, 0.0) > now_s:
                self._look_again()
                continue
            peer.known[path] = told
            news.append(told)
        for path in peer.known.keys() - found.keys():
            del peer.known[path]
        for path in [path for path, end_s in peer.quiet_until_s.items() if end_s <= now_s]:
            del peer.quiet_until_s[path]
        return news

    def _look_again(self) -> None:
        """Look when the peer is quiet no more, or has a budget again."""
        if self._again is None:
            self._again = self._loop.call_later(QUIET_S, self._looked_again)

    def _looked_again(self) -> None:
        self._again = None
        self.look()
