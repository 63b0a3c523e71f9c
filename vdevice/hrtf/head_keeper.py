"""Gives heads to the engine.  Runs on the main thread's asyncio loop."""

import logging
from collections.abc import Callable

from entrain.errors import EntrainError
from entrain.head import Head
from entrain.vdevice.hrtf import process, sets
from entrain.vdevice.worker_thread import WorkerThread

_log = logging.getLogger(__name__)


class HeadKeeper:
    """Prepares and reads heads; a head that cannot be used leaves the former one in place.

    Parameters
    ----------
    take : callable
        Gives a head to the engine.

    """

    def __init__(self, take: Callable[[Head], None]) -> None:
        self.in_use = ""
        """Id of the head in the engine; empty: none."""
        self._take = take
        self._worker = WorkerThread()

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

        def read() -> Head:
            return Head.from_file(process.prepared(sets.find(name)))

        self._take(await self._worker.do(read))
        self.in_use = name

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

    def close(self) -> None:
        """Do not wait for a preparation that runs.  Idempotent."""
        self._worker.close()
