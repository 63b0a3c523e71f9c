"""Commands about outside control."""

from typing import Literal

from entrain.vdevice.api.messages.kinds import Command
from entrain.vdevice.remote.settings import ListenAddress, Port


class Osc(Command):
    """Change how other programs steer Entrain by OSC; a field left out keeps its value."""

    command: Literal["osc"] = "osc"
    on: bool | None = None
    """Whether they can."""
    port: Port | None = None
    """UDP port on which Entrain listens."""
    feedback_port: Port | None = None
    """UDP port of the other program, to which answers and changes go."""
    listen: ListenAddress | None = None
    """Address of this computer on which Entrain listens."""
