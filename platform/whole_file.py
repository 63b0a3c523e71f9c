"""Writes a file under a temporary name, so that it appears under its own name only when complete.

Any thread may call these functions, if it may wait for the disk.
"""

import contextlib
import os
import re
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import BinaryIO, NoReturn

from entrain.platform.files import UnfitFile, followed, make_folder

if sys.platform != "win32":
    import fcntl

_LEFTOVER = re.compile(r"\.entrain-[0-9a-f]{16}\.part")
_BUFFER_BYTES = 1 << 18


@contextlib.contextmanager
def whole_file(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Open a new file, which replaces `path` when the block ends without an error.

    After an error, a signal that ends the process, or a full disk, `path` is unchanged, and no
    other file is left.  On Linux the unfinished file has no name, so even `kill -9` leaves none.
    On file systems that cannot do this, the next call in the same folder removes it.

    Parameters
    ----------
    path : Path
        A symbolic link is followed: its target is replaced.
    mode : int, optional
        Permissions of a new file, minus the umask.  An existing file keeps its permissions and its
        owner.

    Yields
    ------
    binary file
        Open for reading and writing; its position can be moved.

    Raises
    ------
    UnfitFile
        The path leads to something other than a file.
    OSError
        The file cannot be written.
    SystemExit
        SIGTERM or SIGHUP arrived; only on the main thread, and only without another handler.

    """
    target = followed(path)
    before = _status(target)
    remove_leftovers(target.parent)
    name = target.with_name(f".entrain-{os.urandom(8).hex()}.part")
    with _signals_raise():
        try:
            with _errors_name(target.parent):
                fd, has_name = _create(name, 0o600 if before else mode)
            with os.fdopen(fd, "w+b", buffering=_BUFFER_BYTES) as file:
                if before:
                    _give_to_owner(fd, name, before)
                yield file
                file.flush()
                os.fsync(fd)
                with _errors_name(target):
                    if not has_name:
                        _give_name(fd, name)
                    if sys.platform == "win32":
                        file.close()  # Windows cannot rename open files
                    os.replace(name, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
    _sync_folder(target.parent)


def replace_file(path: Path, content: bytes) -> None:
    """Replace a small file of Entrain's own, like `whole_file`.

    A new file is private; its folder is created if necessary.

    Raises
    ------
    UnfitFile
        The path leads to something other than a file.
    OSError
        The file cannot be written; the old one is unchanged.

    """
    target = followed(path)
    try:
        make_folder(target.parent)
        with whole_file(target, 0o600) as file:
            file.write(content)
    except UnfitFile:
        raise
    except OSError as error:
        if target == path:
            raise
        raise OSError(error.errno, f"{error.strerror} (it leads to {target})") from error


@contextlib.contextmanager
def output_file(
    path: Path,
    is_one: Callable[[Path], bool],
    kind: str,
    *,
    inputs: Iterable[Path] = (),
    force: bool = False,
) -> Iterator[BinaryIO]:
    """Open a file that the user has named as a command's output; see `whole_file`.

    Parameters
    ----------
    path : Path
        Path of the file; only a regular file is replaced.
    is_one : callable
        Returns whether an existing file has the kind of the new one; only such a file, or an empty
        file, is replaced.
    kind : str
        Name of the kind, for messages: "a sound file".
    inputs : iterable of Path
        Files that the command reads; they are never replaced, under any name.
    force : bool
        Replace a file of another kind, too.

    Raises
    ------
    UnfitFile
        An existing file must not be replaced.
    OSError
        The file cannot be written.

    """
    try:
        found = path.stat()
    except FileNotFoundError:  # there is no file, or a link leads nowhere
        found = None
    if found is not None:
        if stat.S_ISDIR(found.st_mode):
            raise UnfitFile("is a folder; choose a file name")
        if not stat.S_ISREG(found.st_mode):
            raise UnfitFile("is not a file; choose another name")
        if any(os.path.samefile(each, path) for each in inputs if each.exists()):
            raise UnfitFile("is the input file; choose another name")
        if found.st_size and not force and not is_one(path):
            raise UnfitFile(f"already exists and is not {kind}; --force replaces it")
    with whole_file(path) as file:
        yield file


def remove_leftovers(folder: Path) -> None:
    """Remove unfinished files of killed processes; running processes hold a lock on theirs."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _LEFTOVER.fullmatch(entry.name):
                _remove_unlocked(entry.path)


def _create(name: Path, mode: int) -> tuple[int, bool]:
    """Open and lock an unfinished file; returns whether it has a name."""
    flags = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    if tmpfile := getattr(os, "O_TMPFILE", 0):
        # File systems without this feature report various errors, so try again after any error.
        with contextlib.suppress(OSError):
            fd = os.open(name.parent, flags | tmpfile, mode)
            if os.path.exists(f"/proc/self/fd/{fd}"):
                _lock(fd)
                return fd, False
            os.close(fd)
    while True:
        fd = os.open(name, flags | os.O_CREAT | os.O_EXCL, mode)
        _lock(fd)
        if os.fstat(fd).st_nlink:  # no process took it for a leftover before it was locked
            return fd, True
        os.close(fd)


def _status(path: Path) -> os.stat_result | None:
    """Return the status of a file that will be replaced; None if it does not exist."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise UnfitFile("is not a file")
    return status


@contextlib.contextmanager
def _errors_name(path: Path) -> Iterator[None]:
    """In errors, name a path that the user knows instead of the unfinished file."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut, too."""
    if sys.platform != "win32":  # Windows cannot sync folders
        folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder_fd)
        finally:
            os.close(folder_fd)


if sys.platform != "win32":

    def _give_name(fd: int, name: Path) -> None:
        folder_fd = os.open(name.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:  # Python follows the link in /proc only if it has the folder's descriptor
            os.link(f"/proc/self/fd/{fd}", name.name, dst_dir_fd=folder_fd, follow_symlinks=True)
        finally:
            os.close(folder_fd)

    def _give_to_owner(fd: int, _name: Path, before: os.stat_result) -> None:
        with contextlib.suppress(OSError):  # only root can give a file away
            os.fchown(fd, before.st_uid, before.st_gid)
        with contextlib.suppress(OSError):  # some file systems have no permissions
            os.fchmod(fd, stat.S_IMODE(before.st_mode))

    def _lock(fd: int) -> None:
        with contextlib.suppress(OSError):  # some network file systems have no locks
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _remove_unlocked(path: str) -> None:
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                status = os.fstat(fd)
                if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid():
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(path)
            finally:
                os.close(fd)

else:

    def _give_name(_fd: int, _name: Path) -> None:
        """On Windows, every file has a name."""

    def _give_to_owner(_fd: int, name: Path, before: os.stat_result) -> None:
        os.chmod(name, stat.S_IMODE(before.st_mode))

    def _lock(fd: int) -> None:
        """On Windows, open files cannot be removed anyway."""

    def _remove_unlocked(path: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(path)


@contextlib.contextmanager
def _signals_raise() -> Iterator[None]:
    """Make ending signals raise `SystemExit`, so that the unfinished file is removed."""
    changed = []
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _end)
                changed.append(number)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
