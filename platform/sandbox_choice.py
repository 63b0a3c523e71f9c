"""Starts a sandbox of the kind that this machine has the programs for."""

from collections.abc import Sequence

from entrain.platform.adapter import PlatformError
from entrain.platform.sandbox import SPEAKERS, Sandbox, VirtualDevice
from entrain.platform.sandbox_pipewire import PipeWireSandbox
from entrain.platform.sandbox_pulse import PulseSandbox


def open_sandbox(devices: Sequence[VirtualDevice] = (SPEAKERS,)) -> Sandbox:
    """Start a private PipeWire or, where that is not installed, a private PulseAudio.

    Raises
    ------
    PlatformError
        Neither is installed, or the server does not come up within `START_TIMEOUT_S`.

    """
    if not PipeWireSandbox.missing_packages():
        return PipeWireSandbox(devices)
    if not PulseSandbox.missing_packages():
        return PulseSandbox(devices)
    pipewire, pulse = PipeWireSandbox.missing_packages(), PulseSandbox.missing_packages()
    raise PlatformError(
        f"the sandbox needs these packages: {' '.join(pipewire)} (or: {' '.join(pulse)})"
    )
