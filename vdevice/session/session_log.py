"""The session log: which protocols were heard, and for how long.  The file is private.

Called on one thread at a time.  If the log cannot be written, the sound continues, and the user
gets one warning.
"""

import logging
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat

from entrain.platform.files import append_line, read_last_lines
from entrain.platform.whole_file import replace_file
from entrain.vdevice.limits import MAX_SESSION_S
from entrain.vdevice.protocol.fields import Line, Slug
from entrain.vdevice.storage import lenient_reading

FILE_NAME = "sessions.jsonl"
MAX_FILE_BYTES = 1 << 20
_KEPT_BYTES = MAX_FILE_BYTES * 3 // 4
"""Size to which a full log is cut, so that it is not cut again at each line."""

_log = logging.getLogger(__name__)


class Stretch(BaseModel):
    """A time in which one protocol was heard without a break."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    started: AwareDatetime
    """In local time."""
    protocol: Slug = "unknown"
    name: Annotated[Line, Field(max_length=100)] = Field(
        default_factory=lambda data: str(data.get("protocol", ""))
    )
    minutes: Annotated[FiniteFloat, Field(ge=0, le=MAX_SESSION_S / 60)]
    """Time in which an input or a standalone protocol was processed."""
    device: Annotated[Line, Field(max_length=64)] = ""
    """Form of the output: headphones, speakers, …; empty if unknown."""


class Recorded(NamedTuple):
    """Content of the log, oldest first."""

    stretches: list[Stretch]
    skipped: int
    """Number of lines without a readable start or duration."""


class SessionLog:
    """The log file: JSON lines.

    Parameters
    ----------
    path : Path or None
        Its folder is created at the first entry.  None: the log is not kept.

    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.warning = ""
        """The last error, one line; empty after a success."""

    def add(self, stretch: Stretch) -> None:
        """Append one line; if the file exceeds `MAX_FILE_BYTES`, drop the oldest lines."""
        if self.path is None:
            return
        try:
            if append_line(self.path, stretch.model_dump_json().encode()) > MAX_FILE_BYTES:
                replace_file(self.path, read_last_lines(self.path, _KEPT_BYTES))
        except OSError as error:
            self._warn(f"cannot write {self.path}: {error.strerror}; continuing without a log")
        else:
            self.warning = ""

    def read(self) -> Recorded:
        """Read the log; the result is empty if there is no file, or if it cannot be read."""
        if self.path is None:
            return Recorded([], 0)
        try:
            text = read_last_lines(self.path, MAX_FILE_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            return Recorded([], 0)
        except OSError as error:
            self._warn(f"cannot read {self.path}: {error.strerror}")
            return Recorded([], 0)
        found: list[Stretch] = []
        skipped = 0
        for line in text.split(b"\n"):
            if not line.strip():
                continue
            try:
                found.append(lenient_reading.read(Stretch, line)[0])
            except ValueError:
                skipped += 1
        return Recorded(found, skipped)

    def _warn(self, text: str) -> None:
        if text != self.warning:  # report a full disk once, not at every line
            _log.warning("%s", text)
        self.warning = text
