"""The only file that asks which system this is."""

import os
import sys

from entrain.platform.adapter import PlatformAdapter, PlatformError


def load() -> PlatformAdapter:
    """Return the adapter for this system.

    ``ENTRAIN_PLATFORM=null`` chooses one that touches no sound at all.  On Linux the process
    forgets what its environment says of streams; see `sound_environment`.

    Raises
    ------
    PlatformError
        There is none for this system.

    """
    if os.environ.get("ENTRAIN_PLATFORM") == "null":
        from entrain.platform.null import NullAdapter

        return NullAdapter()
    if sys.platform == "linux":
        from entrain.platform import sound_environment
        from entrain.platform.linux import LinuxAdapter

        sound_environment.forget_streams()
        return LinuxAdapter()
    raise PlatformError(f"Entrain does not run on {sys.platform} yet")
