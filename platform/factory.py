"""Chooses the adapter.  No other file asks for the name of the system."""

import os
import sys

from entrain.platform.adapter import PlatformAdapter, PlatformError


def load() -> PlatformAdapter:
    """Return the adapter for this system.

    ``ENTRAIN_PLATFORM=null`` chooses an adapter without any sound.  On Linux, this function removes
    variables about streams from the process's environment; see `sound_environment`.

    Raises
    ------
    PlatformError
        Entrain has no adapter for this system.

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
