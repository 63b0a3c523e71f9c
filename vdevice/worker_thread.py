"""A thread for work that would block the asyncio loop."""

import asyncio
import contextlib
import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import TypeVar

_Result = TypeVar("_Result")


class WorkerThread:
    """One daemon thread that does its tasks in the order of the calls.

    A disk may never answer, so the process does not wait for this thread at its end.  It would wait
    for the threads of a ThreadPoolExecutor.
    """

    def __init__(self) -> None:
        self._tasks: SimpleQueue[tuple[Callable[[], None], Callable[[], bool]] | None]
        self._tasks = SimpleQueue()
        self._thread: threading.Thread | None = None

    def do(self, work: Callable[[], _Result]) -> "asyncio.Future[_Result]":
        """Queue a task and return its future, which need not be awaited.  Call it on the loop."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, daemon=True)
            thread.start()  # raises if memory is short; the next call tries again
            self._thread = thread
        done: Future[_Result] = Future()

        def task() -> None:
            if not done.set_running_or_notify_cancel():
                return
            try:
                with _no_collections():
                    result = work()
            except BaseException as error:
                done.set_exception(error)
            else:
                done.set_result(result)

        self._tasks.put((task, done.cancel))
        return asyncio.wrap_future(done)

    def close(self) -> None:
        """Cancel the waiting tasks, and do not wait for the running one.  Idempotent."""
        with contextlib.suppress(Empty):
            while True:
                if (waiting := self._tasks.get_nowait()) is not None:
                    _, cancel = waiting
                    cancel()
        self._tasks.put(None)

    def _run(self) -> None:
        while (waiting := self._tasks.get()) is not None:
            task, _ = waiting
            task()
            del task, waiting  # they keep the task's result alive


_lock = threading.Lock()
_working = 0


@contextlib.contextmanager
def _no_collections() -> Iterator[None]:
    """Collect garbage once after the work, instead of many times while it creates objects.

    The loop stands still during each collection.
    """
    global _working
    with _lock:
        _working += 1
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            _working -= 1
            if not _working:
                gc.enable()
