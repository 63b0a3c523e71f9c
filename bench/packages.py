"""Measures the installed forms of Entrain: size, and time and memory of short commands.

    .venv/bin/python bench/packages.py wheel=FOLDER/bin/entrain deb=/usr/bin/entrain

Prints a table for docs/packages.md.  Run it while no Entrain is running.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 9
COMMANDS = (("--version",), ("status",), ("layers",))


def main() -> None:
    """Print one row for each installation."""
    forms = [name.partition("=")[::2] for name in sys.argv[1:]]
    heads = [f"`entrain {' '.join(command)}`" for command in COMMANDS]
    print("|", " | ".join(["form", "size", *heads]), "|")
    print("|---" * (2 + len(heads)) + "|")
    for name, program in forms:
        figures = [measured(program, command) for command in COMMANDS]
        print("|", " | ".join([name, f"{size_mb(program):.0f} MB", *figures]), "|")


def size_mb(program: str) -> float:
    """Return the size of the environment that a program belongs to."""
    prefix = Path(program).resolve().parents[1]
    files = (path for path in prefix.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) / 1e6


def measured(program: str, command: tuple[str, ...]) -> str:
    """Return the shortest time of some rounds, and the largest memory."""
    times_s, memory_kb = [], 0
    for _ in range(ROUNDS):
        begin_s = time.perf_counter()
        process = subprocess.Popen(
            [program, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _, _, used = os.wait4(process.pid, 0)
        times_s.append(time.perf_counter() - begin_s)
        memory_kb = max(memory_kb, used.ru_maxrss)
        process.returncode = 0  # it has been waited for
    return f"{min(times_s):.2f} s, {memory_kb / 1024:.0f} MB"


if __name__ == "__main__":
    main()
