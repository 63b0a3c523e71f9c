"""Reads sound files of unknown quality once, from beginning to end.

Defects are reported, one line each; the readable part of a damaged file is read.
"""

import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import soundfile

from entrain.errors import EntrainError
from entrain.vdevice.protocol.user_folder import shown

_READ_FRAMES = 4096
"""Frames to read at once; a block with an error is lost."""
_OGG_END_BYTES = 1 << 17
"""More than twice the length of a page in an Ogg file."""
_SHORT = re.compile(
    r"^\s*(?:data|SSND|BODY|Data Size|riff|Riff size)\s*:\s*(\d+) \(should be (\d+)\)"
    r"|^Data length (\d+) should be (\d+)",
    re.MULTILINE,
)
"""Lines in libsndfile's log about a header with a wrong length."""
_SLACK_BYTES = 8
"""Programs disagree on what a chunk's length includes."""
_STREAMED_BYTES = 1 << 16
"""Programs that write to a pipe set a length this close to the largest one, or larger."""


class SoundFileError(EntrainError):
    """A sound file cannot be read; the text is one line that begins with its name."""


class Sequential(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no type hints
    """A sound file that is read or written sequentially.

    Some of libsndfile's formats cannot seek, and some wrongly report that they can.
    """

    def seekable(self) -> bool:
        """Keep soundfile from seeking after each block."""
        return False


class SoundReader:
    """A sound file opened for reading; a context manager.

    Parameters
    ----------
    path : Path
        A file in any format that libsndfile reads.

    Raises
    ------
    SoundFileError
        The file does not exist or is not a sound file.

    """

    def __init__(self, path: Path) -> None:
        self.name = shown(path)
        self._path = path
        self._numbers_missing = 0
        self._stopped = ""
        self.frames_read = 0
        try:
            mode = path.stat().st_mode
            if not stat.S_ISREG(mode):
                what = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
                raise SoundFileError(f"{self.name}: is {what}, not a file")
            with path.open("rb"):  # otherwise libsndfile reports only "System error"
                pass
            # As bytes, since soundfile refuses names that are not UTF-8.
            named = os.fsencode(path) if sys.platform != "win32" else os.fspath(path)
            self._file = Sequential(named)
        except soundfile.LibsndfileError as error:
            raise SoundFileError(f"{self.name}: {reason(error)}") from error
        except OSError as error:
            text = "No such file" if isinstance(error, FileNotFoundError) else error.strerror
            raise SoundFileError(f"{self.name}: {text or error}") from error
        except TypeError as error:  # soundfile needs rate and format of .raw files
            raise SoundFileError(f"{self.name}: a .raw file does not declare its format") from error
        self.rate_hz: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.subtype: str = self._file.subtype
        self.frames: int = self._file.frames
        """Length according to the file's header."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file.  Idempotent."""
        self._file.close()

    def read(self, frames: int) -> npt.NDArray[np.float32]:
        """Read the next frames.

        Parameters
        ----------
        frames : int
            Number of frames to read.

        Returns
        -------
        (n, channels) float32 ndarray
            Fewer frames at the end of the file, or if the rest is unreadable.  Samples that are not
            finite numbers are replaced by silence.

        """
        block = np.empty((frames, self.channels), np.float32)
        filled = 0
        while filled < frames and not self._stopped:
            wanted = min(_READ_FRAMES, frames - filled)
            try:
                got = len(self._file.read(wanted, "float32", True, out=block[filled:][:wanted]))
            except soundfile.LibsndfileError as error:
                self._stopped = reason(error)
                break
            filled += got
            if got < wanted:
                break
        self.frames_read += filled
        block = block[:filled]
        finite = np.isfinite(block)
        if not finite.all():
            self._numbers_missing += int(finite.size - np.count_nonzero(finite))
            np.nan_to_num(block, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        return block

    def blocks(self, frames: int) -> Iterator[npt.NDArray[np.float32]]:
        """Read the rest of the file in blocks, as `read` returns them."""
        while len(block := self.read(frames)):
            yield block

    def check(self) -> tuple[str, ...]:
        """Return the defects of the file, after reading it.

        Returns
        -------
        tuple of str
            One line each, without the file's name.

        Raises
        ------
        SoundFileError
            None of the file could be read, although it should not be empty.

        """
        if self._stopped and not self.frames_read:
            raise SoundFileError(f"{self.name}: {self._stopped}")
        lines = []
        if self._is_cut_off():
            read_s, promised_s = self.frames_read / self.rate_hz, self.frames / self.rate_hz
            promised = f" of {promised_s:.1f} s" if self.frames > self.frames_read else ""
            because = f" ({self._stopped})" if self._stopped else ""
            lines.append(
                f"the file is damaged or cut off: {read_s:.1f} s{promised} could be read{because}"
            )
        if self._numbers_missing:
            count = self._numbers_missing
            samples = "1 sample is" if count == 1 else f"{count} samples are"
            lines.append(f"{samples} not a number; silence replaces it")
        return tuple(lines)

    def _is_cut_off(self) -> bool:
        missing = self.frames - self.frames_read
        if self.subtype.startswith("MPEG"):
            return bool(self._stopped) or (missing > self.rate_hz and self._mp3_tells_length())
        if self._stopped or missing > 0:
            return True
        for found in _SHORT.finditer(self._file.extra_info):
            promised, there = (int(each) for each in found.groups() if each is not None)
            is_streamed = any(
                limit - _STREAMED_BYTES <= promised <= limit for limit in (1 << 31, 1 << 32)
            )
            if promised - there > _SLACK_BYTES and not is_streamed:
                return True
        return self._file.format == "OGG" and not self._ogg_ends()

    def _ogg_ends(self) -> bool:
        """Whether the last page of an Ogg file ends its stream."""
        with self._path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _OGG_END_BYTES))
            end = file.read(_OGG_END_BYTES)
        page = end.rfind(b"OggS\0")
        return 0 <= page < len(end) - 5 and bool(end[page + 5] & 4)

    def _mp3_tells_length(self) -> bool:
        """Whether an MP3 file declares its length; otherwise libsndfile estimates it."""
        with self._path.open("rb") as file:
            tag = file.read(10)
            if tag.startswith(b"ID3"):  # skip pictures and texts
                file.seek(int("".join(f"{each & 0x7F:07b}" for each in tag[6:]), 2), os.SEEK_CUR)
            else:
                file.seek(0)
            first_frame = file.read(512)
        return any(name in first_frame for name in (b"Xing", b"Info", b"VBRI"))


def is_sound(path: Path) -> bool:
    """Whether libsndfile can read a file."""
    try:
        SoundReader(path).close()
        return True
    except SoundFileError:
        return False


def reason(error: soundfile.LibsndfileError) -> str:
    """Return libsndfile's message without the file's name, or a plainer one."""
    text = " ".join(error.error_string.split()).rstrip(".")
    if text in ("", "Format not recognised"):
        return "not a sound file that libsndfile can read"
    return text
