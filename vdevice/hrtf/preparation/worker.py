"""The process that reads SOFA files: `examine SOURCE` or `prepare SOURCE HEAD`.

SOURCE is a path, or the id of a built-in head.  The process limits itself, and prints one JSON
object: a description, or an error in one line.
"""

import argparse
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

MAX_MEMORY_BYTES = 3 << 30
"""Address space; 41,527 directions need 0.4 GB of memory, and address space beyond."""
MAX_CPU_S = 40
"""Some damaged files let HDF5 loop without end."""


def main() -> int:
    """Carry out one request."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    examine = commands.add_parser("examine")
    examine.add_argument("source")
    examine.add_argument("--plot", type=Path)
    prepare = commands.add_parser("prepare")
    prepare.add_argument("source")
    prepare.add_argument("head", type=Path)
    prepare.add_argument("--taps", type=int, default=256)
    prepare.add_argument("--measured", action="store_true", help="do not equalise")
    arguments = parser.parse_args()
    limit()
    try:
        answer = _examine(arguments) if arguments.command == "examine" else _prepare(arguments)
    except MemoryError:
        answer = {"error": f"{Path(arguments.source).name} needs too much memory"}
    json.dump(answer, sys.stdout)
    return 0


def limit(cpu_s: int | None = None) -> None:
    """Limit this process's memory and processor time, where the system has such limits."""
    if sys.platform != "win32":
        import resource

        for kind, most in (
            (resource.RLIMIT_AS, MAX_MEMORY_BYTES),
            (resource.RLIMIT_CPU, cpu_s or MAX_CPU_S),
            (resource.RLIMIT_CORE, 0),
        ):
            hard = resource.getrlimit(kind)[1]
            allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
            with contextlib.suppress(OSError, ValueError):  # macOS: no limit of the address space
                resource.setrlimit(kind, (allowed, hard))


def _examine(arguments: argparse.Namespace) -> dict[str, Any]:
    from entrain.vdevice.hrtf.errors import HrtfError
    from entrain.vdevice.hrtf.preparation.report import describe
    from entrain.vdevice.hrtf.preparation.sources import aligned

    try:
        found = aligned(arguments.source)
        answer = describe(found)
        if arguments.plot:
            from entrain.vdevice.hrtf.preparation.plot import draw

            draw(found, arguments.plot)
        return answer
    except HrtfError as error:
        return {"error": str(error)}
    except OSError as error:
        return {"error": f"cannot write {arguments.plot}: {error.strerror}"}


def _prepare(arguments: argparse.Namespace) -> dict[str, Any]:
    from entrain.vdevice.hrtf import head_file
    from entrain.vdevice.hrtf.errors import HrtfError
    from entrain.vdevice.hrtf.preparation.prepare import Options, prepare
    from entrain.vdevice.hrtf.preparation.sources import aligned

    name = Path(arguments.source).name
    try:
        found = aligned(arguments.source)
        head = prepare(found, Options(arguments.taps, not arguments.measured))
        head_file.write(arguments.head, head.counts, head.arrays)
    except HrtfError as error:
        text = str(error)
        return {"error": text if text.startswith(name) else f"{name} {text}"}
    except OSError as error:
        return {"error": f"cannot write {arguments.head}: {error.strerror}"}
    return {
        "facts": found.facts,
        "directions": len(found.directions),
        "notes": list(found.notes),
    }


if __name__ == "__main__":
    sys.exit(main())
