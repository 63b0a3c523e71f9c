"""Load the native libraries with cffi in ABI mode, with declarations that the build has parsed.

They come from the headers that C++ compiles (`native/cmake/write_declarations.py`).
"""

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entrain import _declarations
from entrain.errors import EngineError, EntrainError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

ffi: Any = _declarations.ffi
_PACKAGE = Path(__file__).parent
_SUFFIX = {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so")


def path(name: str) -> Path:
    """Return the path of the native library `name`, which may not exist."""
    return _PACKAGE / "lib" / f"lib{name}{_SUFFIX}"


@cache
def load(name: str) -> Any:
    """Load a native library of this package.

    Raises
    ------
    EntrainError
        The library is missing, cannot be loaded, or belongs to another version of Entrain.

    """
    try:
        library: Any = ffi.dlopen(str(path(name)))
    except OSError as error:
        raise EntrainError(f"cannot load {path(name).name}: {error}") from error
    if name == "entrain" and library.entrain_abi_version() != library.ENTRAIN_ABI_VERSION:
        raise EntrainError("the native library is of another version: install Entrain again")
    return library


def check(status: int, what: str) -> None:
    """Turn a native status into an exception.  The only place that does."""
    if status:
        reason = ffi.string(load("entrain").entrain_status_text(status)).decode()
        raise EngineError(what, status, reason)


def channels(samples: "npt.NDArray[np.float32]") -> Any:
    """Return C pointers to the rows of a (channels, frames) array, which must outlive them."""
    return ffi.new("float *[]", [ffi.from_buffer("float[]", row) for row in samples])
