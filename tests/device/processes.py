"""Information about running processes."""

import os
from pathlib import Path


def children(pid: int) -> list[int]:
    """Return the ids of a process's children."""
    found: list[int] = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, tasks.read_text().split())
    return found


def executable(pid: int) -> str:
    """Return the name of the program that a process runs, or "" if it has ended."""
    try:
        return Path(os.readlink(f"/proc/{pid}/exe")).name
    except OSError:
        return ""
