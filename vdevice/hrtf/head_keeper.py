"""Gives heads to the engine.  Runs on the main thread's asyncio loop."""

import asyncio
import logging
from functools import partial

from entrain.engine import Engine
from entrain.errors import EntrainError
from entrain.head import Head
from entrain.vdevice.hrtf import process, sets
from entrain.vdevice.worker_thread import WorkerThread

_log = logging.getLogger(__name__)


class HeadKeeper:
    """Prepares and reads heads; a head that cannot be used leaves the former one in place.

    A thread of its own prepares, reads and resamples, so the loop goes on meanwhile.  Heads reach
    the engine in the order of the calls; a cancelled call changes nothing.

    Parameters
    ----------
    engine : Engine
        Hears through the heads.

    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._in_use = ""
        self._worker = WorkerThread()
        self._turn = asyncio.Lock()

    @property
    def in_use(self) -> str:
        """Id of the head in the engine; empty: none, also after a change of the sample rate."""
        return self._in_use if self._engine.space().has_head else ""

    async def prepare(self, name: str) -> None:
        """Prepare a head without using it; raises errors as `use`."""
        await self._worker.do(lambda: process.prepared(sets.find(name)))

    async def use(self, name: str) -> None:
        """Use another head from now on.

        Raises
        ------
        EntrainError
            There is no such head, or it cannot be prepared.

        """

        def read(rate_hz: int) -> Head:
            return Head.from_file(process.prepared(sets.find(name))).at_rate(rate_hz)

        async with self._turn:
            while True:
                rate_hz = self._engine.rate_hz
                head = await self._worker.do(partial(read, rate_hz))
                if rate_hz == self._engine.rate_hz:  # the device may have changed meanwhile
                    break
            self._engine.use_head(head)
            self._in_use = name

    async def bring(self, name: str) -> str:
        """Use a head; if it cannot be used, and there is no other, the built-in one.

        Returns
        -------
        str
            What went wrong, one line; usually empty.

        """
        problem = ""
        for each in dict.fromkeys((name, sets.DEFAULT_ID)):
            try:
                await self.use(each)
            except EntrainError as error:
                _log.warning("cannot use the HRTF %s: %s", each, error)
                problem = problem or f"HRTF {each}: {error}"
                if self.in_use:
                    break
            else:
                break
        return problem

    def drop(self) -> None:
        """Let the engine free its head; nothing may be heard through it."""
        self._engine.use_head(None)
        self._in_use = ""

    def close(self) -> None:
        """Do not wait for a preparation that runs.  Idempotent."""
        self._worker.close()
