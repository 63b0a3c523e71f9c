"""Decides when the state is written.

Values that undo a change outside the process are written at once, all others at most once a second.
After a failure, the saver tries again, with growing pauses.  A thread of its own writes the files,
never the main thread's asyncio loop.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import NamedTuple, Protocol

from entrain.vdevice.device.softened import Softened
from entrain.vdevice.limits import Mode
from entrain.vdevice.problems import Problems
from entrain.vdevice.storage.state import State
from entrain.vdevice.storage.store import Store
from entrain.vdevice.worker_thread import WorkerThread

SAVE_AFTER_S = 0.75
"""Time from a change until writing begins, in seconds.

A crash may cost at most 1 s of changes; the rest of that second is for the writing itself.
"""

DISK_TIMEOUT_S = 3.0
"""Longest wait for a disk while other work waits, in seconds.

A network folder may never answer, but the default output must be given back soon.
"""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Pause before the second attempt to save; doubled after each further failure."""

_log = logging.getLogger(__name__)


class Keeper(Protocol):
    """Writes a file, and reports errors."""

    warning: str
    """The last error, one line; empty after a success."""


class Urgent(NamedTuple):
    """The fields of `State` that are needed to undo a change outside this process."""

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
        The state file; None: the state is not kept.
    kept : State
        The state of the last run; see `keep`.
    problems : Problems
        Receives errors.

    """

    def __init__(self, store: Store | None, kept: State, problems: Problems) -> None:
        self.kept = kept
        """The state; fields that `collect` returns are not up to date here."""
        self._store = store
        self._problems = problems
        self._worker = WorkerThread()
        self._collect: Callable[[], Mapping[str, object]] = dict
        stored = Urgent(**{name: getattr(kept, name) for name in Urgent._fields})
        self._urgent: Callable[[], Urgent] = lambda: stored
        self._urgent_begun = stored
        """The urgent values when the last write began."""
        self._urgent_saved = stored
        """The urgent values in the file, as far as known."""
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Future[None] | None = None
        self._again = False
        """Whether to write again after the present write, because the state has changed."""
        self._is_late = False
        self._retry_timer: asyncio.TimerHandle | None = None
        self._retry_pause_s = FIRST_PAUSE_S
        self._told: dict[Keeper | None, str] = {}
        """The last reported error of each file; key None: a bug in the saving."""
        self._waits: set[asyncio.Task[None]] = set()
        self._note_warning(store)

    def follow(
        self, collect: Callable[[], Mapping[str, object]], urgent: Callable[[], Urgent]
    ) -> None:
        """Set the sources of the state.

        Parameters
        ----------
        collect : callable
            Returns the fields of `State` that other parts hold.
        urgent : callable
            Returns the urgent values; it must be fast, since it is called after each change.

        """
        self._collect, self._urgent = collect, urgent

    def keep(self, **changes: object) -> None:
        """Change fields of the state that no other part holds."""
        self.kept = self.kept.model_copy(update=changes)
        self.changed()

    def changed(self) -> Awaitable[None]:
        """Note that the state may have changed.

        Returns
        -------
        awaitable
            Await it before changing anything outside this process, so that the change can be
            undone after a crash.  It does not wait for ever if the disk does not answer.
        """
        if self._urgent() != self._urgent_begun:
            self.save_now()
        else:
            self.soon()
        return _OnDisk(self)

    def soon(self) -> None:
        """Note that the state may have changed, but not its urgent values; very fast."""
        if self._timer is None and not self._again:
            self._timer = asyncio.get_running_loop().call_later(SAVE_AFTER_S, self._due)

    def write(self, work: Callable[[], None], keeper: Keeper) -> None:
        """Write another file on the saving thread, in the order of the calls."""
        self._worker.do(work).add_done_callback(lambda _: self._note_warning(keeper))

    def save_now(self) -> None:
        """Start to write the present state.

        Raises
        ------
        RuntimeError
            The saving thread cannot be started; another attempt follows later.

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
        # This task reports a disk that does not answer.
        waiting = asyncio.ensure_future(self._wait_for_disk())
        self._waits.add(waiting)
        waiting.add_done_callback(self._waits.discard)

    async def flush(self) -> None:
        """Write the state, and wait for the disk for a limited time."""
        self.save_now()
        await self._wait_for_disk()

    async def urgent_is_saved(self) -> None:
        """Wait until the urgent values are in the file, or the disk has taken too long."""
        if self._writing is None and self._urgent() == self._urgent_saved:
            return
        if self._writing is None or self._urgent() != self._urgent_begun:
            self.save_now()  # the last attempt has failed
        await self._wait_for_disk()

    def close(self) -> None:
        """Stop writing.  Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
        self._stop_retrying()
        self._worker.close()

    def _note_warning(self, keeper: Keeper | None) -> None:
        """Let `status` show a file's error."""
        if keeper is not None:
            self._tell(keeper, keeper.warning)

    def _tell(self, keeper: Keeper | None, text: str) -> None:
        """Report an error once, not after each attempt."""
        if text != self._told.get(keeper, ""):
            self._told[keeper] = text
            self._problems.tell(text)

    def _retry_later(self) -> None:
        """Save again after a pause, unless that is useless or planned already."""
        if self._retry_timer is None and (self._store is None or self._store.may_be_replaced):
            loop = asyncio.get_running_loop()
            self._retry_timer = loop.call_later(self._retry_pause_s, self._retry)
            self._retry_pause_s = min(2 * self._retry_pause_s, LONGEST_PAUSE_S)

    def _retry(self) -> None:
        self._retry_timer = None
        if self._writing is None:
            # If this raises an error, the next attempt is planned already.
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
        else:  # the disk is slow; do not queue up more work for it
            self._again = True

    async def _wait_for_disk(self) -> None:
        """Wait for the present write, but not too long, and not again and again."""
        if (writing := self._writing) is None:
            return
        timeout_s = 0.0 if self._is_late else DISK_TIMEOUT_S
        done, _ = await asyncio.wait({writing}, timeout=timeout_s)
        if not done and not self._is_late:
            self._is_late = True
            where = self._store.path if self._store else "the state"
            self._problems.tell(
                f"{where} could not be saved within {timeout_s:g} s; Entrain tries again"
            )


class _OnDisk:
    """Waits for the disk only when it is awaited."""

    def __init__(self, saver: Saver) -> None:
        self._saver = saver

    def __await__(self) -> Generator[object, None, None]:
        return self._saver.urgent_is_saved().__await__()
