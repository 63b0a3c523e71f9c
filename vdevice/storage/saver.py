"""When the state is written: what undoes a change at once, everything else once a second at most.

What could not be written is tried again, with growing pauses.

The files are written on a thread of their own, and never on the main thread's asyncio loop.
"""

import asyncio
import contextlib
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

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Before the second attempt of what could not be saved; doubled after each further failure."""

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
        self._retry_timer: asyncio.TimerHandle | None = None
        self._retry_pause_s = FIRST_PAUSE_S
        self._told: dict[Keeper | None, str] = {}
        """What was told last of a file; of None: of a bug of ours in the saving."""
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
        """Begin to write the state as it is now, whatever has changed.

        Raises
        ------
        RuntimeError
            The thread that writes cannot be started; it is tried again later.

        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        urgent = self._urgent()
        state = self.kept.model_copy(update=self._collect())

        def save() -> None:
            if self._store is not None:
                self._store.save(state)

        try:
            self._writing = writing = self._worker.do(save)
        except RuntimeError:
            self._retry_later()
            raise
        self._urgent_begun = urgent

        def saved(done: "asyncio.Future[None]") -> None:
            if self._writing is not done or done.cancelled():
                return
            self._writing, self._is_late = None, False
            error = done.exception()
            if error:
                _log.error("saving failed: %r", error)
            name = type(error).__name__
            self._tell(None, f"internal error while saving: {name}" if error else "")
            self._note_warning(self._store)
            if error or (self._store is not None and self._store.warning):
                self._retry_later()
            else:
                self._urgent_saved = urgent
                self._stop_retrying()
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
        self._stop_retrying()
        self._worker.close()

    def _note_warning(self, keeper: Keeper | None) -> None:
        """Let `status` show what is wrong with a file."""
        if keeper is not None:
            self._tell(keeper, keeper.warning)

    def _tell(self, keeper: Keeper | None, text: str) -> None:
        """Tell what is wrong once, and not after each attempt."""
        if text != self._told.get(keeper, ""):
            self._told[keeper] = text
            self._problems.tell(text)

    def _retry_later(self) -> None:
        """Save once more after a pause, unless that is no use or going to happen anyway."""
        if self._retry_timer is None and (self._store is None or self._store.may_be_replaced):
            loop = asyncio.get_running_loop()
            self._retry_timer = loop.call_later(self._retry_pause_s, self._retry)
            self._retry_pause_s = min(2 * self._retry_pause_s, LONGEST_PAUSE_S)

    def _retry(self) -> None:
        self._retry_timer = None
        if self._writing is None:
            # Where this raises, the next attempt is due already.
            with contextlib.suppress(RuntimeError):
                self.save_now()

    def _stop_retrying(self) -> None:
        if self._retry_timer is not None:
            self._retry_timer.cancel()
        self._retry_timer, self._retry_pause_s = None, FIRST_PAUSE_S

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
