"""The running app's log: on its terminal, and in a file of limited size.

The audio thread never logs; the main thread reads its counters and logs them.
"""

import contextlib
import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from entrain.platform.files import make_file, read_last_lines

FILE_NAME = "entrain.log"
MAX_FILE_BYTES = 512 * 1024
OLDER_FILES = 2


def set_up(folder: Path | None, verbose: bool) -> None:
    """Log to stderr, and to a file in `folder` that is rotated when it is full.

    Parameters
    ----------
    folder : Path or None
        Created at the first message.  None: no file.
    verbose : bool
        Log everything; by default, warnings go to stderr and information to the file, too.

    """
    logger = logging.getLogger("entrain")
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    logger.propagate = False  # the root logger's handler would repeat each message
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.DEBUG if verbose else logging.WARNING)
    terminal.setFormatter(logging.Formatter("entrain: %(message)s"))
    logger.addHandler(terminal)
    if folder:
        logger.addHandler(_File(folder / FILE_NAME))


class _File(RotatingFileHandler):
    """A log file that only the user can read.  After its first error it is not written any more."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            path, maxBytes=MAX_FILE_BYTES, backupCount=OLDER_FILES, encoding="utf-8", delay=True
        )
        self._path = path
        self.setFormatter(
            logging.Formatter(
                "%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S"
            )
        )

    def _open(self):  # type: ignore[no-untyped-def]  # the standard library's type is private
        self.baseFilename = str(make_file(self._path))
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Continue without the file: the disk may be full, or the home folder read-only."""
        error = sys.exc_info()[1]
        reason = getattr(error, "strerror", None) or error
        logging.getLogger("entrain").removeHandler(self)
        with contextlib.suppress(OSError):  # the buffer cannot be written either
            self.close()
        logging.getLogger(__name__).warning("cannot write %s: %s; no log file", self._path, reason)


def last_lines(folder: Path, count: int = 5) -> list[str]:
    """Return the last warnings and errors of the log file, oldest first; [] if there is none."""
    try:
        text = read_last_lines(folder / FILE_NAME, MAX_FILE_BYTES).decode("utf-8", "replace")
    except OSError:
        return []
    marks = (" WARNING ", " ERROR ")
    return [line for line in text.splitlines() if any(mark in line for mark in marks)][-count:]
