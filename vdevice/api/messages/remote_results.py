"""Outside control in the status."""

from pydantic import BaseModel, ConfigDict


class OscStatus(BaseModel):
    """How other programs steer Entrain by OSC."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    on: bool = False
    """Whether they can."""
    port: int = 0
    """UDP port on which Entrain listens."""
    feedback_port: int = 0
    """UDP port of the other program, to which answers and changes go."""
    listen: str = ""
    """Address of this computer on which Entrain listens."""
    listening: bool = False
    """Whether the port is open."""
    clients: int = 0
    """Programs that have asked for changes, by `xmit`."""
    packets: int = 0
    """Packets since OSC was switched on."""
    refused: int = 0
    """Packets and messages without an effect, because they are not understood."""
    refusal: str = ""
    """Reason of the last refusal, one line."""
    problem: str = ""
    """One line; may be empty."""
