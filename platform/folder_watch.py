"""Tells of changes in folders, without looking again and again."""

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
    """Base of both kinds of watches.  A context manager."""

    def __init__(self) -> None:
        self._fd = _inotify()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Watch no longer.  Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def fileno(self) -> int:
        """Return a descriptor that is readable after a change; -1 where nobody tells of any."""
        return self._fd

    def drain(self) -> None:
        """Forget the changes so far; what they were is to be looked at."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._fd, 4096):
                pass

    def _add(self, folder: Path, events: int) -> bool:
        if self._fd < 0:
            return False
        added: int = _libc().inotify_add_watch(self._fd, os.fsencode(folder), events)
        return added >= 0


class FolderWatch(_Watch):
    """Watches a folder for files that are removed, and for the folder itself being moved away.

    The folder that it is in may be moved away as well.

    Parameters
    ----------
    folder : Path
        Where it is missing, or the system tells of no changes, `works` is false.

    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.works = self._add(folder, _DELETE | _MOVED_FROM | _MOVE_SELF)
        self._add(folder.parent, _MOVE_SELF)


class ContentWatch(_Watch):
    """Watches places for every change of what is in them.

    What another machine changes in a folder of the network is not told.
    """

    def add(self, place: Path) -> bool:
        """Watch a folder or a file too, or where a link leads to; false where there is none.

        To be called again after a change: there may be another file in this place.  It may wait
        for a disk, and any thread may call it.
        """
        return self._add(place, _CONTENT | _ENTRIES)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _inotify() -> int:
    """Open what tells of changes; -1 where the system has no such thing, or none left."""
    if sys.platform == "linux":
        opened: int = _libc().inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        return opened
    else:
        return -1
