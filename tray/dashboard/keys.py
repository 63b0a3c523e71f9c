"""The keys to the page: one lasts, in the browser's cookie; others open the door for a while."""

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

MAX_KEYS = 64
"""Most keys that are valid at the same time; a new key replaces the oldest one."""


@dataclass(frozen=True)
class _Terms:
    until_s: float
    is_single: bool
    ended: Callable[[], object]


class Keys:
    """All keys of this process; they end with it.

    Parameters
    ----------
    now_s : callable
        Returns a time in seconds that only grows.

    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self.cookie = secrets.token_urlsafe(32)
        """The value of the cookie."""
        self._now_s = now_s
        self._entries: dict[str, _Terms] = {}

    def make(
        self,
        valid_s: float,
        *,
        is_single: bool = True,
        ended: Callable[[], object] = lambda: None,
    ) -> str:
        """Make a key that opens the door.

        Parameters
        ----------
        valid_s : float
            The time for which it is valid, in seconds.
        is_single : bool
            Whether it opens only once.
        ended : callable
            Called once the key is used, revoked or seen to be too old.

        """
        self.tidy()
        while len(self._entries) >= MAX_KEYS:
            self.revoke(next(iter(self._entries)))
        key = secrets.token_urlsafe(32)
        self._entries[key] = _Terms(self._now_s() + valid_s, is_single, ended)
        return key

    def enter(self, offered: str) -> bool:
        """Return whether this key opens the door now; a single key is then used up."""
        self.tidy()
        found = next((key for key in self._entries if _same(key, offered)), None)
        if found is None:
            return False
        if self._entries[found].is_single:
            self.revoke(found)
        return True

    def is_cookie(self, offered: str) -> bool:
        """Return whether this is the cookie's value."""
        return _same(self.cookie, offered)

    def revoke(self, key: str) -> None:
        """End a key.  Idempotent."""
        if terms := self._entries.pop(key, None):
            terms.ended()

    def tidy(self) -> None:
        """End all keys that are too old."""
        now_s = self._now_s()
        for key in [key for key, terms in self._entries.items() if terms.until_s <= now_s]:
            self.revoke(key)

    def close(self) -> None:
        """End all keys."""
        for key in list(self._entries):
            self.revoke(key)


def _same(key: str, offered: str) -> bool:
    """Compare in a time that does not tell how much is right."""
    return hmac.compare_digest(key.encode(), offered.encode("utf-8", "replace"))
