"""What goes wrong while nobody waits for an answer: `status` shows the last few of it."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from entrain.errors import EntrainError

MOST = 5


class Problems:
    """The last few problems, one line each, oldest first.  Used on the main thread only."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=MOST)
        self.changed: Callable[[], None] = lambda: None
        """Called after a line was added."""

    def tell(self, text: str) -> None:
        """Add a line, unless it is among the last few already."""
        if text and text not in self.lines:
            self.lines.append(text)
            self.changed()

    @contextmanager
    def telling(self, then: str) -> Iterator[None]:
        """Tell what cannot be done, where nobody has sent a request that could be refused.

        Parameters
        ----------
        then : str
            What becomes of it.

        """
        try:
            yield
        except EntrainError as error:
            self.tell(f"{str(error).splitlines()[0]}; {then}")
