"""Reads small files, and adds to them.  Any thread; may wait for the disk."""

import errno
import os
import stat
from pathlib import Path

_CIRCLE = "is a link that leads in a circle"


class UnfitFile(OSError):
    """What is at a path is no file for us; `strerror` goes on after the path: "is not a file"."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EINVAL, reason)


def read_file(path: Path, max_bytes: int) -> bytes:
    """Read a whole file that is not trusted to be small, or to be a file; links are followed.

    Parameters
    ----------
    path : Path
        Pipes, devices and folders are refused, without waiting for them.
    max_bytes : int
        Larger ones are refused.

    Raises
    ------
    UnfitFile
        The file is refused.
    OSError
        The file cannot be read.
    ValueError
        The path holds a null byte.

    """
    with open(_open(path, os.O_RDONLY), "rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise UnfitFile(f"is larger than {max_bytes} bytes")
    return content


def read_last_lines(path: Path, max_bytes: int) -> bytes:
    """Read the whole lines among the last bytes of a file; raises as `read_file`."""
    with open(_open(path, os.O_RDONLY), "rb") as file:
        begin = max(0, file.seek(0, os.SEEK_END) - max_bytes)
        if begin == 0:
            file.seek(0)
            return file.read(max_bytes)
        file.seek(begin - 1)  # so that a line which begins just there is found to be whole
        content = file.read(max_bytes + 1)
    return content[content.find(b"\n") + 1 :]


def append_line(path: Path, line: bytes) -> int:
    """Add a line to a file, which is made as by `make_file` if it is not there.

    A last line that a crash has cut off stays a line of its own.

    Returns
    -------
    int
        How large the file is now, in bytes.

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
    """Make a file that only the user can read, with its folder, unless it is there already.

    Returns
    -------
    Path
        Where it is: a link is followed.

    Raises
    ------
    UnfitFile
        What is there is not a file.
    OSError
        It cannot be made.

    """
    target = followed(path)
    make_folder(target.parent)
    os.close(_open(target, os.O_RDWR | os.O_APPEND | os.O_CREAT | _flag("O_NOFOLLOW")))
    return target


def make_folder(path: Path) -> None:
    """Make a folder that only the user can read, and those above it, unless it is there already.

    Raises
    ------
    NotADirectoryError
        A file is in its place.
    OSError
        The folder cannot be made.

    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from None


def followed(path: Path) -> Path:
    """Return where a path leads through all links, whether anything is there or not.

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
    """Open a regular file, without waiting for anybody."""
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
    """Return it where this system has it."""
    return int(getattr(os, name, 0))
