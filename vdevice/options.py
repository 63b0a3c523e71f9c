"""What `entrain run` was asked for."""

from dataclasses import dataclass
from typing import Literal

from entrain.vdevice.protocol.model import Protocol


@dataclass(frozen=True)
class RunOptions:
    """Options of one run; they win over the stored state."""

    headless: bool = False
    """Show no icon, only serve the control socket."""
    backend: str = "auto"
    """`auto`, or a name from `entrain.backend.available()`."""
    output: str | None = None
    """Name of the real device; None: the stored one, else the desktop's default."""
    protocol: Protocol | None = None
    """Checked against the blocks; None: the stored one, else `default`."""
    sandbox: Literal["never", "auto", "always"] = "never"
    """Start a private sound server; `auto`: only where there is none."""
    latency_ms: float | None = None
    """Added delay to aim at, 4 … 500, where sink and device have a clock each; None: as stored."""
    verbose: bool = False
    """Log what happens to stderr."""
