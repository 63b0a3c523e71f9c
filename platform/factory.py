"""The only file that asks which system this is."""

import os
import sys

from entrain.platform.adapter import PlatformAdapter, PlatformError


def load() -> PlatformAdapter:
    """Return the adapter for this system.

    ``ENTRAIN_PLATFORM=null`` chooses one that touches no sound at all.

    Raises
    ------
    PlatformError
        There is none for this system.

    """
    if os.environ.get("ENTRAIN_PLATFORM") == "null":
        from entrain.platform.null import NullAdapter

        return NullAdapter()
    if sys.platform == "linux":
        from entrain.platform.linux import LinuxAdapter

        return LinuxAdapter()
    raise PlatformError(f"Entrain does not run on {sys.platform} yet")
