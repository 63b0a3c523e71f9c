"""Starts a sandbox whose packages are installed."""

import sys
from collections.abc import Sequence

from entrain.platform import sandbox, sandbox_pipewire, sandbox_pulse
from entrain.platform.adapter import PlatformError

assert sys.platform == "linux"


def open_sandbox(
    devices: Sequence[sandbox.VirtualDevice] = (sandbox.SPEAKERS,),
) -> sandbox.Sandbox:
    """Start a private PipeWire or, if that is not installed, a private PulseAudio.

    Raises
    ------
    PlatformError
        Neither is installed, or the server is not ready within `START_TIMEOUT_S`.

    """
    kinds = (sandbox_pipewire.PipeWireSandbox, sandbox_pulse.PulseSandbox)
    missing = [kind.missing_packages() for kind in kinds]
    for kind, packages in zip(kinds, missing, strict=True):
        if not packages:
            return kind(devices)
    pipewire, pulse = map(" ".join, missing)
    raise PlatformError(f"the sandbox needs these packages: {pipewire} (or: {pulse})")
