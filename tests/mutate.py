"""Mutation testing: change the code in one place, and see whether a unit test fails.

`.ci/mutate` makes the folder in which this runs.
"""

import contextlib
import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

CAUGHT = ("killed", "timeout", "segfault")
"""Results of mutmut for a change that a test has noticed."""
LOG = Path("mutmut.log")
REPORT = Path("report.txt")
PROGRESS_S = 30.0

_MUTMUT = str(Path(sys.executable).with_name("mutmut"))


def start(*names: str) -> subprocess.Popen[bytes]:
    """Let mutmut try these changes, or all; its output is long."""
    with LOG.open("ab") as log:
        return subprocess.Popen([_MUTMUT, "run", *names], stdout=log, stderr=log)


def exit_codes() -> dict[str, int | None]:
    """Return how pytest ended for each change; None: it was not tried."""
    found: dict[str, int | None] = {}
    for path in Path("mutants").rglob("*.meta"):
        found |= json.loads(path.read_bytes())["exit_code_by_key"]
    return found


def draw(count: int, seed: int) -> list[str]:
    """Make all changes, and draw some of them at random."""
    print("making the changes, measuring the tests…", flush=True)
    start("no-such-change").wait()  # it does both before it complains about the name
    names = sorted(exit_codes())
    return random.Random(seed).sample(names, min(count, len(names)))


def follow(running: subprocess.Popen[bytes], total: int | None) -> None:
    """Wait for the end, and say now and then how far it is."""
    shown_s = start_s = time.monotonic()
    while running.poll() is None:
        time.sleep(0.2)
        if time.monotonic() < shown_s + PROGRESS_S:
            continue
        shown_s = time.monotonic()
        with contextlib.suppress(ValueError):  # a file that is just being written
            codes = exit_codes()
            tried = sum(code is not None for code in codes.values())
            print(f"{shown_s - start_s:5.0f} s  {tried} of {total or len(codes)}", flush=True)


def results() -> dict[str, str]:
    """Return mutmut's word for the result of each change."""
    command = [_MUTMUT, "results", "--all", "true"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return dict(line.strip().rsplit(": ", 1) for line in lines)


def described(name: str) -> str:
    """Return a change as a diff."""
    command = [_MUTMUT, "show", name]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def report(found: dict[str, str]) -> str:
    """Show the changes that no test has caught, and count."""
    uncaught = [name for name, result in found.items() if result not in CAUGHT]
    parts = [described(name) for name in sorted(uncaught)]
    modules = Counter(name.rpartition(".")[0] for name in found)
    missed = Counter(name.rpartition(".")[0] for name in uncaught)
    parts += [f"{modules[name] - missed[name]:5} of {modules[name]:5}  {name}" for name in modules]
    words = ", ".join(f"{count} {result}" for result, count in Counter(found.values()).items())
    caught = len(found) - len(uncaught)
    parts.append(f"caught {caught} of {len(found)} ({100 * caught / len(found):.1f} %): {words}")
    return "\n".join(parts)


def main() -> int:
    """Try all changes, or as many as the second argument says; the first is the seed."""
    seed, *count = map(int, sys.argv[1:])
    names = draw(count[0], seed) if count else []
    if count and not names:
        print("mutate: there is no change to try", file=sys.stderr)
        return 1
    follow(running := start(*names), len(names) or None)
    found = results()
    chosen = {name: found[name] for name in sorted(names or found)}
    if running.returncode or "not checked" in chosen.values():
        failed = [line for line in LOG.read_text().splitlines() if line.startswith("FAILED")]
        print(*failed, f"mutmut failed; see {LOG.absolute()}", sep="\n", file=sys.stderr)
        return 1
    text = report(chosen)
    REPORT.write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
