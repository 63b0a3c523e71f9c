"""Work that would hold up the loop, on a thread of its own."""

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
    """One thread, which does one thing after the other in the order in which it was asked.

    The program's end does not wait for it: a disk may never answer.  So this is no
    ThreadPoolExecutor, whose threads are waited for.
    """

    def __init__(self) -> None:
        self._tasks: SimpleQueue[tuple[Callable[[], None], Callable[[], bool]] | None]
        self._tasks = SimpleQueue()
        self._thread: threading.Thread | None = None

    def do(self, work: Callable[[], _Result]) -> "asyncio.Future[_Result]":
        """Begin some work; what is returned is waited for, or not.  Called on the loop."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, daemon=True)
            thread.start()  # raises where there is no memory; then the next work tries again
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
        """Begin nothing more, and do not wait for what is being done.  Idempotent."""
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
            del task, waiting  # which hold what was made


_lock = threading.Lock()
_working = 0


@contextlib.contextmanager
def _no_collections() -> Iterator[None]:
    """Look for garbage once afterwards, and not again and again while much is made.

    The loop waits during each look.
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
