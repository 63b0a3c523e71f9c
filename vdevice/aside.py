"""Work that would hold up the loop, on a thread of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Result = TypeVar("_Result")


class Aside:
    """One thread, which does one thing after the other in the order in which it was asked."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)

    def do(self, work: Callable[[], _Result]) -> "asyncio.Future[_Result]":
        """Begin some work; what is returned is waited for, or not.  Called on the loop."""
        return asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """Begin nothing more, and do not wait for what is being done.  Idempotent."""
        self._pool.shutdown(wait=False, cancel_futures=True)
