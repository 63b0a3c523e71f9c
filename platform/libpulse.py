"""Imports pulsectl without its search for libpulse.

The search starts ldconfig, a compiler and a linker, and fails, since it asks for a library named
"liblibpulse".  It would delay each start of Entrain by 15 ms.
"""

import ctypes.util

__all__ = ["pulsectl"]

_search = ctypes.util.find_library


def _known(name: str) -> str | None:
    return "libpulse.so.0" if name == "libpulse" else _search(name)


vars(ctypes.util)["find_library"] = _known
try:
    import pulsectl
finally:
    vars(ctypes.util)["find_library"] = _search
