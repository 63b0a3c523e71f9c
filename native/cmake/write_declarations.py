"""Writes the interface of the native libraries as a Python module that cffi loads without parsing.

Usage: python write_declarations.py <module.py> <entrain/engine.h>
"""

import re
import sys
from pathlib import Path

from cffi import FFI


def main(module: Path, header: Path) -> None:
    """Write the module with the files that `header` includes, in its order."""
    names = re.findall(r'#include "(.+)"', header.read_text(encoding="utf-8"))
    ffi = FFI()
    ffi.cdef("".join((header.parent / name).read_text(encoding="utf-8") for name in names))
    ffi.set_source(f"entrain.{module.stem}", None)
    ffi.emit_python_code(str(module))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
