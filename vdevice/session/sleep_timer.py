"""The sleep timer, which ends the sound after some time."""

from dataclasses import dataclass, replace

from entrain.vdevice.session.fade import Fade

SLEEP_FADE_S = 300.0
"""Longest fade of the sleep timer, in seconds."""


@dataclass(frozen=True)
class SleepTimer:
    """A running timer.  Times are in seconds of a clock that also runs during suspension."""

    at_s: float
    """Time of the end."""
    fade_s: float
    """Duration of the fade."""
    left_s: float
    """Time until the end, as of the last look."""

    @classmethod
    def started(cls, minutes: float, now_s: float) -> "SleepTimer":
        """Return a timer that ends in this time."""
        whole_s = 60.0 * minutes
        return cls(now_s + whole_s, min(SLEEP_FADE_S, whole_s), whole_s)

    def seen(self, now_s: float) -> "SleepTimer":
        """Return the timer as it is now."""
        return replace(self, left_s=self.at_s - now_s)

    @property
    def fade(self) -> Fade | None:
        """The fade of the last minutes, or None before it."""
        if not 0 < self.left_s <= self.fade_s:
            return None
        return Fade(self.left_s, self.fade_s, of_sleep_timer=True)
