"""The head that the running app uses.  Runs on the main thread's asyncio loop."""

import logging
from collections.abc import Callable
from pathlib import Path

from entrain.errors import EntrainError
from entrain.vdevice.hrtf import process, sets
from entrain.vdevice.worker_thread import WorkerThread

_log = logging.getLogger(__name__)


class HeadKeeper:
    """Chooses a head; a head that cannot be used leaves the former one in place.

    Parameters
    ----------
    chosen : str
        The id that is stored.
    take : callable
        Gives the file of a prepared head to the engine.

    """

    def __init__(self, chosen: str, take: Callable[[Path], None]) -> None:
        self.chosen = chosen
        """The id of the user's choice."""
        self._take = take
        self._worker = WorkerThread()

    async def use(self, name: str) -> None:
        """Use another head from now on.

        Raises
        ------
        EntrainError
            There is no such head, or it cannot be prepared.

        """
        self._take(await self._prepared(name))
        self.chosen = name

    async def begin(self) -> str:
        """Use the stored head; if it cannot be used, the built-in one.

        Returns
        -------
        str
            What went wrong, one line; usually empty.

        """
        problem = ""
        for name in dict.fromkeys((self.chosen, sets.DEFAULT_ID)):
            try:
                self._take(await self._prepared(name))
            except EntrainError as error:
                _log.warning("cannot use the HRTF %s: %s", name, error)
                problem = problem or f"HRTF {name}: {error}"
            else:
                break
        return problem

    def close(self) -> None:
        """Do not wait for a preparation that runs.  Idempotent."""
        self._worker.close()

    async def _prepared(self, name: str) -> Path:
        return await self._worker.do(lambda: process.prepared(sets.find(name)))
