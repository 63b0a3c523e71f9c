"""Bounds how many bytes go out in a second.  Knows neither sockets nor messages."""

BURST_S = 2.0
"""A budget that rests gathers as much as for this time, in seconds."""


class Budget:
    """Gathers bytes that may be sent.

    Something larger than what is left may be sent as a whole; the budget then is in debt.

    Parameters
    ----------
    bytes_per_s : float
        Bytes that it gathers in each second.
    now_s : float
        Time of any clock that never goes back, in seconds.

    """

    def __init__(self, bytes_per_s: float, now_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._left = BURST_S * bytes_per_s
        self._at_s = now_s

    def has_some(self, now_s: float) -> bool:
        """Return whether something may be sent now."""
        gathered = self._left + (now_s - self._at_s) * self._bytes_per_s
        self._left = min(gathered, BURST_S * self._bytes_per_s)
        self._at_s = now_s
        return self._left > 0

    def spend(self, size: int) -> None:
        """Count bytes that are sent."""
        self._left -= size
