"""Tells Entrain's own changes from other changes, although the server reports them late."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Echoes(Generic[T]):
    """Values that Entrain has written to the server, but not seen there yet.

    Parameters
    ----------
    lifetime_s : float
        Longest wait for an echo, in seconds.
    same : callable
        Compares a seen value with a written one.

    """

    def __init__(self, lifetime_s: float, same: Callable[[T, T], bool]) -> None:
        self._lifetime_s = lifetime_s
        self._same = same
        self._written: list[tuple[T, float]] = []

    def expect(self, value: T, now_s: float) -> None:
        """Note that a value is being written."""
        self._written.append((value, now_s + self._lifetime_s))

    def take(self, seen: T) -> bool:
        """Return whether Entrain has written this value; then drop it and all older values.

        Directly following values that are equal are dropped, too: the server reports no change for
        them.
        """
        same = [self._same(seen, value) for value, _ in self._written]
        if True not in same:
            return False
        end = same.index(True)
        while end < len(same) and same[end]:
            end += 1
        del self._written[:end]
        return True

    def newest(self) -> T | None:
        """Return the last written value, if it has not been seen yet."""
        return self._written[-1][0] if self._written else None

    def until_s(self) -> float | None:
        """Return the time at which the last value expires, or None."""
        return self._written[-1][1] if self._written else None

    def clear(self) -> None:
        """Forget all values."""
        self._written.clear()

    def expire(self, now_s: float) -> bool:
        """Drop values that should have been seen by now; call this before other methods.

        Returns
        -------
        bool
            True if the newest value was dropped, so that no echo is expected any more.

        """
        before = len(self._written)
        self._written = [entry for entry in self._written if entry[1] > now_s]
        return before > 0 and not self._written
