"""Field types that several documents share."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from entrain.vdevice.protocol.names import SLUG


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line of printable text")
    return text


Slug = Annotated[str, StringConstraints(pattern=f"^{SLUG}$")]
"""Id of a protocol or layer, or symbol of a parameter."""

Line = Annotated[str, AfterValidator(_printable)]

AddressText = Annotated[str, StringConstraints(pattern=rf"^{SLUG}\.{SLUG}$")]
"""An address, `layer.parameter`."""
