"""Reports changes in folders, without polling."""

import contextlib
import ctypes
import os
import sys
from pathlib import Path
from typing import Self

# As in <sys/inotify.h>.
_MODIFY, _ATTRIB, _CLOSE_WRITE = 0x2, 0x4, 0x8
_MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x40, 0x80, 0x100, 0x200
_DELETE_SELF, _MOVE_SELF = 0x400, 0x800
_CONTENT = _MODIFY | _ATTRIB | _CLOSE_WRITE | _DELETE_SELF | _MOVE_SELF
_ENTRIES = _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE


class _Watch:
    """Base class of the watches; a context manager."""

    def __init__(self) -> None:
        self._fd = _inotify()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop watching.  Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def fileno(self) -> int:
        """Return a descriptor that is readable after a change, or -1 if the system reports none."""
        return self._fd

    def drain(self) -> None:
        """Drop the reports so far; the caller must look at the folder itself."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._fd, 4096):
                pass

    def _add(self, folder: Path, events: int) -> bool:
        if self._fd < 0:
            return False
        added: int = _libc().inotify_add_watch(self._fd, os.fsencode(folder), events)
        return added >= 0


class FolderWatch(_Watch):
    """Watches a folder for removed files, and for a move of the folder itself or of its parent.

    Parameters
    ----------
    folder : Path
        The folder.  `works` is false if it does not exist, or the system reports no changes.

    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.works = self._add(folder, _DELETE | _MOVED_FROM | _MOVE_SELF)
        self._add(folder.parent, _MOVE_SELF)


class ContentWatch(_Watch):
    """Watches files and folders for every change of their content.

    A change that another computer makes in a network folder is not reported.
    """

    def add(self, place: Path) -> bool:
        """Watch another folder or file, or a link's target; returns False if it does not exist.

        Call it again after a change, since another file may have taken the path.  It may wait for
        a disk, and any thread may call it.
        """
        return self._add(place, _CONTENT | _ENTRIES)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _inotify() -> int:
    """Open an inotify descriptor; returns -1 if the system has none, or none left."""
    if sys.platform == "linux":
        opened: int = _libc().inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        return opened
    else:
        return -1
