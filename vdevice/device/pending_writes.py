"""Telling what we did ourselves from what others did, in a world that answers late."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Echoes(Generic[T]):
    """Values that we have written to the system and not yet seen there.

    Parameters
    ----------
    lifetime_s : float
        How long an answer is waited for, in seconds.
    same : callable
        Whether a value seen is the value written.

    """

    def __init__(self, lifetime_s: float, same: Callable[[T, T], bool]) -> None:
        self._lifetime_s = lifetime_s
        self._same = same
        self._written: list[tuple[T, float]] = []

    def expect(self, value: T, now_s: float) -> None:
        """Note that a value is being written."""
        self._written.append((value, now_s + self._lifetime_s))

    def take(self, seen: T) -> bool:
        """Tell whether this is one of ours; then it and all older ones are done with.

        So are those of the same value that follow: a value that is there already is no news.
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
        """Return what was written last, if it has not been seen yet."""
        return self._written[-1][0] if self._written else None

    def until_s(self) -> float | None:
        """Return the time at which the last of them is given up, or None."""
        return self._written[-1][1] if self._written else None

    def clear(self) -> None:
        """Forget all."""
        self._written.clear()

    def expire(self, now_s: float) -> bool:
        """Give up what should have been seen by now; to be called before asking.

        Returns
        -------
        bool
            True if the newest one is among them, so that nothing is waited for any more.

        """
        before = len(self._written)
        self._written = [entry for entry in self._written if entry[1] > now_s]
        return before > 0 and not self._written
