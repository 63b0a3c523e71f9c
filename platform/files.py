"""Reads and extends small files.  Any thread may call this, if it may wait for the disk."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_CIRCLE = "is a link that leads in a circle"


class UnfitFile(OSError):
    """A path does not lead to a usable file; `strerror` continues the path: "is not a file"."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EINVAL, reason)


def read_file(path: Path, max_bytes: int) -> bytes:
    """Read a whole file that may be too large, or not a file at all; links are followed.

    Parameters
    ----------
    path : Path
        Path of the file.  Pipes, devices and folders are refused, without waiting for them.
    max_bytes : int
        Largest size that is accepted.

    Raises
    ------
    UnfitFile
        The file is refused.
    OSError
        The file cannot be read.
    ValueError
        The path contains a null byte.

    """
    with open_file(path) as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise UnfitFile(f"is larger than {max_bytes} bytes")
    return content


def open_file(path: Path) -> BinaryIO:
    """Open a regular file for reading; raises errors like `read_file`."""
    return open(_open(path, os.O_RDONLY), "rb")


def read_last_lines(path: Path, max_bytes: int) -> bytes:
    """Read all complete lines within the last bytes of a file; raises errors like `read_file`."""
    with open_file(path) as file:
        begin = max(0, file.seek(0, os.SEEK_END) - max_bytes)
        if begin == 0:
            file.seek(0)
            return file.read(max_bytes)
        file.seek(begin - 1)  # one byte earlier, to detect a line that begins exactly there
        content = file.read(max_bytes + 1)
    return content[content.find(b"\n") + 1 :]


def append_line(path: Path, line: bytes) -> int:
    """Add a line to a file, which is created by `make_file` if necessary.

    If a crash has cut off the last line, the new line does not continue it.

    Returns
    -------
    int
        Size of the file in bytes.

    Raises
    ------
    OSError
        The file cannot be written.

    """
    with open(_open(make_file(path), os.O_RDWR | os.O_APPEND), "r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                line = b"\n" + line
        file.write(line + b"\n")
        return file.seek(0, os.SEEK_END)


def make_file(path: Path) -> Path:
    """Create a private file and its folder, unless the file exists.

    Returns
    -------
    Path
        Path of the file, with links resolved.

    Raises
    ------
    UnfitFile
        The path leads to something other than a file.
    OSError
        The file cannot be created.

    """
    target = followed(path)
    make_folder(target.parent)
    os.close(_open(target, os.O_RDWR | os.O_APPEND | os.O_CREAT | _flag("O_NOFOLLOW")))
    return target


def make_folder(path: Path) -> None:
    """Create a private folder and its parents, unless it exists.

    Raises
    ------
    NotADirectoryError
        A file has this path.
    OSError
        The folder cannot be created.

    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from None


def followed(path: Path) -> Path:
    """Return the path after all links; it need not exist.

    Raises
    ------
    UnfitFile
        The links lead in a circle.

    """
    try:
        os.stat(path)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnfitFile(_CIRCLE) from error
    return Path(os.path.realpath(path))


def _open(path: Path, flags: int) -> int:
    """Open a regular file, without waiting for other processes."""
    flags |= _flag("O_NONBLOCK") | _flag("O_CLOEXEC") | _flag("O_BINARY")
    try:
        fd = os.open(path, flags, 0o600)
    except IsADirectoryError as error:
        raise UnfitFile("is not a file") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnfitFile(_CIRCLE) from error
        if error.errno == errno.ENXIO:  # a socket, or a pipe without a reader
            raise UnfitFile("is not a file") from error
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise UnfitFile("is not a file")
    return fd


def _flag(name: str) -> int:
    """Return the flag's value, or 0 if the system does not have it."""
    return int(getattr(os, name, 0))
