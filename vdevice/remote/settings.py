"""Settings of OSC."""

import socket
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from entrain.vdevice.limits import (
    LOOPBACK,
    MAX_PORT,
    MIN_PORT,
    OSC_CONTROL_PORT,
    OSC_FEEDBACK_PORT,
)


def _address(text: str) -> str:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, text)
        except (OSError, ValueError):
            continue
        return text
    raise ValueError("is not the IP address of this computer, such as 192.168.0.10, or 0.0.0.0")


Port = Annotated[int, Field(ge=MIN_PORT, le=MAX_PORT)]
ListenAddress = Annotated[str, StringConstraints(max_length=45), AfterValidator(_address)]


class OscSettings(BaseModel):
    """Whether and where other programs steer Entrain by OSC."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    on: bool = False
    port: Port = OSC_CONTROL_PORT
    feedback_port: Port = OSC_FEEDBACK_PORT
    """UDP port of the other program, to which answers and changes go."""
    listen: ListenAddress = LOOPBACK
    """Address of this computer on which Entrain listens."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.port == self.feedback_port:
            raise ValueError(clash(self.port))
        return self


def clash(port: int) -> str:
    """Return the line that refuses a port for both directions: Entrain would hear itself."""
    return f"port {port} cannot be Entrain's own and the other program's; choose two ports"
