"""Entry point of the command `entrain`: standard streams, and one-line messages for shortages.

Imports stand inside the functions, so that a shortage during an import is explained, too.
"""

import contextlib
import errno
import io
import os
import sys

_MEMORY = "there is too little memory; close other programs, or raise the limit (`ulimit -v`)"
_SHORTAGES = {
    errno.EMFILE: "too many files are open at once; raise the limit (`ulimit -n`)",
    errno.ENFILE: "the system has too many files open at once; close other programs",
    errno.ENOMEM: _MEMORY,
}
_MEMORY_WORDS = ("allocate memory", "failed to map", "can't start new thread")
"""Words in the messages of the system's loader and of Python when memory runs out."""


def main() -> None:
    """Run the command line and end the process."""
    try:
        _open_standard_streams()
        from entrain.tray.commands.cli import main as run

        run()
    except KeyboardInterrupt:  # during an import; afterwards, the command line ends in this way
        with contextlib.suppress(OSError):
            print(file=sys.stderr)  # the shell's prompt begins on a line of its own
        sys.exit(130)
    except (MemoryError, OSError, ImportError, RuntimeError) as error:
        line = _explained(error)
        if not line:
            raise
        with contextlib.suppress(OSError):
            print(f"entrain: {line}", file=sys.stderr)
        sys.exit(1)


def _open_standard_streams() -> None:
    """Open closed streams on the null device, and escape characters that a stream cannot encode.

    Without this, the first file to be opened would become a standard stream.
    """
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
        if getattr(sys, name) is None:
            opened = open(fd, "r" if fd == 0 else "w", closefd=False)  # noqa: SIM115 - stays open
            setattr(sys, name, opened)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _explained(error: BaseException) -> str:
    """Explain in one line a shortage or refusal of the system; return "" for a bug of Entrain."""
    if isinstance(error, MemoryError) or any(word in str(error) for word in _MEMORY_WORDS):
        return _MEMORY
    if isinstance(error, OSError) and error.errno is not None:
        reason = _SHORTAGES.get(error.errno) or os.strerror(error.errno)
        return f"{error.filename}: {reason}" if error.filename is not None else reason
    cause = error.__cause__ or error.__context__
    return _explained(cause) if cause else ""


if __name__ == "__main__":
    main()
