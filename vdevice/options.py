"""The options of `entrain run`."""

from dataclasses import dataclass
from typing import Literal

from entrain.vdevice.protocol.model import Protocol


@dataclass(frozen=True)
class RunOptions:
    """Options of one run; they override the stored state."""

    headless: bool = False
    """Show no icon; only serve the control socket."""
    backend: str = "auto"
    """`auto`, or a name from `entrain.backend.available()`."""
    output: str | None = None
    """Name of the real device; None: the stored device, or else the desktop's default."""
    protocol: Protocol | None = None
    """A protocol, checked against the blocks; None: the stored protocol, or else `default`."""
    sandbox: Literal["never", "auto", "always"] = "never"
    """Start a private sound server; `auto`: only if no sound server is running."""
    latency_ms: float | None = None
    """Target for the total added latency if sink and device have one clock each, 4 … 500 ms.

    None: the stored target.
    """
    verbose: bool = False
    """Log everything to stderr."""
