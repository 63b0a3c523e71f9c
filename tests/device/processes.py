"""Information about running processes."""

import contextlib
import os
from pathlib import Path


def children(pid: int) -> list[int]:
    """Return the ids of a process's children."""
    found: list[int] = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has ended meanwhile
            found += map(int, tasks.read_text().split())
    return found


def executable(pid: int) -> str:
    """Return the name of the program that a process runs, or "" if it has ended."""
    try:
        return Path(os.readlink(f"/proc/{pid}/exe")).name
    except OSError:
        return ""


def command_line(pid: int) -> bytes:
    """Return the command by which a process was started, or b"" if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
