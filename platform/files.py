"""Reading and replacing small files.  Any thread; may wait for the disk."""

import contextlib
import errno
import os
import stat
import sys
import tempfile
from pathlib import Path


class UnfitFile(OSError):
    """What is at a path is no file for us; `strerror` goes on after the path: "is not a file"."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EINVAL, reason)


def read_file(path: Path, max_bytes: int, follow_links: bool = True) -> bytes:
    """Read a whole file that is not trusted to be small, or to be a file.

    Parameters
    ----------
    path : Path
        Pipes, devices and folders are refused, without waiting for them.
    max_bytes : int
        Larger ones are refused.
    follow_links : bool
        Read what a symbolic link leads to; else it is refused.

    Raises
    ------
    UnfitFile
        One that is refused.
    OSError
        It cannot be read.
    ValueError
        The path holds a null byte.

    """
    if not follow_links and path.is_symlink():  # said in plainer words than the system's
        raise UnfitFile("is a link, not a file")
    flags = os.O_RDONLY | (0 if follow_links else _flag("O_NOFOLLOW"))
    with open(_open(path, flags), "rb") as file:
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
    """Add a line to a file, which only the user can read, and which is made if it is not there.

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
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | _flag("O_NOFOLLOW")
    with open(_open(path, flags), "r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                line = b"\n" + line
        file.write(line + b"\n")
        return file.seek(0, os.SEEK_END)


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file as a whole, so that a crash leaves the old or the new one.

    Only the user can read it.  Its folder is made if it is not there.

    Raises
    ------
    OSError
        It cannot be written; the old one is as it was.

    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    if sys.platform != "win32":  # folders cannot be synced there
        folder_fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder_fd)  # the new name, too, survives a power cut
        finally:
            os.close(folder_fd)


def _open(path: Path, flags: int) -> int:
    """Open a regular file, without waiting for anybody."""
    flags |= _flag("O_NONBLOCK") | _flag("O_CLOEXEC") | _flag("O_BINARY")
    fd = os.open(path, flags, 0o600)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise UnfitFile("is not a file")
    return fd


def _flag(name: str) -> int:
    """Return it where this system has it."""
    return int(getattr(os, name, 0))
