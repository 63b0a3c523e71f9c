"""Sends changes to the clients, that is to the machines that have asked for them by `xmit`."""

import asyncio

from entrain.vdevice.bridge.app_mirror import AppMirror
from entrain.vdevice.bridge.osc.machines import QUIET_S, Machine, Machines
from entrain.vdevice.bridge.osc.tree import LEVELS, MEASURED, ROOT, values
from entrain.vdevice.bridge.osc.writer import message, packets

_BY_THEMSELVES = frozenset((MEASURED, LEVELS, "position"))
"""First parts of the addresses that only clients of mode 1 get."""


class Feedback:
    """Knows which values each client has got, and sends it the others.

    Parameters
    ----------
    mirror : AppMirror
        Has the values.
    machines : Machines
        Get them.

    """

    def __init__(self, mirror: AppMirror, machines: Machines) -> None:
        self._mirror, self._machines = mirror, machines
        self._loop = asyncio.get_running_loop()
        self._again: asyncio.TimerHandle | None = None

    def look(self) -> None:
        """Send the values that have changed."""
        clients = self._machines.clients
        if not clients or not self._mirror.status:
            return
        present = values(self._mirror)
        found = {path: message(f"/{ROOT}/{path}", each[0]) for path, each in present.items()}
        for client in clients:
            if self._machines.may_send(client):
                self._machines.send(client, packets(self._news(client, found)))
            else:
                self._look_again()

    def close(self) -> None:
        """Send nothing more.  Idempotent."""
        if self._again is not None:
            self._again.cancel()

    def _news(self, client: Machine, found: dict[str, bytes]) -> list[bytes]:
        now_s = self._loop.time()
        news = []
        for path, told in found.items():
            if client.known.get(path) == told:
                continue
            if client.mode == 2 and path.partition("/")[0] in _BY_THEMSELVES:
                continue
            if client.quiet_until_s.get(path, 0.0) > now_s:
                self._look_again()
                continue
            client.known[path] = told
            news.append(told)
        for path in client.known.keys() - found.keys():
            del client.known[path]
        for path in [path for path, end_s in client.quiet_until_s.items() if end_s <= now_s]:
            del client.quiet_until_s[path]
        return news

    def _look_again(self) -> None:
        """Look when the client is quiet no more, or has a budget again."""
        if self._again is None:
            self._again = self._loop.call_later(QUIET_S, self._looked_again)

    def _looked_again(self) -> None:
        self._again = None
        self.look()
