"""When the state is written: what undoes a change at once, everything else once a second at most.

The files are written on a thread of their own, and never on the main thread's asyncio loop.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import NamedTuple, Protocol

from entrain.vdevice.device.softened import Softened
from entrain.vdevice.limits import Mode
from entrain.vdevice.problems import Problems
from entrain.vdevice.storage.store import State, Store
from entrain.vdevice.worker_thread import WorkerThread

SAVE_AFTER_S = 0.75
"""Time from a change to the writing of it, in seconds; the rest of the 1 s that a crash may cost is
for the writing itself."""

DISK_TIMEOUT_S = 3.0
"""Longest wait for a disk where something else waits for us, in seconds.

A network's folder may never answer; to give the default output back cannot wait for that.
"""

_log = logging.getLogger(__name__)


class Keeper(Protocol):
    """What writes a file, and says what went wrong."""

    warning: str
    """What went wrong last, one line; empty while all is well."""


class Urgent(NamedTuple):
    """The fields of `State` that undo a change outside this process, or say how to."""

    on: bool
    mode: Mode
    former_default: str | None
    stand_in: str | None
    softened: tuple[Softened, ...]


class Saver:
    """Keeps the state file up to date.  Called on the main thread's loop only.

    Parameters
    ----------
    store : Store or None
        Where the state is kept; None: nowhere.
    kept : State
        What goes on from the last run; see `keep`.
    problems : Problems
        Takes what cannot be saved.

    """

    def __init__(self, store: Store | None, kept: State, problems: Problems) -> None:
        self.kept = kept
        """The state without the fields that `collect` gives."""
        self._store = store
        self._problems = problems
        self._worker = WorkerThread()
        self._collect: Callable[[], Mapping[str, object]] = dict
        stored = Urgent(**{name: getattr(kept, name) for name in Urgent._fields})
        self._urgent: Callable[[], Urgent] = lambda: stored
        self._urgent_begun = stored
        """What was urgent in the last writing that was begun."""
        self._urgent_saved = stored
        """What is urgent in the file, as far as is known."""
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Future[None] | None = None
        self._again = False
        """What has changed since is written as soon as that writing is done."""
        self._is_late = False
        self._waits: set[asyncio.Task[None]] = set()
        self._note_warning(store)

    def follow(
        self, collect: Callable[[], Mapping[str, object]], urgent: Callable[[], Urgent]
    ) -> None:
        """Say where the state is to be found.

        Parameters
        ----------
        collect : callable
            Gives the fields of `State` that others hold.
        urgent : callable
            Gives what is urgent, quickly: it is asked after each change.

        """
        self._collect, self._urgent = collect, urgent

    def keep(self, **changes: object) -> None:
        """Change fields of the state that nobody else holds."""
        self.kept = self.kept.model_copy(update=changes)
        self.changed()

    def changed(self) -> Awaitable[None]:
        """Say that the state may have changed.

        Returns
        -------
        awaitable
            To be waited for before a change outside this process is made: then it can be undone
            after a crash, unless the disk does not answer.  Need not be waited for.

        """
        if self._urgent() != self._urgent_begun:
            self.save_now()
        else:
            self.soon()
        return _OnDisk(self)

    def soon(self) -> None:
        """Say that the state may have changed, but nothing urgent; costs hardly anything."""
        if self._timer is None and not self._again:
            self._timer = asyncio.get_running_loop().call_later(SAVE_AFTER_S, self._due)

    def write(self, work: Callable[[], None], keeper: Keeper) -> None:
        """Write another file on the thread that saves, in the order of the calls."""
        self._worker.do(work).add_done_callback(lambda _: self._note_warning(keeper))

    def save_now(self) -> None:
        """Begin to write the state as it is now, whatever has changed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._urgent_begun = urgent = self._urgent()
        state = self.kept.model_copy(update=self._collect())

        def save() -> None:
            if self._store is not None:
                self._store.save(state)

        self._writing = writing = self._worker.do(save)

        def saved(done: "asyncio.Future[None]") -> None:
            if self._writing is not done or done.cancelled():
                return
            self._writing, self._is_late = None, False
            if error := done.exception():
                _log.error("saving failed: %r", error)
                self._problems.tell(f"internal error while saving: {type(error).__name__}")
            elif self._store is None or not self._store.warning:
                self._urgent_saved = urgent
            self._note_warning(self._store)
            if self._again:
                self._again = False
                self.save_now()

        writing.add_done_callback(saved)
        # Somebody has to tell that the disk does not answer.
        waiting = asyncio.ensure_future(self._wait_for_disk())
        self._waits.add(waiting)
        waiting.add_done_callback(self._waits.discard)

    async def flush(self) -> None:
        """Write what is not written yet; waits for a disk, but not for long."""
        self.save_now()
        await self._wait_for_disk()

    async def urgent_is_saved(self) -> None:
        """Wait until what undoes a change is in the file, or the disk has kept us for too long."""
        if self._writing is None and self._urgent() == self._urgent_saved:
            return
        if self._writing is None or self._urgent() != self._urgent_begun:
            self.save_now()  # what was tried before has failed
        await self._wait_for_disk()

    def close(self) -> None:
        """Write nothing more.  Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
        self._worker.close()

    def _note_warning(self, keeper: Keeper | None) -> None:
        """Let `status` show what is wrong with a file."""
        if keeper is not None:
            self._problems.tell(keeper.warning)

    def _due(self) -> None:
        self._timer = None
        if self._writing is None:
            self.save_now()
        else:  # a slow disk: nothing piles up behind it
            self._again = True

    async def _wait_for_disk(self) -> None:
        """Wait for what is being written, but not for long, and not again and again."""
        if (writing := self._writing) is None:
            return
        timeout_s = 0.0 if self._is_late else DISK_TIMEOUT_S
        done, _ = await asyncio.wait({writing}, timeout=timeout_s)
        if not done and not self._is_late:
            self._is_late = True
            where = self._store.path if self._store else "the state"
            self._problems.tell(
                f"{where} could not be saved within {timeout_s:g} s; going on without"
            )


class _OnDisk:
    """Waits only if somebody awaits it."""

    def __init__(self, saver: Saver) -> None:
        self._saver = saver

    def __await__(self) -> Generator[object, None, None]:
        return self._saver.urgent_is_saved().__await__()
