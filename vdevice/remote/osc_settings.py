"""Settings of OSC."""

import ipaddress
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

_EXAMPLE = "such as 192.168.0.10, or 0.0.0.0 for all"


def _address(text: str) -> str:
    if text == "localhost":
        return LOOPBACK
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"is not the IP address of this computer, {_EXAMPLE}") from None
    if found.version == 6 and found.is_link_local:  # it counts on one of the networks alone
        raise ValueError(f"is a link-local address; take another one, {_EXAMPLE}")
    if found.is_multicast or (found.version == 4 and found.is_reserved):
        raise ValueError(f"is not the address of one computer; take one, {_EXAMPLE}")
    return text


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
