"""Work that would hold up the loop, on a thread of its own."""

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

_Result = TypeVar("_Result")


class Aside:
    """One thread, which does one thing after the other in the order in which it was asked."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)

    def do(self, work: Callable[[], _Result]) -> "asyncio.Future[_Result]":
        """Begin some work; what is returned is waited for, or not.  Called on the loop."""

        def uncollected() -> _Result:
            with _no_collections():
                return work()

        return asyncio.get_running_loop().run_in_executor(self._pool, uncollected)

    def close(self) -> None:
        """Begin nothing more, and do not wait for what is being done.  Idempotent."""
        self._pool.shutdown(wait=False, cancel_futures=True)


_lock = threading.Lock()
_working = 0


@contextmanager
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
