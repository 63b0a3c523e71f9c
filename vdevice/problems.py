"""Problems that no request can report; `status` shows the last few."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from entrain.errors import EntrainError

MOST = 5


class Problems:
    """The last few problems, oldest first, one line each.  Used on the main thread only."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=MOST)
        self.changed: Callable[[], None] = lambda: None
        """Called after each new line."""

    def tell(self, text: str) -> None:
        """Add a line, unless it is among the last few."""
        if text and text not in self.lines:
            self.lines.append(text)
            self.changed()

    @contextmanager
    def telling(self, then: str) -> Iterator[None]:
        """Turn an `EntrainError` into a problem, where no request could be refused.

        Parameters
        ----------
        then : str
            The consequence, which ends the line.

        """
        try:
            yield
        except EntrainError as error:
            self.tell(f"{str(error).splitlines()[0]}; {then}")
