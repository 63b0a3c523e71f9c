"""Copies of files, in memory that is given back as a whole.

A mapped file that another program cuts short, or that its disk cannot read, would end the process.
"""

import io
import mmap
import os
import stat
from pathlib import Path


def file_copy(path: Path, max_bytes: int) -> mmap.mmap:
    """Read a whole file into memory of its own; close it to give the memory back.

    Pipes, devices and folders are refused, without waiting for them.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It is not a file, is empty or larger than `max_bytes`, or becomes shorter meanwhile; or the
        path contains a null byte.

    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags | getattr(os, "O_CLOEXEC", 0)), "rb", buffering=0) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("it is not a file")
        if not 0 < found.st_size <= max_bytes:
            raise ValueError(f"it has {found.st_size} bytes")
        copy = mmap.mmap(-1, found.st_size)
        try:
            _fill(copy, file)
        except BaseException:
            copy.close()
            raise
    return copy


def _fill(copy: mmap.mmap, file: io.FileIO) -> None:
    with memoryview(copy) as rest:
        at = 0
        while at < len(rest):
            with rest[at:] as part:
                count = file.readinto(part)
            if not count:
                raise ValueError("it has become shorter")
            at += count
