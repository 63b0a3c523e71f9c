"""When the next frame may be drawn, for a bounded number of bytes a second."""

from entrain.tray.terminal.feeds import FRAMES_PER_S

MAX_BYTES_PER_S = 10_000
"""Most bytes a second in the long run, for slow connections; longer frames come less often."""
BURST_BYTES = 20_000
"""Bytes that may be sent at once after a while with shorter frames."""


class Pace:
    """Counts the bytes of the frames.  Times are of one monotonic clock, in seconds."""

    def __init__(self, now_s: float) -> None:
        self.due_s = now_s
        """Time of the next frame."""
        self._drawn_s = now_s
        self._budget = float(BURST_BYTES)

    def drawn(self, now_s: float, size: int) -> None:
        """Note a frame of so many bytes."""
        saved = self._budget + (now_s - self._drawn_s) * MAX_BYTES_PER_S
        self._budget = min(saved, BURST_BYTES) - size
        self._drawn_s = now_s
        self.due_s = now_s + max(1 / FRAMES_PER_S, -self._budget / MAX_BYTES_PER_S)
