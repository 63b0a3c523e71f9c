"""Carries out the decisions of `Applications`.

Runs on the main thread's asyncio loop; calls that may wait for the sound server run elsewhere.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from entrain.errors import EntrainError
from entrain.platform.adapter import OWN_DEVICE, SoundServer
from entrain.vdevice.device.applications.placement import Applications, Move, Situation
from entrain.vdevice.device.applications.rules import ApplicationRules
from entrain.vdevice.limits import Mode

GIVE_BACK_TIMEOUT_S = 1.0
"""Longest wait for the former default to be in effect again before quitting, in seconds."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Wait(Protocol):
    """Runs a call that may wait on another thread."""

    async def __call__(self, call: Callable[[], T], /) -> T: ...


class StreamRouter:
    """Keeps apps' streams on the devices where they belong.

    Parameters
    ----------
    rules : ApplicationRules or None
        Rules that decide which apps play through Entrain.
    wait : callable
        Runs calls of the server.

    """

    def __init__(self, rules: ApplicationRules | None, wait: Wait) -> None:
        self._applications = Applications(rules)
        self._wait = wait
        self._watches = False
        self.watches_always = False
        """Whether news of streams are needed even if no rule concerns any stream."""

    @property
    def rules(self) -> ApplicationRules:
        """Rules for the apps that play through Entrain; they take effect at the next `route`."""
        return self._applications.rules

    @rules.setter
    def rules(self, rules: ApplicationRules) -> None:
        self._applications.rules = rules

    @property
    def has_placed(self) -> bool:
        """Whether any stream is on its device because of Entrain."""
        return self._applications.has_placed

    def watch(self, server: SoundServer, tell: Callable[[], None], mode: Mode) -> None:
        """Watch a new server, and its streams if they matter; on any thread that may wait."""
        self._applications.server_restarted()
        self._watches = self.watches_always or self._applications.needs_news(mode)
        server.watch(tell, self._watches)

    def watch_again(self, server: SoundServer, tell: Callable[[], None]) -> None:
        """Watch the same server through another connection; on any thread that may wait."""
        server.watch(tell, self._watches)

    async def route(
        self, server: SoundServer, tell: Callable[[], None], situation: Situation
    ) -> None:
        """Move streams to the devices where they belong; raises `EntrainError`."""
        watches = self.watches_always or self._applications.needs_news(situation.mode)
        if watches != self._watches:
            await self._wait(lambda: server.watch(tell, watches))
            self._watches = watches
        if watches:
            streams = await self._wait(server.streams)
            moves = self._applications.observe(streams, situation, time.monotonic())
            await self._move(server, moves)

    async def give_back(self, server: SoundServer, default: Callable[[], str]) -> None:
        """Undo all moves before quitting; raises `EntrainError`.

        Parameters
        ----------
        server : SoundServer
            A server on which the default has been given back.
        default : callable
            Returns the effective default.  Streams are moved when it is a real device again,
            because then the server forgets the move.

        """
        deadline_s = time.monotonic() + GIVE_BACK_TIMEOUT_S
        while (name := default()) in ("", OWN_DEVICE):
            if time.monotonic() > deadline_s:
                return
            await asyncio.sleep(0.01)
        streams = await self._wait(server.streams)
        await self._move(server, self._applications.give_back(streams, name))

    async def _move(self, server: SoundServer, moves: Sequence[Move]) -> None:
        for move in moves:
            _log.info("%s", move)
            # The stream or the device may have vanished; then news of that will follow.
            with contextlib.suppress(EntrainError):
                await self._wait(lambda: server.move_stream(move.index, move.device))  # noqa: B023
