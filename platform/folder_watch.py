"""Tells when something is taken out of a folder, without looking again and again."""

import contextlib
import ctypes
import os
import sys
from pathlib import Path
from typing import Self

_DELETE, _MOVED_FROM, _MOVE_SELF = 0x200, 0x40, 0x800  # as in <sys/inotify.h>


class FolderWatch:
    """Watches a folder for files that are removed, and for the folder itself being moved away.

    A context manager.  The folder that it is in may be moved away as well.

    Parameters
    ----------
    folder : Path
        Where it is missing, or the system tells of no changes, `works` is false.

    """

    def __init__(self, folder: Path) -> None:
        self._fd = _inotify()
        self.works = self._add(folder, _DELETE | _MOVED_FROM | _MOVE_SELF)
        self._add(folder.parent, _MOVE_SELF)

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
        """Return a descriptor that is readable after a change, where `works` is true."""
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


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _inotify() -> int:
    """Open what tells of changes; -1 where the system has no such thing, or none left."""
    if sys.platform == "linux":
        opened: int = _libc().inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        return opened
    else:
        return -1
